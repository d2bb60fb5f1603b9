//! The forms of values: a single value, an optional value, a list. Each uses the parser of a single value.

use super::{
    problems::InvalidValue,
    setting::{Parsed, ValueProblem},
};

/// A single value.
pub(super) fn one<T, E: ToString>(text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Parsed<T> {
    parse(text).map_err(|reason| vec![ValueProblem::of_value(&reason)])
}

/// A single value, or none if the text is empty.
pub(super) fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, InvalidValue>) -> Parsed<Option<T>> {
    if text.is_empty() { Ok(None) } else { one(text, parse).map(Some) }
}

/// Values separated by commas. Each one that is invalid is a problem of its own.
pub(super) fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, InvalidValue>) -> Parsed<Vec<T>> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (position, entry) in (1..).zip(entries(text)) {
        match parse(entry) {
            Ok(value) => values.push(value),
            Err(reason) => problems.push(ValueProblem { entry: Some(position), reason: reason.to_owned() }),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Values that a parser reads from the whole text.
pub(super) fn whole<T>(text: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Parsed<T> {
    parse(text)
}

/// The trimmed entries of a list; none if the text is empty.
pub(super) fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(move |_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{super::value, *};

    #[test]
    fn empty_text_is_no_value_and_an_empty_list() {
        assert_eq!(optional("", value::boolean), Ok(None));
        assert_eq!(optional("on", value::boolean), Ok(Some(true)));
        assert_eq!(list("", value::count), Ok(vec![]));
    }

    #[test]
    fn every_invalid_entry_is_reported_by_its_position() {
        assert_eq!(list("1, 2", value::count), Ok(vec![1, 2]));
        let problems = list("x,2,,0", value::count).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.entry).collect::<Vec<_>>(), [Some(1), Some(3), Some(4)]);
        assert!(problems[0].to_string().starts_with(", entry 1: must be"));
    }
}
