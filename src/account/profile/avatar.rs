//! Addresses of pictures. Other people's clients load them, so nothing but `https`, and nobody's password inside.

use url::Url;

use super::Fault;

/// Longest address, in bytes.
const LONGEST: usize = 512;

/// The grey picture `WeChat` shows for everybody who chose none; a size follows it.
const PLACEHOLDER: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/\
    POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/";

/// An address as it is kept, which is how a browser reads it; `None` where it is nobody's choice.
pub(super) fn check(text: &str) -> Result<Option<String>, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::Blank);
    }
    if text.len() > LONGEST {
        return Err(Fault::TooLong);
    }
    let url = Url::parse(text).map_err(|_| Fault::Invalid)?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::Invalid);
    }
    let kept = String::from(url);
    // what had to be escaped has grown
    if kept.len() > LONGEST {
        return Err(Fault::TooLong);
    }
    Ok((!kept.starts_with(PLACEHOLDER)).then_some(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_a_browser_reads_them() {
        for (sent, kept) in [
            ("https://media.example/a/1.png?v=2#x", "https://media.example/a/1.png?v=2#x"),
            ("HTTPS://Media.Example:443/a b", "https://media.example/a%20b"),
            ("https://例子.example/头像", "https://xn--fsqu00a.example/%E5%A4%B4%E5%83%8F"),
        ] {
            assert_eq!(check(sent), Ok(Some(kept.to_owned())), "{sent}");
        }
    }

    #[test]
    fn whatever_else_is_refused() {
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
            assert_eq!(check(text), Err(Fault::Invalid), "{text}");
        }
        assert_eq!(check(" "), Err(Fault::Blank));
    }

    #[test]
    fn the_length_counts_as_it_is_sent_and_as_it_is_kept() {
        let of = |length: usize, sign: &str| format!("https://a.example/{}", sign.repeat(length));
        assert!(check(&of(LONGEST - 18, "x")).is_ok());
        assert_eq!(check(&of(LONGEST - 17, "x")), Err(Fault::TooLong));
        assert_eq!(check(&of(100, "头")), Err(Fault::TooLong));
    }

    #[test]
    fn the_picture_wechat_gives_everybody_is_none() {
        assert_eq!(check(&format!("{PLACEHOLDER}132")), Ok(None));
    }
}
