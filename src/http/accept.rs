//! Chooses the media type of a GraphQL answer from `Accept` (RFC 9110, section 12.5.1; GraphQL over HTTP).

use axum::http::{HeaderMap, header};

use super::preference::preferences;

/// The media types a GraphQL answer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: the older one, whose answers to requests that could not be executed have status 200.
    Json,
    /// `application/graphql-response+json`: the one whose status says what happened.
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

/// How much a client likes a media type, and how exactly it named it.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
struct Liking {
    exactness: u8,
    quality: f32,
}

/// The media type the client likes best. One that does not say, or likes everything, gets the older type, which it is
/// sure to know. `None` where it accepts neither.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let said = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if said.map(str::trim).all(str::is_empty) {
        return Some(Media::Json);
    }
    let json = liking(headers, "json");
    let graphql = liking(headers, "graphql-response+json");
    let named = graphql.exactness == 2 && graphql.quality >= json.quality;
    if graphql.quality > 0.0 && (named || graphql.quality > json.quality) {
        return Some(Media::GraphqlResponse);
    }
    (json.quality > 0.0).then_some(Media::Json)
}

/// What the most exact range that covers `application/<subtype>` says of it.
fn liking(headers: &HeaderMap, subtype: &str) -> Liking {
    let ranges = preferences(headers, &header::ACCEPT);
    let covering =
        ranges.filter_map(|(range, quality)| Some(Liking { exactness: exactness(range, subtype)?, quality }));
    let most_exact = |best: Liking, next: Liking| if next.exactness >= best.exactness { next } else { best };
    covering.reduce(most_exact).unwrap_or_default()
}

fn exactness(range: &str, subtype: &str) -> Option<u8> {
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
    fn who_does_not_say_gets_json() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(Media::Json));
        for accept in ["", "*/*", "application/*", "text/html, */*;q=0.1", "application/json; charset=utf-8"] {
            assert_eq!(negotiated(accept), Some(Media::Json), "{accept}");
        }
    }

    #[test]
    fn who_names_the_new_type_gets_it_unless_json_is_liked_better() {
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
    fn who_accepts_neither_gets_nothing() {
        for accept in ["text/html", "application/json;q=0", "image/*", "*/*;q=0", "application/json;q=x", "*/*;q=nan"] {
            assert_eq!(negotiated(accept), None, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(accept in "[ -~]{0,200}") {
            negotiated(&accept);
        }
    }
}
