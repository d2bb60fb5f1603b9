//! The settings file: TOML with a lower-case key for each setting. A key the table does not know is refused, because
//! a misspelt setting that is silently ignored is worse than none.

use std::{collections::BTreeMap, fs, io, path::Path};

use toml::{Table, Value};

use super::{
    problems::{Fault, Problems},
    table::{ALL, Kind, Setting},
};

/// The file that is read when none is named, in the working directory.
pub(super) const USUAL: &str = "miniaccount.toml";

/// The settings file, read.
pub(super) struct File {
    /// Its name, for sentences about it.
    pub(super) name: String,
    table: Table,
}

impl File {
    /// Reads the file, and names every key in it that is not a setting. Without `required` it may be missing.
    pub(super) fn read(path: &Path, required: bool, problems: &mut Problems) -> Self {
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

    /// The value of a setting that is no table, as an environment variable would hold it.
    pub(super) fn text(&self, setting: &Setting) -> Option<Result<String, Fault>> {
        self.table.get(&setting.key()).filter(|_| setting.kind != Kind::Names).map(as_text)
    }

    /// The value of a setting that is a table of names.
    pub(super) fn names(&self, setting: &Setting, problems: &mut Problems) -> BTreeMap<String, String> {
        let key = setting.key();
        let names = match self.table.get(&key) {
            None => Some(BTreeMap::new()),
            Some(value) => value.as_table().and_then(|table| table.iter().map(named).collect()),
        };
        names.unwrap_or_else(|| {
            problems.error(format!("{}: {key}: must be a table of names in quotes", self.name));
            BTreeMap::new()
        })
    }
}

fn named((key, value): (&String, &Value)) -> Option<(String, String)> {
    let name = value.as_str().filter(|name| !name.trim().is_empty())?;
    Some((key.clone(), name.to_owned()))
}

/// Lists are joined by commas, as they are written in the environment.
fn as_text(value: &Value) -> Result<String, Fault> {
    match value {
        Value::Array(items) => Ok(items.iter().map(scalar).collect::<Result<Vec<_>, _>>()?.join(",")),
        value => scalar(value),
    }
}

fn scalar(value: &Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        _ => Err("must be text in quotes, a whole number, true, false, or a list of these"),
    }
}

fn parse(name: &str, text: &str, problems: &mut Problems) -> Table {
    text.parse().unwrap_or_else(|error: toml::de::Error| {
        // the parser's own message would show the line, and a secret may be on it
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        let hint = "this is not TOML; text needs quotes, and a key stands only once";
        problems.error(format!("{name}: line {line}, column {column}: {hint}"));
        Table::new()
    })
}

/// Line and column, from 1, of a place in a text.
fn position(text: &str, place: usize) -> (usize, usize) {
    let before = text.get(..place).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn refuse_unknown(name: &str, table: &Table, problems: &mut Problems) {
    for key in table.keys().filter(|key| ALL.iter().all(|setting| setting.key() != **key)) {
        let hint = nearest(key).map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        problems.error(format!("{name}: unknown setting `{}`{hint}", key.escape_debug()));
    }
}

/// The known key that looks most like this one, unless none looks like it at all.
fn nearest(key: &str) -> Option<String> {
    let key = key.to_ascii_lowercase();
    let alike = |setting: &&Setting| (strsim::jaro_winkler(&key, &setting.key()), setting.key());
    let best = ALL.iter().map(alike).max_by(|left, right| left.0.total_cmp(&right.0));
    best.filter(|(likeness, _)| *likeness > 0.7).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::{
        super::table::{CORS_ORIGINS, GRAPHIQL, LISTEN, OPEN_PLATFORMS, SESSIONS_PER_USER},
        *,
    };

    fn read(text: &str) -> (File, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(USUAL);
        fs::write(&path, text).unwrap();
        let mut problems = Problems::default();
        let file = File::read(&path, false, &mut problems);
        let shorten = |error: &String| error.replace(&path.display().to_string(), USUAL);
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
    fn a_syntax_error_tells_line_and_column_but_shows_nothing_of_the_line() {
        let (_, errors) = read("log = \"info\"\nsecret_key = hunter2hunter2\n");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("miniaccount.toml: line 2, column 14: "), "{errors:?}");
        assert!(!errors[0].contains("hunter2"));
    }

    #[test]
    fn values_read_as_the_environment_would_hold_them() {
        let (file, errors) =
            read("listen = \"a\"\ngraphiql = true\nsessions_per_user = 3\ncors_origins = [\"b\", \"c\"]");
        assert_eq!(errors, [""; 0]);
        for (setting, expected) in
            [(&LISTEN, "a"), (&GRAPHIQL, "true"), (&SESSIONS_PER_USER, "3"), (&CORS_ORIGINS, "b,c")]
        {
            assert_eq!(file.text(setting).unwrap().unwrap(), expected);
        }
        let (file, _) = read("listen = 1.5");
        assert!(file.text(&LISTEN).unwrap().is_err());
    }

    #[test]
    fn a_missing_file_matters_only_when_it_was_named() {
        let mut problems = Problems::default();
        File::read(Path::new("/nowhere/at.toml"), false, &mut problems);
        assert_eq!(problems, Problems::default());
        File::read(Path::new("/nowhere/at.toml"), true, &mut problems);
        assert!(problems.errors[0].starts_with("/nowhere/at.toml: cannot be read"));
    }

    #[test]
    fn names_that_are_no_table_of_text_are_refused() {
        for bad in ["open_platforms = 1", "open_platforms = {a = 1}", "[open_platforms]\na = \" \""] {
            let (file, _) = read(bad);
            let mut problems = Problems::default();
            file.names(&OPEN_PLATFORMS, &mut problems);
            assert_eq!(problems.errors.len(), 1, "{bad}");
        }
    }
}
