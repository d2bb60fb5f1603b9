//! The headers with which WeChat cloud hosting identifies the caller.

use axum::http::HeaderMap;

use crate::account::Hosted;

/// The header that the platform sets on calls of a WeChat client. Without it, the request came over the public address
/// of the service, and its other headers are not trusted. It proves nothing if clients can reach this server without
/// the platform.
const SOURCE: &str = "x-wx-source";

/// The mini program, the openid and the unionid.
const CALLER: [&str; 3] = ["x-wx-appid", "x-wx-openid", "x-wx-unionid"];

/// The same headers under resource sharing, when a mini program uses the environment of another one: these identify the
/// caller, and those above the owner of the environment.
const SHARING_CALLER: [&str; 3] = ["x-wx-from-appid", "x-wx-from-openid", "x-wx-from-unionid"];

/// The caller that the headers of a request identify.
pub(super) fn caller(headers: &HeaderMap) -> Hosted {
    if value(headers, SOURCE).is_none_or(str::is_empty) {
        return Hosted::Unknown;
    }
    let [own, sharing] = [CALLER, SHARING_CALLER].map(|names| names.map(|name| value(headers, name)));
    // the two groups are not mixed, because the ids of two mini programs do not belong together
    let is_shared = sharing.iter().any(|value| value.is_none_or(|value| !value.is_empty()));
    match if is_shared { sharing } else { own } {
        [Some(app_id), Some(openid), Some(unionid)] => {
            let are_missing = app_id.is_empty() && openid.is_empty() && unionid.is_empty();
            if are_missing { Hosted::Unknown } else { Hosted::of(app_id, openid, unionid) }
        }
        _ => Hosted::Malformed,
    }
}

/// The value of a header, empty if it is missing; `None` if it is repeated or not text.
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
    fn headers_identify_the_caller() {
        assert_eq!(caller_of(&OWN), Hosted::of("wx1", "o_1", ""));
        assert_eq!(caller_of(&[&OWN[..], &[("x-wx-unionid", "u_1")]].concat()), Hosted::of("wx1", "o_1", "u_1"));
    }

    #[test]
    fn headers_of_resource_sharing_replace_all_others() {
        let shared = [("x-wx-unionid", "u_1"), ("x-wx-from-appid", "wx2"), ("x-wx-from-openid", "o_2")];
        assert_eq!(caller_of(&[&OWN[..], &shared[..]].concat()), Hosted::of("wx2", "o_2", ""));
        assert_eq!(caller_of(&[&OWN[..], &shared[1..2]].concat()), Hosted::Malformed);
        let empty = [("x-wx-from-appid", ""), ("x-wx-from-openid", "")];
        assert_eq!(caller_of(&[&OWN[..], &empty[..]].concat()), Hosted::of("wx1", "o_1", ""));
    }

    #[test]
    fn caller_is_unknown_without_a_source() {
        assert_eq!(caller_of(&OWN[1..]), Hosted::Unknown);
        assert_eq!(caller_of(&OWN[..1]), Hosted::Unknown);
        assert_eq!(caller_of(&[]), Hosted::Unknown);
    }

    #[test]
    fn repeated_and_malformed_headers_are_refused() {
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
