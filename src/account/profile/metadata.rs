//! Validates metadata: JSON that a client stores with its user's account. The server limits its size and does not
//! interpret it.

use super::field_error::FieldErrorKind;

/// Maximum length, in bytes of compact JSON.
const MAX_BYTES: usize = 8 * 1024;

/// Maximum nesting depth of objects and arrays.
const MAX_DEPTH: usize = 16;

/// Maximum number of keys in all objects together.
const MAX_KEYS: usize = 1000;

/// Checks valid compact JSON by its structural characters: outside of strings, a bracket opens a level and a colon
/// follows each key.
pub(super) fn check(json: &str) -> Result<(), FieldErrorKind> {
    if json.len() > MAX_BYTES {
        return Err(FieldErrorKind::TooLong);
    }
    let (mut depth, mut deepest, mut keys) = (0, 0, 0);
    for byte in structural_bytes(json) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth -= 1,
            b':' => keys += 1,
            _ => {}
        }
    }
    match (deepest > MAX_DEPTH, keys > MAX_KEYS) {
        (true, _) => Err(FieldErrorKind::TooDeep),
        (_, true) => Err(FieldErrorKind::TooMany),
        _ => Ok(()),
    }
}

/// The bytes outside of strings.
fn structural_bytes(json: &str) -> impl Iterator<Item = u8> {
    let (mut is_string, mut is_escaped) = (false, false);
    json.bytes().filter(move |byte| {
        let was_string = is_string;
        match (is_string, is_escaped, byte) {
            (true, true, _) => is_escaped = false,
            (true, false, b'\\') => is_escaped = true,
            (_, _, b'"') => is_string = !is_string,
            _ => {}
        }
        !was_string && !is_string
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    fn with_keys(count: usize) -> String {
        Value::Object((0..count).map(|n| (format!("{n}"), json!(1))).collect()).to_string()
    }

    #[test]
    fn any_json_is_accepted_up_to_the_limits() {
        for good in
            ["0", "true", r#""text""#, "{}", &nested(16), &with_keys(1000), &format!("\"{}\"", "x".repeat(8190))]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check(&format!("\"{}\"", "x".repeat(8191))), Err(FieldErrorKind::TooLong));
        assert_eq!(check(&nested(17)), Err(FieldErrorKind::TooDeep));
        assert_eq!(check(&with_keys(1001)), Err(FieldErrorKind::TooMany));
    }

    #[test]
    fn bytes_are_counted_and_not_characters() {
        assert_eq!(check(&format!("\"{}\"", "好".repeat(2730))), Ok(()));
        assert_eq!(check(&format!("\"{}\"", "好".repeat(2731))), Err(FieldErrorKind::TooLong));
    }

    #[test]
    fn structural_bytes_inside_strings_do_not_count() {
        let text = json!({ "{[:\"": "[{\\\":".repeat(100), "\\": "\\" }).to_string();
        assert_eq!(check(&text), Ok(()));
        assert_eq!(structural_bytes(&text).filter(|byte| *byte == b':').count(), 2);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(20, 200, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn result_is_that_of_a_parser(value in any_json()) {
            let text = value.to_string();
            let expected = if text.len() > MAX_BYTES {
                Err(FieldErrorKind::TooLong)
            } else if depth(&value) > MAX_DEPTH {
                Err(FieldErrorKind::TooDeep)
            } else {
                Ok(())
            };
            prop_assert_eq!(check(&text), expected);
        }
    }
}
