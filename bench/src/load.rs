//! Load, made by `wrk`: how many requests were answered, how many of them wrongly, how long they took.

use std::time::Duration;

use tokio::process::Command;

use crate::{
    Outcome,
    process::{Cost, Process, Watch},
};

/// The scripts of the load.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// What is sent.
pub(crate) struct Load {
    pub(crate) script: &'static str,
    pub(crate) arguments: Vec<String>,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    pub(crate) requests: u32,
    p99: Duration,
    cost: Cost,
}

impl Load {
    /// Sends it, and fails if one answer was wrong: the cost of an error is nothing anybody wants to know.
    pub(crate) async fn send(&self, to: &Process) -> Outcome<Loaded> {
        let watch = Watch::start(to)?;
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
            return Err(format!("{}: {wrong} of {requests} answers were wrong", self.script).into());
        }
        Ok(Loaded { requests, p99: Duration::from_micros(p99.into()), cost })
    }
}

impl Loaded {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.requests) / self.cost.wall.as_secs_f64()
    }

    /// Processor time of the server for each request, in microseconds.
    pub(crate) fn server(&self) -> f64 {
        self.each(self.cost.server)
    }

    /// Processor time of PostgreSQL for each request, in microseconds.
    pub(crate) fn postgres(&self) -> f64 {
        self.each(self.cost.postgres)
    }

    /// How long 99 of 100 requests took at the most, in milliseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.p99.as_secs_f64() * 1e3
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(self.requests)
    }
}
