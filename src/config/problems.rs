//! The problems of the settings. No message contains the value of a setting, which may be a secret: parsers explain an
//! invalid value in fixed words, and all other parts of a message are names or positions.

use std::{error::Error, fmt};

/// Why a value is invalid, as a fixed text, which cannot contain the value itself.
pub(super) type InvalidValue = &'static str;

/// Every problem of the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ConfigProblems {
    /// Problems for which the server refuses to start.
    pub errors: Vec<String>,
    /// Settings that are valid, but possibly not what was intended.
    pub warnings: Vec<String>,
}

impl ConfigProblems {
    /// Adds a problem for which the server refuses to start.
    pub(super) fn error(&mut self, message: impl Into<String>) {
        self.errors.push(message.into());
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(message.into());
    }
}

/// The errors, one per line.
impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.join("\n"))
    }
}

impl Error for ConfigProblems {}
