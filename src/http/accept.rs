//! Chooses the media type of a GraphQL response from `Accept` (RFC 9110, section 12.5.1; GraphQL over HTTP).

use axum::http::{HeaderMap, header};

use super::preference::preferences;

/// The media types of GraphQL responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: the older one. A well-formed request that is refused before execution has status 200.
    Json,
    /// `application/graphql-response+json`: the newer one, with status 400 for such a request.
    GraphqlResponse,
}

impl Media {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// The quality of a media type, and the specificity of the range that it comes from.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
struct MediaPreference {
    specificity: u8,
    quality: f32,
}

/// The accepted media type with the highest quality. Without `Accept`, or with wildcards alone, it is the older type,
/// which every client knows. `None` if the client accepts neither.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if values.map(str::trim).all(str::is_empty) {
        return Some(Media::Json);
    }
    let json = media_preference(headers, "json");
    let graphql = media_preference(headers, "graphql-response+json");
    let is_named = graphql.specificity == 2 && graphql.quality >= json.quality;
    if graphql.quality > 0.0 && (is_named || graphql.quality > json.quality) {
        return Some(Media::GraphqlResponse);
    }
    (json.quality > 0.0).then_some(Media::Json)
}

/// The preference of the most specific range that matches `application/<subtype>`.
fn media_preference(headers: &HeaderMap, subtype: &str) -> MediaPreference {
    let ranges = preferences(headers, &header::ACCEPT);
    let matching = ranges
        .filter_map(|(range, quality)| Some(MediaPreference { specificity: specificity(range, subtype)?, quality }));
    let most_specific =
        |best: MediaPreference, next: MediaPreference| if next.specificity >= best.specificity { next } else { best };
    matching.reduce(most_specific).unwrap_or_default()
}

fn specificity(range: &str, subtype: &str) -> Option<u8> {
    match range.split_once('/')? {
        ("*", "*") => Some(0),
        (kind, "*") if kind.eq_ignore_ascii_case("application") => Some(1),
        (kind, name) if kind.eq_ignore_ascii_case("application") && name.eq_ignore_ascii_case(subtype) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        negotiate(&headers)
    }

    #[test]
    fn missing_accept_header_or_wildcard_gets_json() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(Media::Json));
        for accept in ["", "*/*", "application/*", "text/html, */*;q=0.1", "application/json; charset=utf-8"] {
            assert_eq!(negotiated(accept), Some(Media::Json), "{accept}");
        }
    }

    #[test]
    fn graphql_response_type_is_chosen_unless_json_has_a_higher_quality() {
        for (accept, media) in [
            ("application/graphql-response+json", Media::GraphqlResponse),
            ("application/json, application/graphql-response+json", Media::GraphqlResponse),
            ("application/graphql-response+json;q=0.9, application/json", Media::Json),
            ("application/json;q=0, */*", Media::GraphqlResponse),
            ("application/json, multipart/mixed", Media::Json),
        ] {
            assert_eq!(negotiated(accept), Some(media), "{accept}");
        }
    }

    #[test]
    fn accept_header_without_either_type_is_refused() {
        for accept in ["text/html", "application/json;q=0", "image/*", "*/*;q=0", "application/json;q=x", "*/*;q=nan"] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn any_accept_header_is_parsed_without_panic(accept in "[ -~]{0,200}") {
            negotiated(&accept);
        }
    }
}
