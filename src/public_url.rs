//! The address that clients use, for addresses of what lies on this server: that of the settings, or else that of the
//! request.

use std::{borrow::Cow, sync::Arc};

use url::Url;

/// The address that a client uses.
#[derive(Clone, Debug)]
pub enum PublicUrl {
    /// That of the settings, without a slash at the end.
    Configured(Arc<str>),
    /// That of the request.
    OfRequest {
        /// Whether it came over TLS, as far as trusted proxies tell.
        is_https: bool,
        /// The host it names, with a port where it has one; `None` where it names none.
        host: Option<Box<str>>,
    },
}

/// The longest host, in bytes: a name has at most 253, and a port five digits.
const LONGEST_HOST: usize = 260;

impl PublicUrl {
    /// The address of a request. A host that could not be one is left out: it would be part of an address that is sent.
    #[must_use]
    pub fn of_request(is_https: bool, host: Option<&str>) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        let is_host = |host: &&str| (1..=LONGEST_HOST).contains(&host.len()) && host.bytes().all(is_plain);
        Self::OfRequest { is_https, host: host.filter(is_host).map(Into::into) }
    }

    /// What is stored of an address, as clients see it: a path of this server becomes an address, and an address elsewhere
    /// stays as it is.
    #[must_use]
    pub fn absolute<'a>(&self, stored: &'a str) -> Cow<'a, str> {
        if stored.starts_with('/') { format!("{}{stored}", self.base()).into() } else { stored.into() }
    }

    /// The path of an address of this server, however it is spelled, without query and fragment; `None` for an address
    /// elsewhere. `http` and `https` are alike: who knows what a proxy does.
    #[must_use]
    pub fn path_of(&self, address: &str) -> Option<String> {
        let (address, base) = (Url::parse(address).ok()?, Url::parse(&self.base()).ok()?);
        let is_web = matches!(address.scheme(), "http" | "https");
        let host = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').to_owned());
        let is_here = is_web && host(&address) == host(&base) && address.port() == base.port();
        let path = address.path().strip_prefix(base.path().trim_end_matches('/'))?;
        (is_here && path.starts_with('/')).then(|| path.to_owned())
    }

    fn base(&self) -> Cow<'_, str> {
        match self {
            Self::Configured(base) => (&**base).into(),
            Self::OfRequest { is_https, host } => {
                let scheme = if *is_https { "https" } else { "http" };
                format!("{scheme}://{}", host.as_deref().unwrap_or("localhost")).into()
            }
        }
    }
}

impl Default for PublicUrl {
    fn default() -> Self {
        Self::of_request(false, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_addresses_and_addresses_stay() {
        let configured = PublicUrl::Configured("https://a.example/x".into());
        let of_request = PublicUrl::of_request(true, Some("b.example:8443"));
        assert_eq!(configured.absolute("/media/1"), "https://a.example/x/media/1");
        assert_eq!(of_request.absolute("/media/1"), "https://b.example:8443/media/1");
        assert_eq!(of_request.absolute("https://c.example/1"), "https://c.example/1");
    }

    #[test]
    fn path_is_found_however_the_address_is_spelled() {
        let configured = PublicUrl::Configured("https://a.example/x".into());
        for address in [
            "https://a.example/x/media/1",
            "http://a.example/x/media/1",
            "HTTPS://A.Example:443/x/./media/1?t=1#x",
            "https://me@a.example./y/../x/media/1",
        ] {
            assert_eq!(configured.path_of(address).as_deref(), Some("/media/1"), "{address}");
        }
        for address in
            ["https://a.example/xy", "https://a.example:1/x/media/1", "https://b.example/x/media/1", "/x/media/1"]
        {
            assert_eq!(configured.path_of(address), None, "{address}");
        }
        let of_request = PublicUrl::of_request(true, Some("b.example:8443"));
        assert_eq!(of_request.path_of("http://b.example:8443/media/1").as_deref(), Some("/media/1"));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        for host in ["", "a/b", "a@b", "a b", "a\"", "例子", "a?b", "a#b", &"a".repeat(261)] {
            assert_eq!(PublicUrl::of_request(false, Some(host)).absolute("/1"), "http://localhost/1", "{host}");
        }
        assert_eq!(PublicUrl::of_request(false, Some("[::1]:80")).absolute("/1"), "http://[::1]:80/1");
    }
}
