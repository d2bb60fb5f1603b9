//! Where the text of a setting comes from: the environment first, then the settings file.

use std::{collections::BTreeMap, env::VarError, fs};

use super::{
    declarations::{REFUSED_WHEN_BLANK, SETTINGS},
    file::SettingsFile,
    problems::ConfigProblems,
    setting::{Declaration, Kind},
};

/// Looks up an environment variable. A parameter, so that tests need not change the environment of their process.
pub type Environment<'a> = &'a dyn Fn(&str) -> Result<String, VarError>;

/// The environment of this process.
///
/// # Errors
/// When the variable is not set, or is not Unicode.
#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
pub fn process_environment(name: &str) -> Result<String, VarError> {
    std::env::var(name)
}

/// The text of a setting. Without `Debug`, because the text may be a secret.
pub(super) struct RawValue {
    /// What a message about it begins with: where it is set, and its name there.
    pub(super) label: String,
    /// The trimmed text; `None` if it could not be read, which an error explains.
    pub(super) text: Option<String>,
}

/// The text of every setting that is set, by name.
pub(super) fn gather(
    environment: Environment<'_>,
    file: &SettingsFile,
    problems: &mut ConfigProblems,
) -> BTreeMap<&'static str, RawValue> {
    let mut values = BTreeMap::new();
    for setting in SETTINGS {
        let value = from_environment(environment, setting, problems).or_else(|| from_file(file, setting, problems));
        values.extend(value.map(|value| (setting.name, value)));
    }
    values
}

fn from_environment(
    environment: Environment<'_>,
    setting: &Declaration,
    problems: &mut ConfigProblems,
) -> Option<RawValue> {
    match setting.kind {
        Kind::Plain | Kind::Table => variable(environment, setting.name, refuses_blank(setting), problems),
        Kind::Secret => secret(environment, setting, problems),
    }
}

fn variable(
    environment: Environment<'_>,
    name: &str,
    refuses_blank: bool,
    problems: &mut ConfigProblems,
) -> Option<RawValue> {
    match environment(name) {
        Ok(text) => accept(name.to_owned(), &text, refuses_blank, problems),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => {
            problems.error(format!("{name}: is not Unicode text"));
            Some(RawValue { label: name.to_owned(), text: None })
        }
    }
}

/// A secret may also be in the file that `NAME_FILE` names. Setting both is refused, because either could be meant.
fn secret(environment: Environment<'_>, setting: &Declaration, problems: &mut ConfigProblems) -> Option<RawValue> {
    let value = variable(environment, setting.name, refuses_blank(setting), problems);
    let label = format!("{}_FILE", setting.name);
    // a blank path has no effect if there is a value
    let refuses_blank = value.is_none() && refuses_blank(setting);
    let Some(path) = variable(environment, &label, refuses_blank, problems) else { return value };
    if value.is_some() {
        problems.error(format!("{} and {label} are both set: keep one of them", setting.name));
        return Some(RawValue { label, text: None });
    }
    let text = path.text.and_then(|path| secret_file(&label, &path, problems));
    Some(RawValue { label, text })
}

fn secret_file(label: &str, path: &str, problems: &mut ConfigProblems) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => problems.error(format!("{label}: the file {path} is empty")),
        Ok(text) => return accept(label.to_owned(), &text, true, problems)?.text,
        Err(error) => problems.error(format!("{label}: the file {path} cannot be read: {error}")),
    }
    None
}

fn from_file(file: &SettingsFile, setting: &Declaration, problems: &mut ConfigProblems) -> Option<RawValue> {
    let label = format!("{}: {}", file.name, setting.key());
    match file.text(setting)? {
        Ok(text) => accept(label, &text, refuses_blank(setting), problems),
        Err(reason) => {
            problems.error(format!("{label}: {reason}"));
            Some(RawValue { label, text: None })
        }
    }
}

fn refuses_blank(setting: &Declaration) -> bool {
    REFUSED_WHEN_BLANK.iter().any(|refused| refused.name == setting.name)
}

/// A value without the blanks around it. A blank value counts as not set, unless it is refused.
fn accept(label: String, text: &str, refuses_blank: bool, problems: &mut ConfigProblems) -> Option<RawValue> {
    let text = text.trim();
    if text.is_empty() && !refuses_blank {
        return None;
    }
    let reason = if text.is_empty() {
        Some("is blank; give it a value, or remove it")
    } else {
        is_quoted(text).then_some("is wrapped in quotes; write the value without them")
    };
    if let Some(reason) = reason {
        problems.error(format!("{label}: {reason}"));
    }
    Some(RawValue { label, text: reason.is_none().then(|| text.to_owned()) })
}

/// Whether a value has quotes around it. A shell removes them; most programs that read env files do not.
fn is_quoted(text: &str) -> bool {
    ['"', '\''].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote))
}
