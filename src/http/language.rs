//! Chooses the language of messages from `Accept-Language` (RFC 9110, section 12.5.4).

use axum::http::{HeaderMap, header};

use super::preference::preferences;
use crate::error::Language;

/// The language the client likes best of those we have; English where it likes none.
pub(super) fn negotiate(headers: &HeaderMap) -> Language {
    let mut best = (0.0, Language::En);
    for (range, quality) in preferences(headers, &header::ACCEPT_LANGUAGE) {
        if let Some(language) = language(range).filter(|_| quality > best.0) {
            best = (quality, language);
        }
    }
    best.1
}

fn language(range: &str) -> Option<Language> {
    match range.split('-').next()?.to_ascii_lowercase().as_str() {
        "zh" => Some(Language::Zh),
        "en" => Some(Language::En),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_liked_best_is_chosen() {
        for (accept, language) in [
            ("", Language::En),
            ("zh-CN,zh-Hans;q=0.9,en;q=0.8", Language::Zh),
            ("en-US,en;q=0.9,zh;q=0.8", Language::En),
            ("fr, zh;q=0.3", Language::Zh),
            ("fr", Language::En),
            ("en;q=0.1, zh;q=inf", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            assert_eq!(negotiate(&headers), language, "{accept}");
        }
    }
}
