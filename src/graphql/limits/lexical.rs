//! Checks a text in one pass over its bytes before it is parsed. The parser recurses for each nested bracket, so a few
//! kilobytes of brackets would overflow the stack and abort the process. The parser also reads an unterminated `"""` as
//! an empty string and continues. Therefore an unterminated string is refused here, so that this pass skips exactly the
//! strings that the parser skips.

use super::super::refusal::Refusal;
use crate::{
    config::Limits,
    error::{ApiError, Code},
};

/// The longest name, in bytes. An alias is repeated for each item of a list: a long one would make the response to
/// a short document very long.
const NAME: usize = 128;

/// Refuses a text that is too long.
pub(in crate::graphql) fn check_length(text: &str, limits: &Limits) -> Result<(), Refusal> {
    if text.len() > size(limits.bytes) { Err(Refusal::over_limit("bytes in a document", limits.bytes)) } else { Ok(()) }
}

/// Refuses a text with too many tokens, a long name, brackets nested too deep, or an unterminated string. Else returns
/// an upper bound on the number of its tokens.
pub(in crate::graphql) fn check_tokens(text: &str, limits: &Limits) -> Result<usize, Refusal> {
    let mut rest = text.as_bytes();
    let (mut tokens, mut nesting) = (0, 0_usize);
    while let Some(token) = next_token(&mut rest)? {
        tokens += weight(token);
        nesting = match token {
            [b'{' | b'[' | b'('] => nesting + 1,
            [b'}' | b']' | b')'] => nesting.saturating_sub(1),
            _ => nesting,
        };
        if tokens > size(limits.tokens) {
            return Err(Refusal::over_limit("tokens in a document", limits.tokens));
        }
        if longest_name(token) > NAME {
            return Err(Refusal::over_limit("bytes in a name", NAME));
        }
        if nesting > size(limits.nesting) {
            return Err(Refusal::over_limit("levels of brackets", limits.nesting));
        }
    }
    Ok(tokens)
}

/// Removes the next token from a text, and the text before it that the parser ignores.
fn next_token<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Refusal> {
    loop {
        let (is_ignored, length) = match rest.first() {
            None => return Ok(None),
            Some(b' ' | b',' | b'\t' | b'\r' | b'\n') => (true, 1),
            Some(b'#') => (true, comment(rest)),
            Some(b'"') => (false, string(rest).ok_or_else(unterminated)?),
            Some(b'.') if rest.starts_with(b"...") => (false, 3),
            Some(b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'0'..=b'9') => (false, word(rest)),
            Some(_) => (false, 1),
        };
        let (token, behind) = rest.split_at(length);
        *rest = behind;
        if !is_ignored {
            return Ok(Some(token));
        }
    }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn unterminated() -> Refusal {
    ApiError::new(Code::QueryTooExpensive).detail("A string is not terminated.").into()
}

/// How many tokens the parser may make of a word: one. But it reads `000` as three numbers, `truetrue` as two values
/// and `1true00` as four, so a word that begins like one of those counts as the most it could be.
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

/// Length of the longest name that a token may contain. No name begins with a digit, but the parser begins one wherever
/// a number ends.
fn longest_name(token: &[u8]) -> usize {
    match token {
        [b'"', ..] => 0,
        _ => token.iter().skip_while(|byte| byte.is_ascii_digit()).count(),
    }
}

/// The most values a word can be: each digit may be a number, and a keyword has at least four letters.
fn pieces(word: &[u8]) -> usize {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits + (word.len() - digits).div_ceil(4)
}

fn word(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
}

/// Length of the comment or string at the start of a text, whose content contains no tokens. `None` if a string is not
/// terminated.
pub(in crate::graphql) fn opaque(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"#") { Some(comment(text)) } else { string(text) }
}

/// Length of a comment, which ends with its line.
fn comment(text: &[u8]) -> usize {
    text.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count()
}

/// Length of the string at the start of a text; `None` if it is not terminated.
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
