//! The settings as `--help` lists them.

use std::fmt::Write as _;

use super::{declarations::SETTINGS, setting::Kind};

const LEGEND: &str = "\
Settings, with their [defaults]. The environment has precedence over the settings file, where names are in lower case.
A setting with * may also be in a separate file, whose path is in the variable NAME_FILE.";

/// The list of settings.
#[must_use]
pub fn help() -> String {
    let mut text = format!("{LEGEND}\n");
    for setting in SETTINGS {
        let mark = if setting.kind == Kind::Secret { "*" } else { "" };
        let name = format!("{}{mark}", setting.name);
        let default = if setting.default.is_empty() { String::new() } else { format!(" [{}]", setting.default) };
        // writing to a String cannot fail
        let _ = writeln!(text, "  {name:<26}{}{default}", setting.english.replace('`', ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_has_one_line_for_each_setting() {
        let help = help();
        for start in ["\n  LISTEN   ", "\n  SECRET_KEY*  ", "\n  DATABASE_CONNECTIONS  "] {
            assert!(help.contains(start), "{help}");
        }
        assert!(help.contains("[127.0.0.1:8000]\n") && !help.contains('`'), "{help}");
        assert_eq!(help.lines().count(), SETTINGS.len() + LEGEND.lines().count());
    }
}
