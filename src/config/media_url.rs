//! Parses `MEDIA_URL`, the keys of a bucket, and `PUBLIC_URL`.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::{address, problems::InvalidValue};

/// The value of `MEDIA_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MediaUrl {
    Folder(PathBuf),
    Bucket { name: String, endpoint: Option<String>, region: String },
}

/// The region of signatures if none is set: S3-compatible servers other than Amazon's accept it.
const REGION: &str = "us-east-1";

/// Parses `file:media` or `s3://bucket?endpoint=https://…&region=…`.
pub(super) fn media_url(text: &str) -> Result<MediaUrl, InvalidValue> {
    const INVALID: InvalidValue =
        "must be file: and a folder, such as file:media, or s3://bucket?endpoint=https://…&region=…";
    if let Some(folder) = text.strip_prefix("file:") {
        let folder = folder.strip_prefix("//").unwrap_or(folder);
        return if folder.is_empty() { Err(INVALID) } else { Ok(MediaUrl::Folder(folder.into())) };
    }
    let rest = text.strip_prefix("s3://").ok_or(INVALID)?;
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let name = bucket_name(name.trim_end_matches('/'))?;
    let (mut endpoint, mut region) = (None, None);
    for (parameter, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*parameter {
            "endpoint" if endpoint.is_none() => endpoint = Some(address::web_origin(&value)?),
            "region" if region.is_none() => region = Some(region_name(&value)?),
            _ => return Err("has a parameter other than endpoint and region, or one of them twice"),
        }
    }
    match (&endpoint, region) {
        (None, None) => Err("must name the endpoint of the bucket, or for Amazon S3 the region"),
        (_, region) => Ok(MediaUrl::Bucket { name, endpoint, region: region.unwrap_or_else(|| REGION.to_owned()) }),
    }
}

fn bucket_name(name: &str) -> Result<String, InvalidValue> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=63).contains(&name.len()) && name.bytes().all(is_plain) {
        Ok(name.to_owned())
    } else {
        Err("must name a bucket: letters, digits, dots and hyphens, and no folder inside it")
    }
}

fn region_name(name: &str) -> Result<String, InvalidValue> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_region = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
    if is_region { Ok(name.to_owned()) } else { Err("must name a region such as ap-guangzhou") }
}

/// A key of a bucket.
pub(super) fn bucket_key(text: &str) -> Result<SecretString, InvalidValue> {
    let is_plain = text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(text.into()) } else { Err("must be a key: up to 256 visible ASCII characters") }
}

/// Parses the URL that clients use, with or without a path. The result has no trailing slash.
pub(super) fn public_url(text: &str) -> Result<String, InvalidValue> {
    const INVALID: InvalidValue = "must be http:// or https:// with a host, such as https://api.example";
    let url = Url::parse(text).map_err(|_| INVALID)?;
    let is_bare = url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && text.len() <= 256;
    if is_web && is_bare && is_anonymous { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(INVALID) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_has_an_endpoint_or_a_region() {
        let bucket = |name: &str, endpoint: Option<&str>, region: &str| {
            let (name, endpoint, region) = (name.to_owned(), endpoint.map(str::to_owned), region.to_owned());
            Ok(MediaUrl::Bucket { name, endpoint, region })
        };
        let minio = bucket("avatars", Some("http://minio:9000"), REGION);
        assert_eq!(media_url("s3://avatars?endpoint=http://minio:9000/"), minio);
        let cos = "https://a-125.cos.ap-guangzhou.myqcloud.com";
        assert_eq!(
            media_url(&format!("s3://a-125?endpoint={cos}&region=ap-guangzhou")),
            bucket("a-125", Some(cos), "ap-guangzhou")
        );
        assert_eq!(media_url("s3://a?region=eu-west-1"), bucket("a", None, "eu-west-1"));
        for bad in [
            "",
            "media",
            "file:",
            "s3:a",
            "s3://",
            "s3://a",
            "s3://a/b?region=x",
            "s3://a?region=",
            "s3://a?endpoint=minio:9000",
            "s3://a?endpoint=https://u:p@h",
            "s3://a?region=x&region=y",
            "s3://a?region=x&secret=y",
            "https://a.example",
        ] {
            assert!(media_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_url_has_no_trailing_slash() {
        for (text, expected) in [
            ("https://API.example/", "https://api.example"),
            ("https://a.example/account//", "https://a.example/account"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ] {
            assert_eq!(public_url(text).as_deref(), Ok(expected));
        }
        let bad =
            ["", "a.example", "ftp://a", "https://", "https://a?x", "https://a#x", "https://u@a", "https://u:p@a"];
        assert!(bad.iter().all(|text| public_url(text).is_err()));
    }

    proptest::proptest! {
        #[test]
        fn parsers_never_panic(text in "(file:|s3://|https://|)\\PC{0,60}") {
            let _ = (media_url(&text).is_ok(), public_url(&text).is_ok(), bucket_key(&text).is_ok());
        }
    }
}
