//! Unicode escapes in string literals (GraphQL 2.9.4, "String Value"). The library's parser reads `\uXXXX` only: it
//! refuses the surrogate pairs of characters beyond `\uFFFF`, and `\u{1F600}` of the next edition of the specification.
//! Therefore every Unicode escape is replaced by its character before the text is parsed. Spaces after the string fill
//! the columns this saves, so that the places of later errors stay right.

use std::{borrow::Cow, ops::RangeInclusive};

use async_graphql::Pos;

use super::super::{limits::lexical, refusal::Refusal};
use crate::error::{ApiError, Code};

const LEADING: RangeInclusive<u32> = 0xD800..=0xDBFF;
const TRAILING: RangeInclusive<u32> = 0xDC00..=0xDFFF;

/// Replaces the Unicode escapes of a text, whose strings are known to be terminated.
///
/// # Errors
/// `GRAPHQL_PARSE_FAILED` with the place of the first escape that is not a character.
pub(in crate::graphql) fn replace(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if !text.contains("\\u") {
        return Ok(text.into());
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '#']) {
        let (before, from) = rest.split_at(at);
        written.push_str(before);
        let length = lexical::opaque(from.as_bytes()).unwrap_or(from.len());
        let (token, behind) = from.split_at(length);
        if token.starts_with('"') && !token.starts_with("\"\"\"") {
            let offset = text.len() - from.len();
            string(token, &mut written).map_err(|bad| refused(text, offset + bad))?;
        } else {
            written.push_str(token);
        }
        rest = behind;
    }
    written.push_str(rest);
    Ok(written.into())
}

/// Writes a string and the spaces after it. An error is the offset of a bad escape.
fn string(token: &str, written: &mut String) -> Result<(), usize> {
    let mut rest = token;
    let mut saved = 0;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        written.push_str(before);
        let bad = token.len() - from.len();
        let (character, length) = escape(from).ok_or(bad)?;
        let columns = if let Some(character) = character {
            push(character, written)
        } else {
            written.push_str(&from[..length]);
            length
        };
        saved += length - columns;
        rest = &from[length..];
    }
    written.push_str(rest);
    written.extend(std::iter::repeat_n(' ', saved));
    Ok(())
}

/// Writes a character, escaped where a string literal must escape it, and returns how many columns it takes.
fn push(character: char, written: &mut String) -> usize {
    let escaped = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        _ => {
            written.push(character);
            return 1;
        }
    };
    written.push_str(escaped);
    escaped.len()
}

/// The escape at the start of a text: its character, if it is a Unicode escape, and its length. `None` if it is
/// invalid.
fn escape(text: &str) -> Option<(Option<char>, usize)> {
    match text.as_bytes().get(1)? {
        b'u' => unicode(text).map(|(character, length)| (Some(character), length)),
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some((None, 2)),
        _ => None,
    }
}

fn unicode(text: &str) -> Option<(char, usize)> {
    if let Some(braced) = text.strip_prefix("\\u{") {
        let (digits, _) = braced.split_once('}')?;
        return Some((char::from_u32(hex(digits)?)?, digits.len() + "\\u{}".len()));
    }
    let leading = unit(text)?;
    if !LEADING.contains(&leading) {
        return Some((char::from_u32(leading)?, 6));
    }
    let trailing = unit(&text[6..]).filter(|unit| TRAILING.contains(unit))?;
    let code = 0x1_0000 + ((leading - LEADING.start()) << 10) + (trailing - TRAILING.start());
    Some((char::from_u32(code)?, 12))
}

/// The code unit of `\uXXXX` at the start of a text.
fn unit(text: &str) -> Option<u32> {
    hex(text.strip_prefix("\\u")?.get(..4)?)
}

