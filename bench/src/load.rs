//! Generates load with `wrk`, and counts requests, errors and latency.

use std::time::Duration;

use tokio::process::Command;

use crate::{
    BenchResult,
    database::BenchDatabase,
    process::{Cost, Process, Watch},
};

/// The scripts of the load.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// A load.
pub(crate) struct Load {
    pub(crate) script: &'static str,
    pub(crate) arguments: Vec<String>,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// The result of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadResult {
    pub(crate) requests: u32,
    p99: Duration,
    cost: Cost,
}

impl Load {
    /// Sends the load. Fails if a response was wrong, because the cost of errors is not of interest.
    pub(crate) async fn send(&self, to: &Process, database: &BenchDatabase) -> BenchResult<LoadResult> {
        let watch = Watch::start(to, database)?;
        let wrk = Command::new("wrk")
            .args(["-t1", "--timeout", "20s", "-c", &self.connections.to_string()])
            .args(["-d", &format!("{}s", self.seconds), "-s", &format!("{SCRIPTS}/{}", self.script), &to.base])
            .arg("--")
            .args(&self.arguments)
            .output()
            .await
            .map_err(|cause| format!("wrk cannot be run: {cause}"))?;
        let cost = watch.stop()?;
        let output = String::from_utf8(wrk.stdout)?;
        let result = output.lines().find_map(|line| line.strip_prefix("RESULT ")).ok_or(output.clone())?;
        let numbers: Vec<u32> = result.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [requests, wrong, p99] = numbers[..] else { return Err(output.into()) };
        if wrong > 0 || requests == 0 {
            return Err(format!("{}: {wrong} of {requests} responses were wrong", self.script).into());
        }
        Ok(LoadResult { requests, p99: Duration::from_micros(p99.into()), cost })
    }
}

impl LoadResult {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.requests) / self.cost.wall.as_secs_f64()
    }

    /// CPU time of the server per request, in microseconds.
    pub(crate) fn server(&self) -> f64 {
        self.per_request(self.cost.server)
    }

    /// CPU time of the database per request, in microseconds.
    pub(crate) fn database(&self) -> f64 {
        self.per_request(self.cost.database)
    }

    /// The 99th percentile of the latency, in milliseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.p99.as_secs_f64() * 1e3
    }

    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(self.requests)
    }
}
