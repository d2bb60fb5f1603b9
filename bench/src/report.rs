//! The table at the end.

use std::{fs, time::Duration};

use crate::load::Loaded;

/// One measurement.
pub(crate) struct Line {
    users: u64,
    name: &'static str,
    loaded: Loaded,
}

impl Line {
    pub(crate) fn of(users: u64, name: &'static str, loaded: Loaded) -> Self {
        Self { users, name, loaded }
    }
}

/// All of them.
pub(crate) struct Report {
    floors: Vec<Loaded>,
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { floors: Vec::new(), lines: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn floor(&mut self, loaded: Loaded) {
        self.floors.push(loaded);
    }

    pub(crate) fn line(&mut self, line: Line) {
        eprintln!("{} users, {}: {:?} a request", line.users, line.name, line.loaded.server());
        self.lines.push(line);
    }

    pub(crate) fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// Prints it, in Markdown.
    pub(crate) fn print(&self) {
        let floor = self.floors.iter().map(Loaded::server).min().unwrap_or_default();
        println!("On {}:\n", machine());
        println!("| | users | requests/s | server, µs each | × floor | PostgreSQL, µs each | × floor | p99, ms |");
        println!("|---|--:|--:|--:|--:|--:|--:|--:|");
        for loaded in &self.floors {
            print_row("a handler that does nothing (the floor)", "", loaded, floor);
        }
        for line in &self.lines {
            print_row(line.name, &line.users.to_string(), &line.loaded, floor);
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }
}

fn print_row(name: &str, users: &str, loaded: &Loaded, floor: Duration) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let times = |time: Duration| time.as_secs_f64() / floor.as_secs_f64();
    println!(
        "| {name} | {users} | {:.0} | {:.1} | {:.2} | {:.1} | {:.2} | {:.2} |",
        f64::from(loaded.requests) / loaded.cost.wall.as_secs_f64(),
        micros(loaded.server()),
        times(loaded.server()),
        micros(loaded.postgres()),
        times(loaded.postgres()),
        loaded.p99.as_secs_f64() * 1e3,
    );
}

/// What this ran on.
fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.trim_start_matches(['\t', ' ', ':']))
}
