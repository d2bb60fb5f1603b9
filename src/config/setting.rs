//! The declaration of a setting. `declarations` has one entry for each setting.

use std::fmt;

/// How a setting may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As an environment variable or as a key of the settings file.
    Plain,
    /// The same, or in a separate file, whose path is in the variable `NAME_FILE`.
    Secret,
    /// As `key:value,key:value`, or as a table of the settings file.
    Table,
}

/// The declaration of a setting, without the type of its value.
#[derive(Debug)]
pub struct Declaration {
    /// Its environment variable.
    pub name: &'static str,
    /// How it may be written.
    pub kind: Kind,
    /// The default, which is parsed if the setting is not set; empty if there is none.
    pub default: &'static str,
    /// What it means, in one English sentence, with code in backticks.
    pub english: &'static str,
    /// What it means, in one Chinese sentence, with code in backticks.
    pub chinese: &'static str,
    /// Finds the problems of a text.
    pub(super) check: fn(&str) -> Parsed<()>,
}

impl Declaration {
    /// Its key in the settings file.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// A setting whose value is a `T`.
pub(super) struct Setting<T> {
    pub(super) declaration: Declaration,
    pub(super) parse: fn(&str) -> Parsed<T>,
}

/// A value, or all problems of its text.
pub(super) type Parsed<T> = Result<T, Vec<ValueProblem>>;

/// A problem of a value, or of one entry of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ValueProblem {
    /// Position of the entry, from 1; `None` for the whole value.
    pub(super) entry: Option<usize>,
    /// The problem, without the value itself.
    pub(super) reason: String,
}

impl ValueProblem {
    /// A problem of the whole value.
    pub(super) fn of_value(reason: &impl ToString) -> Self {
        Self { entry: None, reason: reason.to_string() }
    }
}

/// What follows the name of the setting in a sentence.
impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, ", entry {entry}: {}", self.reason),
            None => write!(f, ": {}", self.reason),
        }
    }
}

/// Declares settings, each as
/// `NAME: Kind, form(parser) as Type, default, English meaning, Chinese meaning;`
/// where the form is a function of `parse`.
macro_rules! settings {
    ($(
        $name:ident: $kind:ident, $form:ident($parse:expr) as $type:ty, $default:literal,
        $english:literal, $chinese:literal;
    )+) => {
        $(
            pub(super) static $name: Setting<$type> = Setting {
                declaration: Declaration {
                    name: stringify!($name),
                    kind: Kind::$kind,
                    default: $default,
                    english: $english,
                    chinese: $chinese,
                    check: |text| $form(text, $parse).map(|_: $type| ()),
                },
                parse: |text| $form(text, $parse),
            };
        )+

        /// Every setting, in the order in which `--help` and the READMEs list them.
        pub static SETTINGS: &[&Declaration] = &[$(&$name.declaration,)+];
    };
}

pub(super) use settings;
