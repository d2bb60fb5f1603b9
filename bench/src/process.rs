//! Starts and stops the measured processes, and reads their CPU time and memory.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{BenchResult, database::BenchDatabase};

/// How long a process may take to print its address.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Length of the kernel's tick for CPU times (`getconf CLK_TCK`, 100 per second on Linux).
const TICK: Duration = Duration::from_millis(10);

/// A process that serves HTTP.
pub(crate) struct Process {
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
    /// Its URL, such as `http://127.0.0.1:8000`.
    pub(crate) base: String,
}

impl Process {
    /// Starts a process and waits for the first address it prints.
    pub(crate) async fn start(command: &mut Command) -> BenchResult<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let base = timeout(START_TIMEOUT, address(&mut lines)).await??;
        Ok(Self { child, _output: lines, base })
    }

    /// Starts this program as the fake WeChat or the empty handler.
    pub(crate) async fn part(arguments: &[&str]) -> BenchResult<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments)).await
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// CPU time so far.
    pub(crate) fn cpu(&self) -> BenchResult<Duration> {
        cpu(&self.id().to_string())
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> BenchResult<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> BenchResult<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, address)) = line.split_once("http://") {
            let address = address.split(['/', '"']).next().unwrap_or_default();
            return Ok(format!("http://{address}"));
        }
    }
    Err("the process ended before it printed its address".into())
}

/// CPU time of a process: fields 14 and 15 of its line in /proc (proc(5)), after a name that may contain spaces.
fn cpu(id: &str) -> BenchResult<Duration> {
    let line = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = line.rsplit_once(')').ok_or("no name in stat")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// CPU time of all processes with this name and a matching title. They do not end during a measurement, because the
/// server holds its connections open.
pub(crate) fn cpu_of(name: &str, is_ours: impl Fn(&str) -> bool) -> BenchResult<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir("/proc")? {
        let id = entry?.file_name();
        let Some(id) = id.to_str() else { continue };
        let is_named = fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|comm| comm.trim() == name);
        let title = || fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if is_named && is_ours(&title()) {
            // fails only if the process has just ended
            total += cpu(id).unwrap_or_default();
        }
    }
    Ok(total)
}

/// The cost of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) server: Duration,
    pub(crate) database: Duration,
    pub(crate) wall: Duration,
}

/// Measures the cost from its start to its stop.
pub(crate) struct Watch<'a> {
    process: &'a Process,
    database: &'a BenchDatabase,
    server: Duration,
    database_cpu: Duration,
    began: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn start(process: &'a Process, database: &'a BenchDatabase) -> BenchResult<Self> {
        let (server, database_cpu) = (process.cpu()?, database.cpu()?);
        Ok(Self { process, database, server, database_cpu, began: Instant::now() })
    }

    pub(crate) fn stop(self) -> BenchResult<Cost> {
        let server = self.process.cpu()?.saturating_sub(self.server);
        let database = self.database.cpu()?.saturating_sub(self.database_cpu);
        Ok(Cost { server, database, wall: self.began.elapsed() })
    }
}
