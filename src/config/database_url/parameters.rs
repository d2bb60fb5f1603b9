//! The parameters of an address, after its `?`. Unknown ones are refused, because a misspelt `sslmode` must not be
//! silently ignored.

use super::{DatabaseUrlError, decode};

/// The parameters that were not read yet.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parses `name=value&name=value`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, DatabaseUrlError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for parameter in text.into_iter().flat_map(|text| text.split('&')) {
            let (name, value) = parameter.split_once('=').ok_or("a parameter behind the ? must be name=value")?;
            let (name, value) = (decode(name)?, decode(value)?);
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err("a parameter behind the ? is given twice".into());
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// Takes the value of a parameter, which may have several names.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<String> {
        let place = self.0.iter().position(|(name, _)| names.contains(&name.as_str()))?;
        Some(self.0.remove(place).1)
    }

    /// Takes the parameters `prefix[name]`.
    pub(super) fn take_all(&mut self, prefix: &str) -> Vec<(String, String)> {
        let inner = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| inner(name).is_some());
        self.0 = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().filter_map(|(name, value)| Some((inner(&name)?, value))).collect()
    }

    /// Refuses the parameters that are left. The message repeats no unusual name, which may be part of a password.
    pub(super) fn finish(self, known: &'static str) -> Result<(), DatabaseUrlError> {
        let Some((name, _)) = self.0.first() else { return Ok(()) };
        let is_plain = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
        let name = if is_plain { format!("`{name}`") } else { "behind the ?".to_owned() };
        Err(DatabaseUrlError::UnknownParameter { name, known })
    }
}
