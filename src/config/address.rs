//! Addresses as text: of sockets, networks, web sites, databases and Redis.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use secrecy::SecretString;
use url::{Host, Url};

use super::problems::Fault;

/// An IP address with a port. No names: what they resolve to may change which network can reach the server.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000")
}

/// A network such as `10.0.0.0/8`; a bare address is the network of that address alone.
pub(super) fn network(text: &str) -> Result<IpNet, Fault> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| network.trunc()).map_err(|_| "must be a network such as 10.0.0.0/8, or an IP address")
}

/// The root of a web site, as browsers write an origin: lower case, no slash at the end.
pub(super) fn site(text: &str) -> Result<String, Fault> {
    const FAULT: Fault = "must be http:// or https:// with a host and nothing behind it, such as https://app.example";
    let url = Url::parse(text).map_err(|_| FAULT)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let web = matches!(url.scheme(), "http" | "https");
    if web && bare && anonymous { Ok(url.origin().ascii_serialization()) } else { Err(FAULT) }
}

/// A browser origin that may call.
pub(super) fn origin(text: &str) -> Result<String, Fault> {
    if text == "*" { Err("must name the origins: * would let every web site call") } else { site(text) }
}

/// A network that is not the whole internet: whoever is in it chooses the address he is counted under.
pub(super) fn proxy_network(text: &str) -> Result<IpNet, Fault> {
    const FAULT: Fault = "must not hold every address: any client could then choose the address it is counted under";
    match network(text) {
        Ok(network) if network.prefix_len() == 0 => Err(FAULT),
        Err(_) if text == "*" => Err(FAULT),
        network => network,
    }
}

/// A host of WeChat's API. What goes there holds the secrets of mini programs.
pub(super) fn wechat_host(text: &str) -> Result<String, Fault> {
    let site = site(text)?;
    if is_exposed(&site) { Err("must be https:// unless it is on this machine: secrets go there") } else { Ok(site) }
}

/// Whether what is sent to the site can be read on the way: plain http to another machine.
fn is_exposed(site: &str) -> bool {
    !site.starts_with("https://") && !is_loopback_site(site)
}

/// Whether a web site is on this machine.
#[must_use]
pub fn is_loopback_site(site: &str) -> bool {
    let Ok(url) = Url::parse(site) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The URL of a database we speak to. Other spellings of a scheme become the one every driver knows, and what is no
/// URL is stopped here, for the ORM panics on it.
pub(super) fn database(text: &str) -> Result<SecretString, Fault> {
    const FAULT: Fault = "must be a URL; in a password, write other signs than letters and digits as %XX";
    Url::parse(text).map_err(|_| FAULT)?;
    let (scheme, rest) = text.split_once(':').ok_or(FAULT)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "sqlite" => "sqlite",
        "postgres" | "postgresql" => "postgres",
        "mysql" | "mariadb" => "mysql",
        _ => return Err("must begin with sqlite:, postgres: or mysql:"),
    };
    Ok(format!("{scheme}:{rest}").into())
}

/// The URL of a Redis: where it is, who asks and which of its databases. What else its client would take from a URL, such
/// as not to look at certificates, is no setting of ours.
pub(super) fn redis(text: &str) -> Result<SecretString, Fault> {
    const FAULT: Fault = "must be redis:// or rediss:// with a host, such as redis://:password@10.0.0.5:6379/0; in a password, write \
        other signs than letters and digits as %XX";
    let url = Url::parse(text).map_err(|_| FAULT)?;
    let placed = url.host_str().is_some_and(|host| !matches!(host, "" | "0.0.0.0" | "[::]"));
    let database = url.path().trim_start_matches('/');
    let numbered = database.is_empty() || database.parse::<u16>().is_ok();
    let bare = url.query().is_none() && url.fragment().is_none();
    let known = matches!(url.scheme(), "redis" | "rediss");
    if known && placed && numbered && bare { Ok(text.into()) } else { Err(FAULT) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_socket_has_an_address_and_a_port() {
        assert!(["127.0.0.1:0", "[::]:80"].iter().all(|text| socket(text).is_ok()));
        assert!(["", "127.0.0.1", ":8000", "localhost:80", "1.2.3.4:65536"].iter().all(|text| socket(text).is_err()));
    }

    #[test]
    fn a_bare_address_is_a_network_of_one() {
        let read = |text| network(text).unwrap().to_string();
        let networks = [read("10.1.2.3"), read("fd00::1"), read("10.1.2.3/8")];
        assert_eq!(networks, ["10.1.2.3/32", "fd00::1/128", "10.0.0.0/8"]);
        assert!(["*", "", "10.0.0.0/33", "proxy"].iter().all(|text| network(text).is_err()));
    }

    #[test]
    fn a_site_is_scheme_host_and_port() {
        for (text, expected) in [
            ("https://API.weixin.qq.com/", "https://api.weixin.qq.com"),
            ("https://a.example:443", "https://a.example"),
            ("http://[::1]:8001", "http://[::1]:8001"),
        ] {
            assert_eq!(site(text).as_deref(), Ok(expected));
        }
        let bad = ["", "*", "null", "a.example", "ftp://a", "https://", "https://a/x", "https://a?x", "https://a/#x"];
        assert!(bad.iter().chain(&["https://u:p@a", "https://u@a", "file:///a"]).all(|text| site(text).is_err()));
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_the_machine() {
        assert!(["http://10.0.0.1", "http://localhost.example"].iter().all(|text| is_exposed(text)));
        let safe = ["https://a.example", "http://127.0.0.1:1", "http://[::1]", "http://localhost:8001"];
        assert!(!safe.iter().any(|text| is_exposed(text)));
    }

    #[test]
    fn a_proxy_network_is_not_everybody() {
        assert!(["*", "0.0.0.0/0", "::/0", "1.2.3.4/0"].iter().all(|text| proxy_network(text).is_err()));
        assert!(["10.0.0.0/8", "::1"].iter().all(|text| proxy_network(text).is_ok()));
    }

    #[test]
    fn a_database_is_one_of_three() {
        let read = |text| database(text).unwrap().expose_secret().to_owned();
        assert_eq!(read("sqlite://miniaccount.db?mode=rwc"), "sqlite://miniaccount.db?mode=rwc");
        assert_eq!(read("sqlite::memory:"), "sqlite::memory:");
        assert_eq!(read("postgresql://u:p@h/d"), "postgres://u:p@h/d");
        assert_eq!(read("MariaDB://u:p@h/d"), "mysql://u:p@h/d");
        assert!(
            ["", "miniaccount.db", "mongodb://h", "mysql://u:p@h:port/d"].iter().all(|text| database(text).is_err())
        );
    }

    #[test]
    fn a_redis_has_a_host_and_at_most_a_number() {
        for good in ["redis://h", "redis://h:6379/", "rediss://u:p@h/15", "redis://:p%40@[::1]:1", "REDIS://127.0.0.1"]
        {
            assert!(redis(good).is_ok(), "{good}");
        }
        let bad = ["", "h:6379", "http://h", "redis:h", "redis:///0", "redis://0.0.0.0", "redis://[::]", "redis://h/x"];
        let more =
            ["unix:///run/redis", "redis://h/0/1", "rediss://h#insecure", "redis://h?protocol=resp3", "redis://u:p/@h"];
        assert!(bad.iter().chain(&more).all(|text| redis(text).is_err()));
    }
}
