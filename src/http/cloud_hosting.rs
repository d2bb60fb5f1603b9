//! The headers in which WeChat cloud hosting says who calls.

use axum::http::HeaderMap;

use crate::account::Hosted;

/// There where a WeChat client called through the platform. A request that came over the service's public address lacks it,
/// and whatever else it says of its caller is the sender's own word. By itself it proves nothing: anybody can write it who
/// reaches this server past the platform.
const SOURCE: &str = "x-wx-source";

/// The mini program, the openid and the unionid.
const CALLER: [&str; 3] = ["x-wx-appid", "x-wx-openid", "x-wx-unionid"];

/// The same where a mini program uses another one's environment: these then name the caller, and the ones above the owner.
const SHARING_CALLER: [&str; 3] = ["x-wx-from-appid", "x-wx-from-openid", "x-wx-from-unionid"];

/// What the headers of a request say of its caller.
pub(super) fn caller(headers: &HeaderMap) -> Hosted {
    if value(headers, SOURCE).is_none_or(str::is_empty) {
        return Hosted::Unknown;
    }
    let [own, sharing] = [CALLER, SHARING_CALLER].map(|names| names.map(|name| value(headers, name)));
    // never one of each: the ids of two mini programs do not belong together
    let is_shared = sharing.iter().any(|value| value.is_none_or(|value| !value.is_empty()));
    match if is_shared { sharing } else { own } {
        [Some(app_id), Some(openid), Some(unionid)] => {
            let are_missing = app_id.is_empty() && openid.is_empty() && unionid.is_empty();
            if are_missing { Hosted::Unknown } else { Hosted::of(app_id, openid, unionid) }
        }
        _ => Hosted::Malformed,
    }
}

/// A header, empty where it is missing; `None` where it came twice or is no text.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(""),
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller_of(headers: &[(&'static str, &str)]) -> Hosted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        caller(&map)
    }

    const OWN: [(&str, &str); 3] = [("x-wx-source", "wx_client"), ("x-wx-appid", "wx1"), ("x-wx-openid", "o_1")];

    #[test]
    fn the_headers_name_the_caller() {
        assert_eq!(caller_of(&OWN), Hosted::of("wx1", "o_1", ""));
        assert_eq!(caller_of(&[&OWN[..], &[("x-wx-unionid", "u_1")]].concat()), Hosted::of("wx1", "o_1", "u_1"));
    }

    #[test]
    fn the_headers_of_sharing_replace_the_others_as_a_whole() {
        let shared = [("x-wx-unionid", "u_1"), ("x-wx-from-appid", "wx2"), ("x-wx-from-openid", "o_2")];
        assert_eq!(caller_of(&[&OWN[..], &shared[..]].concat()), Hosted::of("wx2", "o_2", ""));
        assert_eq!(caller_of(&[&OWN[..], &shared[1..2]].concat()), Hosted::Malformed);
        let empty = [("x-wx-from-appid", ""), ("x-wx-from-openid", "")];
        assert_eq!(caller_of(&[&OWN[..], &empty[..]].concat()), Hosted::of("wx1", "o_1", ""));
    }

    #[test]
    fn without_a_source_nobody_is_named() {
        assert_eq!(caller_of(&OWN[1..]), Hosted::Unknown);
        assert_eq!(caller_of(&OWN[..1]), Hosted::Unknown);
        assert_eq!(caller_of(&[]), Hosted::Unknown);
    }

    #[test]
    fn doubled_and_malformed_headers_name_nobody() {
        let long = "o".repeat(65);
        for odd in
            [("x-wx-openid", "o_2"), ("x-wx-unionid", &*long), ("x-wx-unionid", "a b"), ("x-wx-from-openid", "o,o")]
        {
            assert_eq!(caller_of(&[&OWN[..], &[odd]].concat()), Hosted::Malformed, "{odd:?}");
        }
        assert_eq!(caller_of(&[&OWN[..2], &[("x-wx-openid", &*long)]].concat()), Hosted::Malformed);
        assert_eq!(caller_of(&OWN[..2]), Hosted::Malformed);
    }
}
