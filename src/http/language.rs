//! Chooses the language of messages from `Accept-Language` (RFC 9110, section 12.5.4).

use axum::http::{HeaderMap, header};

use crate::error::Language;

/// The language the client likes best of those we have; English where it likes none.
pub(super) fn negotiate(headers: &HeaderMap) -> Language {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Language::En);
    for (language, quality) in accept.split(',').filter_map(read) {
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

fn read(range: &str) -> Option<(Language, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let language = match parts.next()?.split('-').next()?.to_ascii_lowercase().as_str() {
        "zh" => Language::Zh,
        "en" => Language::En,
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse().ok())?;
    Some((language, quality))
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
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            assert_eq!(negotiate(&headers), language, "{accept}");
        }
    }
}
