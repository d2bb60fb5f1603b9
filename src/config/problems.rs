//! What is wrong with the settings, all of it at once. No sentence here ever holds the value of a secret: parsers
//! name what is wrong in fixed words, and the rest is names and positions.

use std::{error::Error, fmt};

/// What is wrong with a value, in words that cannot hold the value itself.
pub(super) type Fault = &'static str;

/// Everything that is wrong with the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// What the server refuses to start for.
    pub errors: Vec<String>,
    /// What works, but maybe not as meant.
    pub warnings: Vec<String>,
}

impl Problems {
    /// Adds something the server refuses to start for.
    pub(super) fn error(&mut self, sentence: impl Into<String>) {
        self.errors.push(sentence.into());
    }

    /// Adds something that works, but maybe not as meant.
    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }
}

/// The errors, a line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.join("\n"))
    }
}

impl Error for Problems {}
