//! Nicknames: what people call themselves, in any script. What would break a line, or turn the text around it, or show
//! nothing at all, is no name.

use super::Fault;

/// Longest nickname, in characters.
const LONGEST: usize = 32;

/// What `WeChat` calls everybody who told it no name: whoever is called so has not chosen one.
const PLACEHOLDER: &str = "微信用户";

/// A nickname as it is kept; `None` where it is nobody's choice.
pub(super) fn check(text: &str) -> Result<Option<String>, Fault> {
    let text = text.trim();
    if text.chars().any(is_harmful) {
        return Err(Fault::Invalid);
    }
    if text.chars().all(|sign| sign.is_whitespace() || is_unseen(sign)) {
        return Err(Fault::Blank);
    }
    if text.chars().count() > LONGEST {
        return Err(Fault::TooLong);
    }
    Ok((text != PLACEHOLDER).then(|| text.to_owned()))
}

/// Control characters and line breaks, marks that decide in which direction text runs, and spaces without width, which
/// make two names look like one.
fn is_harmful(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{2028}' | '\u{2029}')
        || matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(sign, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Characters that show nothing by themselves, but have their use between others: joiners, variants, fillers.
fn is_unseen(sign: char) -> bool {
    matches!(sign, '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
        || matches!(sign, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Result<String, Fault> {
        check(text).map(|kept| kept.expect("it is a choice"))
    }

    #[test]
    fn names_of_any_script_are_kept_without_the_space_around_them() {
        for name in ["爱丽丝", "Alice B.", "Élodie", "أليس", "👩‍👩‍👧", "می‌خواهم", "x", &"好".repeat(32)]
        {
            assert_eq!(kept(&format!(" {name}\u{3000}\n")).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_name_that_shows_nothing_is_blank() {
        for blank in ["", "   ", "\u{3000}", "\u{200d}\u{fe0f}", "\u{3164}", "\u{2800} \u{2800}"] {
            assert_eq!(check(blank), Err(Fault::Blank), "{blank:?}");
        }
    }

    #[test]
    fn what_breaks_lines_or_turns_text_around_is_refused() {
        for sign in ['\n', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{200b}'] {
            assert_eq!(check(&format!("a{sign}b")), Err(Fault::Invalid), "{sign:?}");
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(check(&"好".repeat(33)), Err(Fault::TooLong));
        assert_eq!(check(&"x".repeat(33)), Err(Fault::TooLong));
    }

    #[test]
    fn the_name_wechat_gives_everybody_is_none() {
        assert_eq!(check(" 微信用户 "), Ok(None));
    }
}