/// A number of hexadecimal digits only, with any number of leading zeros.
fn hex(digits: &str) -> Option<u32> {
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    // `None` also for no digits at all, and for a number that is too large
    is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

fn refused(text: &str, at: usize) -> Refusal {
    let error = ApiError::new(Code::GraphqlParseFailed).detail("A Unicode escape in a string is not a character.");
    Refusal { error, places: vec![place(text, at)] }
}

/// Line and column of an offset, from 1, as GraphQL counts them: in characters, a line ends with `\n`, `\r` or both.
fn place(text: &str, at: usize) -> Pos {
    let before = text[..at].replace("\r\n", "\n");
    let mut lines = before.split(['\n', '\r']);
    let last = lines.next_back().unwrap_or_default();
    Pos { line: lines.count() + 1, column: last.chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::Selection};
    use async_graphql_value::Value;
    use proptest::prelude::*;

    use super::*;

    /// The value of the first argument, and the place of the last one.
    fn parsed(text: &str) -> (String, Pos) {
        let document = parse_query(replace(text).unwrap()).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("{text}") };
        let [(_, value), .., (last, _)] = &field.node.arguments[..] else { panic!("{text}") };
        let Value::String(value) = &value.node else { panic!("{text}") };
        (value.clone(), last.pos)
    }

    fn place_of_refusal(text: &str) -> Option<(usize, usize)> {
        let refusal = replace(text).err()?;
        assert_eq!(refusal.error.code, Code::GraphqlParseFailed);
        Some((refusal.places[0].line, refusal.places[0].column))
    }

    /// One of the ways to write a character.
    fn write(character: char, way: u8) -> String {
        let code = u32::from(character);
        let units = || {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            units.collect::<Vec<_>>().concat()
        };
        match (way % 5, character) {
            (0, _) => units(),
            (1, _) => units().to_uppercase().replace("\\U", "\\u"),
            (2, _) => format!("\\u{{{code:x}}}"),
            (3, _) => format!("\\u{{{code:0>12X}}}"),
            (_, '"') => "\\\"".to_owned(),
            (_, '\\') => "\\\\".to_owned(),
            (_, '\n') => "\\n".to_owned(),
            (_, '\r') => "\\r".to_owned(),
            (_, character) => character.to_string(),
        }
    }

    #[test]
    fn surrogate_pairs_and_braces_become_characters() {
        for (literal, value) in [
            (r"\uD83D\uDE00", "😀"),
            (r"\u{1F600}", "😀"),
            (r"\u{10FFFF}\u{0}", "\u{10FFFF}\0"),
            (r"\u{22}\u005C\u{A}\u{00000d}", "\"\\\n\r"),
            (r"a\\uD83D\\\u0041", "a\\uD83D\\A"),
            (r"\ud83d\ude00\u00e9\/", "😀é/"),
        ] {
            let text = format!("{{ f(a: \"{literal}\", z: 1) }}");
            let place = Pos { line: 1, column: text.chars().count() - "z: 1) }".len() + 1 };
            assert_eq!(parsed(&text), (value.to_owned(), place), "{text}");
        }
    }

    #[test]
    fn escape_that_is_not_a_character_is_refused_with_its_place() {
        for bad in [
            r"\uD83D",
            r"\uDE00",
            r"\uDE00\uD83D",
            r"\uD83Dx",
            r"\uD83D\n",
            r"\uD83D\u0041",
            r"\uD83D\u{DE00}",
            r"\u{D83D}\u{DE00}",
            r"\u{110000}",
            r"\u{FFFFFFFFFF}",
            r"\u{}",
            r"\u{ 41}",
            r"\u{+41}",
            r"\u{41",
            r"\u{41é}",
            r"\u12",
            r"\u+123",
            r"\u00é",
            r"\U0041",
            r"\x41\u0041",
        ] {
            let text = format!("{{ f(a: \"é\",\r\n b: \"\\u0041{bad}\") }}");
            assert_eq!(place_of_refusal(&text), Some((2, 12)), "{text}");
        }
    }

    #[test]
    fn block_strings_and_comments_stay_as_they_are() {
        for text in [
            "{ f(a: \"\"\"\\uD83D \\u{zz} \\\"\"\" \"\"\", b: \"\\t\") } # \"\\uD83D",
            "# \\uD83D \"\n{ f(a: \"\", b: \"\\u0041\\n\") # \\u{}\r}",
        ] {
            let expected = text.replace("\"\\u0041\\n\"", "\"A\\n\"     ");
            assert_eq!(replace(text).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn every_spelling_has_its_value_and_later_places_stay_right(
            written in proptest::collection::vec((any::<char>(), any::<u8>()), 0..40)
        ) {
            let value: String = written.iter().map(|(character, _)| character).collect();
            let literal: String = written.iter().map(|(character, way)| write(*character, *way)).collect();
            let text = format!("{{ f(a: \"{literal}\" b: \"\"\"\\u{{\"\"\" z: 1) }}");
            let column = text.chars().count() - "z: 1) }".len() + 1;
            prop_assert_eq!(parsed(&text), (value, Pos { line: 1, column }));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(\\PC|[\"#\\\\u{}0-9D\n\r]){0,60}") {
            let _ = replace(&text);
        }
    }

    #[test]
    fn library_still_refuses_surrogate_pairs_and_braces() {
        for literal in [r"\uD83D\uDE00", r"\u{1F600}"] {
            let parsed = parse_query(format!("{{ echo(text: \"{literal}\") }}"));
            assert!(parsed.is_err(), "the library reads {literal} now: delete src/graphql/spec/escapes.rs");
        }
    }
}
