//! Chooses the language of messages from `Accept-Language` (RFC 9110, section 12.5.4).

use axum::http::{HeaderMap, header};

use super::preference::preferences;
use crate::error::Language;

/// The supported language with the highest quality; English if none is accepted.
pub(super) fn negotiate(headers: &HeaderMap) -> Language {
    let mut best = (0.0, Language::En);
    for (range, quality) in preferences(headers, &header::ACCEPT_LANGUAGE) {
        if let Some(language) = language(range).filter(|_| quality > best.0) {
            best = (quality, language);
        }
    }
    best.1
}

/// The language of a tag such as `zh-CN`, or `zh_CN` as WeChat writes it.
fn language(range: &str) -> Option<Language> {
    match range.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
        "zh" => Some(Language::Zh),
        "en" => Some(Language::En),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supported_language_with_the_highest_quality_is_chosen() {
        for (accept, language) in [
            ("", Language::En),
            ("zh-CN,zh-Hans;q=0.9,en;q=0.8", Language::Zh),
            ("en-US,en;q=0.9,zh;q=0.8", Language::En),
            ("fr, zh;q=0.3", Language::Zh),
            ("fr", Language::En),
            ("zh_CN", Language::Zh),
            ("zh_TW", Language::Zh),
            ("zh-Hans", Language::Zh),
            ("zh_Hant;Q=0.9, en_US;q=0.5", Language::Zh),
            ("en_US, zh_CN;q=0.9", Language::En),
            ("zhx, zh_;q=0.1", Language::Zh),
            ("en;q=0.1, zh;q=inf", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            assert_eq!(negotiate(&headers), language, "{accept}");
        }
    }
}
