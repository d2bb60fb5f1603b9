//! The report: a table in Markdown.

use std::fs;

use crate::load::LoadResult;

/// One round of a measurement: `me` sent to the empty handler, and then the load. Other processes on the machine slow
/// both, so that their ratio changes little.
pub(crate) struct Round {
    pub(crate) floor: LoadResult,
    pub(crate) loaded: LoadResult,
}

/// One measurement.
pub(crate) struct Line {
    database: &'static str,
    users: u64,
    name: &'static str,
    rounds: Vec<Round>,
}

impl Line {
    pub(crate) fn of(database: &'static str, users: u64, name: &'static str, rounds: Vec<Round>) -> Self {
        Self { database, users, name, rounds }
    }

    /// The median of all rounds.
    fn median(&self, value: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(value))
    }
}

/// All measurements.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn line(&mut self, line: Line) {
        eprintln!("{}", row(&line));
        self.lines.push(line);
    }

    pub(crate) fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// Prints the table and the notes.
    pub(crate) fn print(&self) {
        println!("On {}:\n", machine());
        println!(
            "| | database | users | requests/s | server, µs each | × floor | database, µs each | both, × floor \
             | p99, ms |"
        );
        println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
        println!("{}", self.floor());
        for line in &self.lines {
            println!("{}", row(line));
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }

    /// The row of the empty handler.
    fn floor(&self) -> String {
        let floors = || self.lines.iter().flat_map(|line| &line.rounds).map(|round| &round.floor);
        format!(
            "| empty handler (the floor) | | | {:.0} | {:.1} | 1.00 | | | {:.2} |",
            median(floors().map(LoadResult::rate)),
            median(floors().map(LoadResult::server)),
            median(floors().map(LoadResult::p99)),
        )
    }
}

fn row(line: &Line) -> String {
    format!(
        "| {} | {} | {} | {:.0} | {:.1} | {:.2} | {:.1} | {:.2} | {:.2} |",
        line.name,
        line.database,
        line.users,
        line.median(|round| round.loaded.rate()),
        line.median(|round| round.loaded.server()),
        line.median(|round| round.loaded.server() / round.floor.server()),
        line.median(|round| round.loaded.database()),
        line.median(|round| (round.loaded.server() + round.loaded.database()) / round.floor.server()),
        line.median(|round| round.loaded.p99()),
    )
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The processor of this machine.
fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.trim_start_matches(['\t', ' ', ':']))
}
