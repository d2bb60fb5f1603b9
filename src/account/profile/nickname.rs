//! Validates nicknames: text in any script, without characters that break lines, change the direction of the
//! surrounding text, or display nothing.

use unicode_normalization::UnicodeNormalization;

use super::field_error::FieldErrorKind;

/// Maximum length, in characters.
const MAX_CHARS: usize = 32;

/// The name that `WeChat` returns for users without one. It is stored as no nickname.
const PLACEHOLDER: &str = "微信用户";

/// Validates a nickname, and returns it in Unicode normalization form C, so that equal names have equal bytes; `None`
/// for the placeholder.
pub(super) fn check(text: &str) -> Result<Option<String>, FieldErrorKind> {
    let normal: String = text.nfc().collect();
    let text = normal.trim();
    if text.chars().any(is_forbidden) {
        return Err(FieldErrorKind::Invalid);
    }
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(FieldErrorKind::Blank);
    }
    if text.chars().count() > MAX_CHARS {
        return Err(FieldErrorKind::TooLong);
    }
    Ok((text != PLACEHOLDER).then(|| text.to_owned()))
}

/// Control characters and line breaks, bidirectional controls, zero-width spaces, which make different names look
/// equal, and invisible annotation and format characters.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}')
        || matches!(c, '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}')
}

/// Characters that display nothing by themselves but are used between others: joiners, variation selectors, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
        || matches!(
            c,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{1d159}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> Result<String, FieldErrorKind> {
        check(text).map(|kept| kept.expect("it is a choice"))
    }

    #[test]
    fn names_of_any_script_are_trimmed_and_stored() {
        for name in ["爱丽丝", "Alice B.", "Élodie", "أليس", "👩‍👩‍👧", "می‌خواهم", "x", &"好".repeat(32)]
        {
            assert_eq!(kept(&format!(" {name}\u{3000}\n")).as_deref(), Ok(name));
        }
    }

    #[test]
    fn invisible_name_is_blank() {
        for blank in [
            "",
            "   ",
            "\u{3000}",
            "\u{200d}\u{fe0f}",
            "\u{3164}",
            "\u{2800} \u{2800}",
            "\u{17b4}",
            "\u{1d159}",
            "\u{e0fff}",
        ] {
            assert_eq!(check(blank), Err(FieldErrorKind::Blank), "{blank:?}");
        }
    }

    #[test]
    fn line_breaks_and_bidi_controls_are_refused() {
        for c in ['\n', '\0', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{200b}'] {
            assert_eq!(check(&format!("a{c}b")), Err(FieldErrorKind::Invalid), "{c:?}");
        }
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(check(&"好".repeat(33)), Err(FieldErrorKind::TooLong));
        assert_eq!(check(&"x".repeat(33)), Err(FieldErrorKind::TooLong));
    }

    #[test]
    fn placeholder_name_of_wechat_is_none() {
        assert_eq!(check(" 微信用户 "), Ok(None));
    }

    #[test]
    fn names_are_stored_in_normalization_form_c_and_counted_so() {
        assert_eq!(kept("E\u{301}lodie").as_deref(), Ok("Élodie"));
        assert_eq!(kept("\u{212b}").as_deref(), Ok("Å"));
        assert_eq!(kept(&"e\u{301}".repeat(32)).as_deref(), Ok("é".repeat(32).as_str()));
        assert_eq!(check(&"e\u{301}".repeat(33)), Err(FieldErrorKind::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn accepted_name_is_canonical_and_follows_every_rule(text in "(\\PC|\\p{Mn}|[ \u{200d}\u{202e}\u{2066}\n微e]){0,40}") {
            if let Ok(Some(name)) = check(&text) {
                let length = name.chars().count();
                proptest::prop_assert!((1..=MAX_CHARS).contains(&length), "{}", length);
                proptest::prop_assert!(!name.chars().any(is_forbidden) && !name.chars().all(is_invisible));
                proptest::prop_assert_eq!(name.trim(), &name);
                proptest::prop_assert_eq!(name.nfc().collect::<String>(), name.clone());
                proptest::prop_assert_eq!(check(&name), Ok(Some(name)));
            }
        }

        #[test]
        fn bidi_control_is_refused_at_any_position(before in "\\PC{0,8}", after in "\\PC{0,8}", mark in "[\u{61c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]") {
            proptest::prop_assert_eq!(check(&format!("{before}{mark}{after}")), Err(FieldErrorKind::Invalid));
        }
    }
}
