//! The first gate: one walk over a text's bytes, before any parser. The parser recurses as deep as brackets nest, and a
//! few kilobytes of them end the process; it also takes `"""` that is never closed for an empty string and reads on, so
//! a text whose strings do not end is refused: what we skip is exactly what the parser skips.

use super::{Refusal, excess};
use crate::{
    config::Limits,
    error::{ApiError, Code},
};

/// Refuses a text that is too long.
pub(super) fn check_length(text: &str, limits: &Limits) -> Result<(), Refusal> {
    if text.len() > size(limits.bytes) { Err(excess("bytes in a document", limits.bytes)) } else { Ok(()) }
}

/// Refuses a text with too many words and signs, with too many brackets within each other, or with a string that does
/// not end, and else tells how many words and signs there are at the most.
pub(super) fn check(text: &str, limits: &Limits) -> Result<usize, Refusal> {
    let mut rest = text.as_bytes();
    let (mut tokens, mut nesting) = (0, 0_usize);
    while let Some((&first, behind)) = rest.split_first() {
        let length = match first {
            b' ' | b',' | b'\t' | b'\r' | b'\n' => {
                rest = behind;
                continue;
            }
            b'#' => {
                rest = &rest[comment(rest)..];
                continue;
            }
            b'"' => string(rest).ok_or_else(unterminated)?,
            b'.' if rest.starts_with(b"...") => 3,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'0'..=b'9' => word(rest),
            _ => 1,
        };
        match first {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        tokens += weight(&rest[..length]);
        rest = &rest[length..];
        if tokens > size(limits.tokens) {
            return Err(excess("words and signs in a document", limits.tokens));
        }
        if nesting > size(limits.nesting) {
            return Err(excess("brackets within each other", limits.nesting));
        }
    }
    Ok(tokens)
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn unterminated() -> Refusal {
    ApiError::new(Code::QueryTooExpensive).detail("A string does not end.").into()
}

/// A word is one token. But the parser takes `000` for three numbers, `truetrue` for two values and `1true00` for four,
/// so a word that begins like one of those counts as many as it could ever be.
fn weight(token: &[u8]) -> usize {
    match token {
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => 1,
        [b'0'..=b'9', ..]
        | [b't', b'r', b'u', b'e', ..]
        | [b'n', b'u', b'l', b'l', ..]
        | [b'f', b'a', b'l', b's', b'e', ..] => pieces(token),
        _ => 1,
    }
}

/// A digit may be a number of its own; letters are at least four to a value, but for a name at the end.
fn pieces(word: &[u8]) -> usize {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits + (word.len() - digits).div_ceil(4)
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

/// Length of a comment, which ends with its line.
fn comment(text: &[u8]) -> usize {
    text.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count()
}

/// Length of the string at the start of a text; `None` where it does not end.
fn string(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"\"\"\"") { block_string(text) } else { plain_string(text) }
}

fn plain_string(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn block_string(text: &[u8]) -> Option<usize> {
    let mut at = 3;
    loop {
        match text.get(at..)? {
            [b'\\', b'"', b'"', b'"', ..] => at += 4,
            [b'"', b'"', b'"', ..] => return Some(at + 3),
            [] => return None,
            _ => at += 1,
        }
    }
}
