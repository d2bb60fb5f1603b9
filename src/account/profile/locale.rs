//! Language tags (BCP 47, RFC 5646): validates their syntax and normalises their case.

use super::field_error::FieldErrorKind;

/// Maximum length of a tag: the length that RFC 5646 (section 4.4.1) recommends to support.
const MAX_BYTES: usize = 35;

/// Validates a tag, and returns it in canonical case, such as `zh-Hans-CN`. WeChat writes `zh_CN` for `zh-CN`. Subtags
/// are not looked up in the IANA registry, because a copy of it becomes outdated.
pub(super) fn check(text: &str) -> Result<Option<String>, FieldErrorKind> {
    if text.trim().is_empty() {
        return Err(FieldErrorKind::Blank);
    }
    if text.len() > MAX_BYTES {
        return Err(FieldErrorKind::TooLong);
    }
    let subtags: Vec<&str> = text.split(['-', '_']).collect();
    if is_well_formed(&subtags) { Ok(Some(canonical_case(&subtags))) } else { Err(FieldErrorKind::Invalid) }
}

/// The grammar of RFC 5646, section 2.1, without the irregular grandfathered tags.
fn is_well_formed(subtags: &[&str]) -> bool {
    let mut rest = subtags;
    if !is_private(rest) {
        let Some((language, tail)) = rest.split_first() else { return false };
        if !is_alpha(language, 2..=8) {
            return false;
        }
        rest = tail;
        if language.len() < 4 {
            skip(&mut rest, 3, |it| is_alpha(it, 3..=3));
        }
        skip(&mut rest, 1, |it| is_alpha(it, 4..=4));
        skip(&mut rest, 1, |it| is_alpha(it, 2..=2) || it.len() == 3 && it.bytes().all(|byte| byte.is_ascii_digit()));
        skip(&mut rest, usize::MAX, is_variant);
        while is_extension(rest) {
            rest = &rest[1..];
            skip(&mut rest, usize::MAX, |it| is_word(it, 2..=8));
        }
    }
    rest.is_empty() || is_private(rest)
}

/// Skips up to `max` subtags that match.
fn skip(rest: &mut &[&str], max: usize, matches: impl Fn(&str) -> bool) {
    let count = rest.iter().take(max).take_while(|it| matches(it)).count();
    *rest = &rest[count..];
}

fn is_variant(subtag: &str) -> bool {
    is_word(subtag, 5..=8) || is_word(subtag, 4..=4) && subtag.starts_with(|first: char| first.is_ascii_digit())
}

fn is_extension(rest: &[&str]) -> bool {
    let [singleton, first, ..] = rest else { return false };
    is_word(singleton, 1..=1) && !singleton.eq_ignore_ascii_case("x") && is_word(first, 2..=8)
}

fn is_private(rest: &[&str]) -> bool {
    let Some((first, tail)) = rest.split_first() else { return false };
    first.eq_ignore_ascii_case("x") && !tail.is_empty() && tail.iter().all(|it| is_word(it, 1..=8))
}

fn is_alpha(subtag: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_word(subtag: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// RFC 5646, section 2.1.1: lower case, except that two letters are upper case and four letters are title case, unless
/// they are the first subtag or follow a singleton.
fn canonical_case(subtags: &[&str]) -> String {
    let mut follows_singleton = false;
    let written = subtags.iter().enumerate().map(|(position, subtag)| {
        let (small, keeps_lower_case) = (subtag.to_ascii_lowercase(), position == 0 || follows_singleton);
        follows_singleton |= subtag.len() == 1;
        match small.len() {
            2 if !keeps_lower_case => small.to_ascii_uppercase(),
            4 if !keeps_lower_case => small[..1].to_ascii_uppercase() + &small[1..],
            _ => small,
        }
    });
    written.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_stored_in_canonical_case() {
        for (sent, kept) in [
            ("zh-CN", "zh-CN"),
            ("zh_CN", "zh-CN"),
            ("zh_TW", "zh-TW"),
            ("zh_Hant", "zh-Hant"),
            ("zh-Hans", "zh-Hans"),
            ("en_US", "en-US"),
            ("ZH_hans-cn", "zh-Hans-CN"),
            ("ZH-hans-cn", "zh-Hans-CN"),
            ("EN", "en"),
            ("es-419", "es-419"),
            ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
            ("zh-yue-HK", "zh-yue-HK"),
            ("en-US-U-CA-Gregory", "en-US-u-ca-gregory"),
            ("de-x-AB-Cdef", "de-x-ab-cdef"),
            ("x-Whatever", "x-whatever"),
        ] {
            assert_eq!(check(sent), Ok(Some(kept.to_owned())), "{sent}");
        }
    }

    #[test]
    fn malformed_tags_are_refused() {
        for text in [
            "z",
            "zh_",
            "_CN",
            "zh_-CN",
            "zh-",
            "-zh",
            "zh--CN",
            "zh CN",
            " zh",
            "中文",
            "12",
            "en-u",
            "en-x",
            "x",
            "en-u-x-a",
            "abcdefghi",
            "zh-CN-CN",
            "en-a-b",
            "zh-Hans-Hant",
        ] {
            assert_eq!(check(text), Err(FieldErrorKind::Invalid), "{text}");
        }
        assert_eq!(check(""), Err(FieldErrorKind::Blank));
        assert_eq!(
            check(&format!("en-x-{}", "abcdefgh-".repeat(4).trim_end_matches('-'))),
            Err(FieldErrorKind::TooLong)
        );
    }

    proptest::proptest! {
        #[test]
        fn accepted_tag_is_canonical(text in "(\\PC{0,12}|[a-zA-Z0-9]{1,8}([-_][a-zA-Z0-9]{1,8}){0,4})") {
            if let Ok(Some(kept)) = check(&text) {
                proptest::prop_assert!(kept.eq_ignore_ascii_case(&text.replace('_', "-")));
                proptest::prop_assert_eq!(check(&kept), Ok(Some(kept.clone())));
            }
        }
    }
}
