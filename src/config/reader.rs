//! Turns settings from text into values, one after the other, and keeps what is wrong with them. Nothing stops at the
//! first problem: a value that cannot be had is `None`, and its problem is already noted.

use std::{collections::BTreeMap, path::Path};

use super::{
    file::File,
    problems::{Fault, Problems},
    source::{Environment, Found, gather},
    table::{OPEN_PLATFORMS, Setting, WITHOUT_EFFECT},
};

/// The settings as text, and what is wrong so far.
pub(super) struct Reader {
    found: BTreeMap<&'static str, Found>,
    /// From appid to the name of its open-platform account.
    pub(super) open_platforms: BTreeMap<String, String>,
    /// What is wrong so far.
    pub(super) problems: Problems,
}

impl Reader {
    /// Gathers the text of all settings.
    pub(super) fn open(environment: Environment<'_>, path: &Path, required: bool) -> Self {
        let mut problems = Problems::default();
        let file = File::read(path, required, &mut problems);
        let found = gather(environment, &file, &mut problems);
        let open_platforms = file.names(&OPEN_PLATFORMS, &mut problems);
        for setting in WITHOUT_EFFECT.iter().filter(|setting| found.contains_key(setting.name)) {
            problems.warn(format!("{} has no effect in this version", setting.name));
        }
        Self { found, open_platforms, problems }
    }

    /// Whether the setting is set somewhere, well or badly.
    pub(super) fn is_set(&self, setting: &Setting) -> bool {
        self.found.contains_key(setting.name)
    }

    /// What a sentence about the setting begins with.
    pub(super) fn label(&self, setting: &Setting) -> String {
        self.found.get(setting.name).map_or_else(|| setting.name.to_owned(), |found| found.label.clone())
    }

    /// The setting or its default, as a value.
    pub(super) fn value<T>(&mut self, setting: &Setting, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let value = parse(self.text(setting)?);
        value.map_err(|fault| self.problems.error(format!("{}: {fault}", self.label(setting)))).ok()
    }

    /// The good entries of a list.
    pub(super) fn list<T>(&mut self, setting: &Setting, mut parse: impl FnMut(&str) -> Result<T, Fault>) -> Vec<T> {
        let text = self.text(setting).filter(|text| !text.is_empty());
        let entries: Vec<_> =
            text.into_iter().flat_map(|text| text.split(',')).map(|entry| parse(entry.trim())).collect();
        let label = self.label(setting);
        let mut good = Vec::new();
        for (position, entry) in (1..).zip(entries) {
            match entry {
                Ok(value) => good.push(value),
                Err(fault) => self.problems.error(format!("{label}, entry {position}: {fault}")),
            }
        }
        good
    }

    fn text<'a>(&'a self, setting: &'a Setting) -> Option<&'a str> {
        self.found.get(setting.name).map_or(Some(setting.default), |found| found.text.as_deref())
    }
}
