//! The address of an SQLite database: `sqlite://miniaccount.db?mode=rwc`, `sqlite::memory:`.

use std::{fmt, path::PathBuf};

use super::{DatabaseUrlError, decode, parameters::Parameters};
use crate::config::problems::InvalidValue;

/// An SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqliteDatabase {
    /// In memory: lost when the process ends.
    Memory,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it is created if it is missing. `mode=rwc`
        create: bool,
    },
}

/// SQLite's own name of a database in memory.
const MEMORY: &str = ":memory:";

impl SqliteDatabase {
    /// Parses the part after `sqlite:`.
    pub(super) fn parse(rest: &str) -> Result<Self, DatabaseUrlError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = rest.split_once('?').map_or((rest, None), |(path, rest)| (path, Some(rest)));
        if rest.contains('#') || parameters.is_some_and(|parameters| parameters.contains('?')) {
            return Err("in the name of a file, # must be written as %23 and ? as %3F".into());
        }
        let path = decode(path)?;
        let mut parameters = Parameters::parse(parameters)?;
        let mode = parameters.take(&["mode"]);
        let is_in_memory = path == MEMORY || mode.as_deref() == Some("memory");
        if is_in_memory {
            // has no effect, because a database in memory has only one connection
            parameters.take(&["cache"]);
        }
        parameters.finish("mode")?;
        if is_in_memory { Ok(Self::Memory) } else { Ok(Self::file(path, mode.as_deref())?) }
    }

    fn file(path: String, mode: Option<&str>) -> Result<Self, DatabaseUrlError> {
        refuse_special_name(&path)?;
        let create = match mode {
            Some("rwc") => true,
            None | Some("rw") => false,
            Some(_) => return Err(DatabaseUrlError::BadParameter("mode", "must be rwc, rw or memory")),
        };
        Ok(Self::File { path: path.into(), create })
    }
}

/// Refuses an empty path, for which SQLite makes a temporary file, and `file:`, which begins a URI with options.
fn refuse_special_name(path: &str) -> Result<(), InvalidValue> {
    if path.is_empty() {
        return Err("must name a file, such as sqlite://miniaccount.db?mode=rwc");
    }
    if path.starts_with("file:") {
        Err("must not begin with sqlite:file:; write sqlite:// and the path")
    } else {
        Ok(())
    }
}

impl fmt::Display for SqliteDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(MEMORY),
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}
