//! Reads the settings: gathers their texts, checks each value and then the rules between them, and builds the config.

use std::path::Path;

use super::{Config, ConfigProblems, file::DEFAULT_PATH, raw::RawSettings, rules, source::Environment};

/// Reads the settings from the environment, from the settings file (`miniaccount.toml` in the working directory, which
/// may be missing, unless another is named) and from the defaults. Returns the config with the warnings.
///
/// # Errors
/// When anything is wrong: every problem and every warning.
pub fn read(environment: Environment<'_>, file: Option<&Path>) -> Result<(Config, Vec<String>), ConfigProblems> {
    build(environment, file, true)
}

/// The same for a command other than the server: it needs no mini program and no emulator.
///
/// # Errors
/// When anything is wrong: every problem and every warning.
pub fn read_for_command(
    environment: Environment<'_>,
    file: Option<&Path>,
) -> Result<(Config, Vec<String>), ConfigProblems> {
    build(environment, file, false)
}

fn build(
    environment: Environment<'_>,
    file: Option<&Path>,
    serves: bool,
) -> Result<(Config, Vec<String>), ConfigProblems> {
    let mut raw = RawSettings::gather(environment, file.unwrap_or(Path::new(DEFAULT_PATH)), file.is_some());
    rules::discard_without_effect(&mut raw);
    raw.check_values();
    rules::check(&mut raw, serves);
    match Config::read(&raw) {
        Some(config) if raw.problems.errors.is_empty() => Ok((config, raw.problems.warnings)),
        _ => Err(raw.problems),
    }
}

#[cfg(test)]
mod tests;
