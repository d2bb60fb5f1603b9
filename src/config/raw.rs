//! The settings as text, before and while they are parsed, with the problems found so far. Nothing stops at the first
//! problem: the operator sees all of them at once.

use std::{collections::BTreeMap, path::Path};

use super::{
    declarations::SETTINGS,
    file::SettingsFile,
    parse,
    problems::ConfigProblems,
    setting::{Declaration, Setting},
    source::{Environment, RawValue, gather},
};

/// The settings as text; by default none is set.
#[derive(Default)]
pub(super) struct RawSettings {
    values: BTreeMap<&'static str, RawValue>,
    pub(super) problems: ConfigProblems,
}

impl RawSettings {
    /// Gathers the text of every setting that is set. Without `required` the file may be missing.
    pub(super) fn gather(environment: Environment<'_>, path: &Path, required: bool) -> Self {
        let mut problems = ConfigProblems::default();
        let file = SettingsFile::read(path, required, &mut problems);
        let values = gather(environment, &file, &mut problems);
        Self { values, problems }
    }

    /// Notes each value that is invalid.
    pub(super) fn check_values(&mut self) {
        for declaration in SETTINGS {
            let problems = self.text(declaration).map(declaration.check).and_then(Result::err).unwrap_or_default();
            let label = self.label(declaration);
            self.problems.errors.extend(problems.iter().map(|problem| format!("{label}{problem}")));
        }
    }

    /// Treats a setting as not set.
    pub(super) fn discard(&mut self, declaration: &Declaration) {
        self.values.remove(declaration.name);
    }

    /// Whether the setting is set, even to an invalid value.
    pub(super) fn is_set(&self, declaration: &Declaration) -> bool {
        self.values.contains_key(declaration.name)
    }

    /// Whether the setting is set and its text could be read.
    pub(super) fn has_text(&self, declaration: &Declaration) -> bool {
        self.values.get(declaration.name).is_some_and(|value| value.text.is_some())
    }

    /// What a message about the setting begins with: where it is set, and its name there.
    pub(super) fn label(&self, declaration: &Declaration) -> String {
        self.values.get(declaration.name).map_or_else(|| declaration.name.to_owned(), |value| value.label.clone())
    }

    /// The value, or the default; `None` if it is invalid, which `check_values` reports.
    pub(super) fn get<T>(&self, setting: &Setting<T>) -> Option<T> {
        (setting.parse)(self.text(&setting.declaration)?).ok()
    }

    /// The entries of a list, valid or not.
    pub(super) fn entries(&self, declaration: &Declaration) -> impl Iterator<Item = &str> {
        parse::entries(self.text(declaration).unwrap_or_default())
    }

    /// Adds an error about a setting.
    pub(super) fn refuse(&mut self, declaration: &Declaration, reason: &str) {
        let label = self.label(declaration);
        self.problems.error(format!("{label}: {reason}"));
    }

    /// Adds a warning about a setting.
    pub(super) fn warn(&mut self, declaration: &Declaration, reason: &str) {
        let label = self.label(declaration);
        self.problems.warn(format!("{label}: {reason}"));
    }

    fn text(&self, declaration: &Declaration) -> Option<&str> {
        self.values.get(declaration.name).map_or(Some(declaration.default), |value| value.text.as_deref())
    }
}
