//! Processes that are measured: started, asked what they used, and stopped.

use std::{
    ffi::OsStr,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::Outcome;

/// How long a process may take to say where it is.
const START: Duration = Duration::from_secs(20);

/// Length of the kernel's tick for processor times (`getconf CLK_TCK`, 100 a second on Linux).
const TICK: Duration = Duration::from_millis(10);

/// A process that answers at an address.
pub(crate) struct Process {
    child: Child,
    _output: Lines<BufReader<ChildStdout>>,
    /// Where it answers, such as `http://127.0.0.1:8000`.
    pub(crate) base: String,
}

impl Process {
    /// Starts a process and waits for the first address it prints.
    pub(crate) async fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let base = timeout(START, address(&mut lines)).await??;
        Ok(Self { child, _output: lines, base })
    }

    /// This program, playing another part.
    pub(crate) async fn part(arguments: &[&str]) -> Outcome<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments)).await
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Processor time used so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        cpu(&self.id().to_string())
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> Outcome<String> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, place)) = line.split_once("http://") {
            let place = place.split(['/', '"']).next().unwrap_or_default();
            return Ok(format!("http://{place}"));
        }
    }
    Err("the process ended before it said where it is".into())
}

/// Processor time of a process and of its children that have ended: the 14th to 17th field of its line (proc(5)), which
/// follow a name that may hold spaces.
fn cpu(id: &str) -> Outcome<Duration> {
    let line = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = line.rsplit_once(')').ok_or("no name in stat")?;
    let times = fields.split_whitespace().skip(11).take(4);
    let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// Processor time of everything named `postgres`. What a process leaves that ends is its parent's, which is one of them.
fn cpu_of_postgres() -> Outcome<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir("/proc")? {
        let id = entry?.file_name();
        if is_postgres(&id) {
            // one that has ended since the line above is missed: seldom enough
            total += id.to_str().and_then(|id| cpu(id).ok()).unwrap_or_default();
        }
    }
    Ok(total)
}

fn is_postgres(id: &OsStr) -> bool {
    let name = id.to_str().and_then(|id| fs::read_to_string(format!("/proc/{id}/comm")).ok());
    name.is_some_and(|name| name.trim() == "postgres")
}

/// What something cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) server: Duration,
    pub(crate) postgres: Duration,
    pub(crate) wall: Duration,
}

/// A stretch of time in which a process is watched.
pub(crate) struct Watch<'a> {
    process: &'a Process,
    server: Duration,
    postgres: Duration,
    began: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn start(process: &'a Process) -> Outcome<Self> {
        Ok(Self { process, server: process.cpu()?, postgres: cpu_of_postgres()?, began: Instant::now() })
    }

    pub(crate) fn stop(self) -> Outcome<Cost> {
        let server = self.process.cpu()?.saturating_sub(self.server);
        let postgres = cpu_of_postgres()?.saturating_sub(self.postgres);
        Ok(Cost { server, postgres, wall: self.began.elapsed() })
    }
}
