//! Gathers the settings as text: the environment first, then the file. What is set nowhere is not in it.

use std::{collections::BTreeMap, env::VarError, fs};

use super::{
    file::File,
    problems::Problems,
    table::{ALL, Kind, Setting},
};

/// Looks up an environment variable. A function, so that a test need not touch its process.
pub type Environment<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// The environment of this process.
///
/// # Errors
/// When the variable is not set, or is not Unicode.
#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
pub fn process_environment(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}

/// A setting that is set. It cannot be printed: the text may be a secret.
pub(super) struct Found {
    /// What a sentence about it begins with: where it was found, and its name there.
    pub(super) label: String,
    /// The text without blanks around it; nothing when it could not be had and a problem tells why.
    pub(super) text: Option<String>,
}

/// All settings that are set, by the names in the table. Blank counts as not set.
pub(super) fn gather(
    environment: Environment<'_>,
    file: &File,
    problems: &mut Problems,
) -> BTreeMap<&'static str, Found> {
    let mut found = BTreeMap::new();
    for setting in ALL {
        let value = from_environment(environment, setting, problems).or_else(|| from_file(file, setting, problems));
        found.extend(value.map(|value| (setting.name, value)));
    }
    found
}

fn from_environment(environment: Environment<'_>, setting: &Setting, problems: &mut Problems) -> Option<Found> {
    let value = variable(environment, setting.name, problems);
    match setting.kind {
        Kind::Plain => value,
        Kind::Secret => with_secret_file(environment, setting, value, problems),
        Kind::FileOnly | Kind::Names => {
            if value.is_some() {
                problems.warn(format!("{} has no effect: write `{}` in the file", setting.name, setting.key()));
            }
            None
        }
    }
}

fn variable(environment: Environment<'_>, name: &str, problems: &mut Problems) -> Option<Found> {
    let text = match environment(name) {
        Ok(text) if text.trim().is_empty() => return None,
        Ok(text) => Some(text.trim().to_owned()),
        Err(VarError::NotPresent) => return None,
        Err(VarError::NotUnicode(_)) => {
            problems.error(format!("{name}: is not Unicode text"));
            None
        }
    };
    Some(Found { label: name.to_owned(), text })
}

/// A secret given as `NAME_FILE`. Where both are set, it cannot be told which one is meant.
fn with_secret_file(
    environment: Environment<'_>,
    setting: &Setting,
    value: Option<Found>,
    problems: &mut Problems,
) -> Option<Found> {
    let label = format!("{}_FILE", setting.name);
    let Some(path) = variable(environment, &label, problems) else { return value };
    if value.is_some() {
        problems.error(format!("{} and {label} are both set: keep one of them", setting.name));
        return Some(Found { label, text: None });
    }
    let text = path.text.and_then(|path| secret_file(&label, &path, problems));
    Some(Found { label, text })
}

fn secret_file(label: &str, path: &str, problems: &mut Problems) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => problems.error(format!("{label}: the file {path} is empty")),
        Ok(text) => return Some(text.trim().to_owned()),
        Err(error) => problems.error(format!("{label}: the file {path} cannot be read: {error}")),
    }
    None
}

fn from_file(file: &File, setting: &Setting, problems: &mut Problems) -> Option<Found> {
    let label = format!("{}: {}", file.name, setting.key());
    match file.text(setting)? {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => Some(Found { label, text: Some(text.trim().to_owned()) }),
        Err(fault) => {
            problems.error(format!("{label}: {fault}"));
            Some(Found { label, text: None })
        }
    }
}
