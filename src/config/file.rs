//! The settings file: TOML with a lower-case key for each setting. Unknown keys are refused, because a misspelt setting
//! that is silently ignored is worse than none.

use std::{fs, io, path::Path};

use toml::{Table, Value};

use super::{
    declarations::SETTINGS,
    problems::{ConfigProblems, InvalidValue},
    setting::{Declaration, Kind},
};

/// The file in the working directory that is read if no other is named.
pub(super) const DEFAULT_PATH: &str = "miniaccount.toml";

/// The settings file.
pub(super) struct SettingsFile {
    /// Its path, for messages.
    pub(super) name: String,
    table: Table,
}

impl SettingsFile {
    /// Reads the file and refuses every unknown key in it. Without `required` it may be missing.
    pub(super) fn read(path: &Path, required: bool, problems: &mut ConfigProblems) -> Self {
        let name = path.display().to_string();
        let table = match fs::read_to_string(path) {
            Ok(text) => parse(&name, &text, problems),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => Table::new(),
            Err(error) => {
                problems.error(format!("{name}: cannot be read: {error}"));
                Table::new()
            }
        };
        refuse_unknown(&name, &table, problems);
        Self { name, table }
    }

    /// The value of a setting in the form of an environment variable.
    pub(super) fn text(&self, setting: &Declaration) -> Option<Result<String, InvalidValue>> {
        let value = self.table.get(&setting.key())?;
        Some(match value {
            Value::Table(table) if setting.kind == Kind::Table => pairs(table),
            Value::Array(items) => items.iter().map(scalar).collect::<Result<Vec<_>, _>>().map(|items| items.join(",")),
            value => scalar(value),
        })
    }
}

/// A table as `key:name,key:name`.
fn pairs(table: &Table) -> Result<String, InvalidValue> {
    let pairs: Option<Vec<_>> = table.iter().map(pair).collect();
    pairs.map(|pairs| pairs.join(",")).ok_or("must be a table of names in quotes, without commas")
}

fn pair((key, value): (&String, &Value)) -> Option<String> {
    let name = value.as_str().filter(|name| !name.trim().is_empty() && !name.contains(','))?;
    let is_key = !key.trim().is_empty() && !key.contains([':', ',']);
    is_key.then(|| format!("{key}:{name}"))
}

fn scalar(value: &Value) -> Result<String, InvalidValue> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        _ => Err("must be text in quotes, a whole number, true, false, or a list of these"),
    }
}

fn parse(name: &str, text: &str, problems: &mut ConfigProblems) -> Table {
    text.parse().unwrap_or_else(|error: toml::de::Error| {
        // the message of the parser would show the line, and a secret may be on it
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        let hint = "this is not TOML; text needs quotes, and a key occurs only once";
        problems.error(format!("{name}: line {line}, column {column}: {hint}"));
        Table::new()
    })
}

/// Line and column, from 1, of a byte offset in a text.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn refuse_unknown(name: &str, table: &Table, problems: &mut ConfigProblems) {
    for key in table.keys().filter(|key| SETTINGS.iter().all(|setting| setting.key() != **key)) {
        let hint = nearest(key).map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        problems.error(format!("{name}: unknown setting `{}`{hint}", key.escape_debug()));
    }
}

/// The known key that is most similar to this one, unless none is similar.
fn nearest(key: &str) -> Option<String> {
    let key = key.to_ascii_lowercase();
    let similarity = |setting: &&Declaration| (strsim::jaro_winkler(&key, &setting.key()), setting.key());
    let best = SETTINGS.iter().map(similarity).max_by(|left, right| left.0.total_cmp(&right.0));
    best.filter(|(similarity, _)| *similarity > 0.7).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::{
        super::declarations::{CORS_ORIGINS, GRAPHIQL, LISTEN, OPEN_PLATFORMS, SESSIONS_PER_USER},
        *,
    };

    fn read(text: &str) -> (SettingsFile, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(DEFAULT_PATH);
        fs::write(&path, text).unwrap();
        let mut problems = ConfigProblems::default();
        let file = SettingsFile::read(&path, false, &mut problems);
        let shorten = |error: &String| error.replace(&path.display().to_string(), DEFAULT_PATH);
        (file, problems.errors.iter().map(shorten).collect())
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        for (key, known) in [("lisen", "listen"), ("LISTEN", "listen"), ("wechat_appid", "wechat_app_id")] {
            let expected = format!("miniaccount.toml: unknown setting `{key}`; did you mean `{known}`?");
            assert_eq!(read(&format!("{key} = 1")).1, [expected]);
        }
        assert_eq!(read("zzz = 1").1, ["miniaccount.toml: unknown setting `zzz`"]);
    }

    #[test]
    fn a_syntax_error_has_line_and_column_but_no_text_of_the_line() {
        let (_, errors) = read("log = \"info\"\nsecret_key = hunter2hunter2\n");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("miniaccount.toml: line 2, column 14: "), "{errors:?}");
        assert!(!errors[0].contains("hunter2"));
    }

    #[test]
    fn values_have_the_text_of_an_environment_variable() {
        let (file, errors) = read(
            "listen = \"a\"\ngraphiql = true\nsessions_per_user = 3\ncors_origins = [\"b\", \"c\"]\n\
             [open_platforms]\nwx1 = \"d\"\nwx2 = \"e:f\"",
        );
        assert_eq!(errors, [""; 0]);
        for (setting, expected) in [
            (&LISTEN.declaration, "a"),
            (&GRAPHIQL.declaration, "true"),
            (&SESSIONS_PER_USER.declaration, "3"),
            (&CORS_ORIGINS.declaration, "b,c"),
            (&OPEN_PLATFORMS.declaration, "wx1:d,wx2:e:f"),
        ] {
            assert_eq!(file.text(setting).unwrap().unwrap(), expected);
        }
        for bad in ["listen = 1.5", "[listen]\na = \"b\""] {
            assert!(read(bad).0.text(&LISTEN.declaration).unwrap().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_file_is_refused_where_it_was_named() {
        let mut problems = ConfigProblems::default();
        SettingsFile::read(Path::new("/nowhere/at.toml"), false, &mut problems);
        assert_eq!(problems, ConfigProblems::default());
        SettingsFile::read(Path::new("/nowhere/at.toml"), true, &mut problems);
        assert!(problems.errors[0].starts_with("/nowhere/at.toml: cannot be read"));
    }

    #[test]
    fn a_table_of_anything_but_names_is_refused() {
        for bad in ["{a = 1}", "{a = \" \"}", "{a = \"b,c\"}", "{\"a:b\" = \"c\"}", "{\"\" = \"a\"}"] {
            let (file, _) = read(&format!("open_platforms = {bad}"));
            assert!(file.text(&OPEN_PLATFORMS.declaration).unwrap().is_err(), "{bad}");
        }
    }
}
