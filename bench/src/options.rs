//! The command-line options.

use std::slice;

use crate::{BenchResult, database::DatabaseKind};

const USAGE: &str = "usage: cargo bench-load [--users 1000,1000000] [--database postgres,mysql,sqlite] [--rounds 7] \
                     [--only login] [--server target/release/miniaccount]";

/// The options.
pub(crate) struct Options {
    /// The numbers of users.
    pub(crate) users: Vec<u64>,
    /// The available databases.
    pub(crate) databases: Vec<DatabaseKind>,
    /// The rounds of each measurement.
    pub(crate) rounds: u32,
    /// A part of the names of the measurements to run; empty for all.
    pub(crate) only: String,
    /// The path of a built server; `None` builds one.
    pub(crate) server: Option<String>,
}

impl Options {
    /// Parses the arguments.
    pub(crate) fn read(arguments: &[&str]) -> BenchResult<Self> {
        let databases = DatabaseKind::ALL.to_vec();
        let mut options =
            Self { users: vec![1_000, 1_000_000], databases, rounds: 7, only: String::new(), server: None };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            options.set(name, next(&mut arguments)?)?;
        }
        options.databases.retain(|kind| *kind == DatabaseKind::Sqlite || matches!(kind.server(), Ok(Some(_))));
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> BenchResult {
        match name {
            "--users" => self.users = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--database" => self.databases = value.split(',').map(kind).collect::<BenchResult<_>>()?,
            "--rounds" => self.rounds = value.parse()?,
            "--only" => value.clone_into(&mut self.only),
            "--server" => self.server = Some(value.to_owned()),
            _ => return Err(USAGE.into()),
        }
        Ok(())
    }
}

fn next<'a>(arguments: &mut slice::Iter<'_, &'a str>) -> BenchResult<&'a str> {
    Ok(arguments.next().ok_or(USAGE)?)
}

fn kind(name: &str) -> BenchResult<DatabaseKind> {
    let named = DatabaseKind::ALL.into_iter().find(|kind| format!("{kind:?}").eq_ignore_ascii_case(name));
    Ok(named.ok_or(USAGE)?)
}
