//! Lists in header fields (RFC 9110, section 5.6): elements and parameters.

/// Splits a text at the separators outside quotes, and trims the parts.
pub(super) fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_separator = move |character: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match character {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted => is_escaped = !was_escaped,
            _ => {}
        }
        character == separator && !is_quoted
    };
    text.split(is_separator).map(str::trim)
}

/// The value of a parameter without its quotes, if the part is a parameter with this name in any case.
pub(super) fn parameter<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = part.split_once('=')?;
    found.trim_end().eq_ignore_ascii_case(name).then(|| value.trim_start().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separator_within_quotes_does_not_split() {
        for (text, expected) in [
            ("a; b ;c", vec!["a", "b", "c"]),
            (r#"a;b="c;d";e"#, vec!["a", r#"b="c;d""#, "e"]),
            (r#"a;b="c\";d\\";e"#, vec!["a", r#"b="c\";d\\""#, "e"]),
            (r#"a;b="c;d"#, vec!["a", r#"b="c;d"#]),
            (r"a\;b", vec![r"a\", "b"]),
            ("", vec![""]),
        ] {
            assert_eq!(parts(text, ';').collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn parameter_name_has_any_case_and_its_value_may_be_quoted() {
        for text in ["charset=utf-8", "Charset=utf-8", "CHARSET=\"utf-8\"", "charset = utf-8"] {
            assert_eq!(parameter(text, "charset"), Some("utf-8"), "{text}");
        }
        for text in ["charset", "charsets=utf-8", "=utf-8", ""] {
            assert_eq!(parameter(text, "charset"), None, "{text}");
        }
    }
}
