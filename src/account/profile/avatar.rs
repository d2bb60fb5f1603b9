//! Validates avatar URLs. The clients of other users load them, so only `https` without credentials is accepted.

use url::Url;

use super::field_error::FieldErrorKind;
use crate::media::{self, MediaKey};

/// Maximum length of a URL, in bytes.
const MAX_BYTES: usize = 512;

/// The grey placeholder pictures, each by the path segment that identifies it: the one that `WeChat` returns for users
/// without a picture (`https://thirdwx.qlogo.cn/mmopen/vi_32/…/132`), and the one of its documentation, which many mini
/// programs show initially (`https://mmbiz.qpic.cn/mmbiz/…/0`).
const PLACEHOLDERS: [&str; 2] = [
    "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg",
    "icTdbqWNOwNRna42FI242Lcia07jQodd2FJGIYQfG0LAJGFxM4FbnQP6yfMxBgJ0F3YRqJCJ1aPAK2dQagdusBZg",
];

/// Validates a URL, and returns it as a browser parses it (WHATWG URL Standard); `None` for a placeholder.
pub(super) fn check(text: &str) -> Result<Option<String>, FieldErrorKind> {
    if text.trim().is_empty() {
        return Err(FieldErrorKind::Blank);
    }
    if text.len() > MAX_BYTES {
        return Err(FieldErrorKind::TooLong);
    }
    // the user's own picture was removed from the request before
    if MediaKey::of_path(text).is_some() {
        return Err(FieldErrorKind::NotOwn);
    }
    let url = Url::parse(text).map_err(|_| FieldErrorKind::Invalid)?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(FieldErrorKind::Invalid);
    }
    let is_placeholder = is_placeholder(&url);
    let kept = String::from(url);
    // percent-encoding may have made it longer
    if kept.len() > MAX_BYTES {
        return Err(FieldErrorKind::TooLong);
    }
    Ok((!is_placeholder).then_some(kept))
}

fn is_placeholder(url: &Url) -> bool {
    let is_of_wechat = url.host_str().is_some_and(|host| host.ends_with(".qlogo.cn") || host.ends_with(".qpic.cn"));
    is_of_wechat && url.path_segments().is_some_and(|mut parts| parts.any(|part| PLACEHOLDERS.contains(&part)))
}

/// The path of an uploaded picture at the end of a URL or a path, whatever the host, query and fragment. The name in
/// the path is unguessable.
pub(super) fn uploaded_path(address: &str) -> Option<String> {
    let url = Url::parse(address).ok();
    let path = url.as_ref().map_or(address, Url::path);
    MediaKey::of_path(&path[path.rfind(media::PATH)?..]).map(|key| key.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_stored_as_a_browser_parses_them() {
        for (sent, kept) in [
            ("https://media.example/a/1.png?v=2#x", "https://media.example/a/1.png?v=2#x"),
            ("HTTPS://Media.Example:443/a b", "https://media.example/a%20b"),
            ("https://例子.example/头像", "https://xn--fsqu00a.example/%E5%A4%B4%E5%83%8F"),
        ] {
            assert_eq!(check(sent), Ok(Some(kept.to_owned())), "{sent}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "http://media.example/1.png",
            "http://127.0.0.1/1.png",
            "wxfile://tmp_1.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "//media.example/1.png",
            "/1.png",
            "https://",
            "https://me@media.example/1.png",
            "https://me:secret@media.example/1.png",
        ] {
            assert_eq!(check(text), Err(FieldErrorKind::Invalid), "{text}");
        }
        assert_eq!(check(" "), Err(FieldErrorKind::Blank));
    }

    #[test]
    fn path_of_an_uploaded_picture_is_found_behind_any_host() {
        let path = "/media/0123456789abcdef0123456789abcdef.jpg";
        for address in
            [path.to_owned(), format!("http://a.example:1{path}?t=1#x"), format!("https://a.example/media/x/.{path}")]
        {
            assert_eq!(uploaded_path(&address).as_deref(), Some(path), "{address}");
        }
        for address in ["https://a.example/1.png", "https://a.example/media/", &format!("https://a.example/?x={path}")]
        {
            assert_eq!(uploaded_path(address), None, "{address}");
        }
        assert_eq!(check(path), Err(FieldErrorKind::NotOwn));
    }

    #[test]
    fn length_is_checked_as_sent_and_as_stored() {
        let of = |length: usize, sign: &str| format!("https://a.example/{}", sign.repeat(length));
        assert!(check(&of(MAX_BYTES - 18, "x")).is_ok());
        assert_eq!(check(&of(MAX_BYTES - 17, "x")), Err(FieldErrorKind::TooLong));
        assert_eq!(check(&of(100, "头")), Err(FieldErrorKind::TooLong));
    }

    #[test]
    fn placeholder_pictures_of_wechat_are_none() {
        let [grey, documented] = PLACEHOLDERS;
        for none in [
            format!("https://thirdwx.qlogo.cn/mmopen/vi_32/{grey}/132"),
            format!("https://wx.qlogo.cn/mmopen/vi_32/{grey}/0"),
            format!("https://mmbiz.qpic.cn/mmbiz/{documented}/0"),
        ] {
            assert_eq!(check(&none), Ok(None), "{none}");
        }
        for other in
            [format!("https://media.example/{grey}/132"), "https://thirdwx.qlogo.cn/mmopen/vi_32/other/132".into()]
        {
            assert_eq!(check(&other), Ok(Some(other.clone())));
        }
    }
}
