//! Parses addresses: of sockets, networks, web origins and Redis.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv6Net};
use secrecy::SecretString;
use url::{Host, Url};

use super::{
    parse::list,
    problems::InvalidValue,
    setting::{Parsed, ValueProblem},
};

/// An IP address with a port. No names: what they resolve to may change which network can reach the server.
pub(super) fn socket(text: &str) -> Result<SocketAddr, InvalidValue> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000")
}

/// A network such as `10.0.0.0/8`; an address without a prefix length is the network of only that address.
pub(super) fn network(text: &str) -> Result<IpNet, InvalidValue> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| network.trunc()).map_err(|_| "must be a network such as 10.0.0.0/8, or an IP address")
}

/// A web origin, as browsers write it: lower case, without a slash at the end.
pub(super) fn web_origin(text: &str) -> Result<String, InvalidValue> {
    const INVALID: InvalidValue =
        "must be http:// or https:// with a host and nothing behind it, such as https://app.example";
    let url = Url::parse(text).map_err(|_| INVALID)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let web = matches!(url.scheme(), "http" | "https");
    if web && bare && anonymous { Ok(url.origin().ascii_serialization()) } else { Err(INVALID) }
}

/// A browser origin that may call.
pub(super) fn browser_origin(text: &str) -> Result<String, InvalidValue> {
    if text == "*" { Err("must name the origins: * would let every web site call") } else { web_origin(text) }
}

const EVERY_ADDRESS: InvalidValue =
    "must not contain every address: any client could then choose the address it is counted under";

/// All IPv6 unicast addresses in use: a network that contains it contains every client.
const IPV6_UNICAST: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks of proxies. Together they must not contain every address, even if each alone does not.
pub(super) fn proxy_networks(text: &str) -> Parsed<Vec<IpNet>> {
    let networks = list(text, proxy_network)?;
    refuse_every_address(&IpNet::aggregate(&networks)).map_err(|reason| vec![ValueProblem::of_value(&reason)])?;
    Ok(networks)
}

/// A network of proxies.
fn proxy_network(text: &str) -> Result<IpNet, InvalidValue> {
    if text == "*" {
        return Err(EVERY_ADDRESS);
    }
    let network = network(text)?;
    refuse_every_address(&[network]).map(|()| network)
}

/// Refuses networks that contain the whole internet: any client could choose the address whose limits it uses.
fn refuse_every_address(networks: &[IpNet]) -> Result<(), InvalidValue> {
    let contains_all = |network: &IpNet| network.prefix_len() == 0 || network.contains(&IpNet::V6(IPV6_UNICAST));
    if networks.iter().any(contains_all) { Err(EVERY_ADDRESS) } else { Ok(()) }
}

/// A host of WeChat's API. Requests to it carry the secrets of mini programs.
pub(super) fn wechat_host(text: &str) -> Result<String, InvalidValue> {
    let host = web_origin(text)?;
    if is_exposed(&host) { Err("must be https:// unless it is on this machine: secrets go there") } else { Ok(host) }
}

/// Whether requests to the origin can be intercepted: plain http to another machine.
fn is_exposed(origin: &str) -> bool {
    !origin.starts_with("https://") && !is_loopback_origin(origin)
}

/// Whether a web origin is on this machine.
#[must_use]
pub fn is_loopback_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The URL of a Redis: host, user and number of the database. Other parameters that its client reads from a URL are
/// refused, such as one that turns off the check of certificates.
pub(super) fn redis(text: &str) -> Result<SecretString, InvalidValue> {
    const INVALID: InvalidValue = "must be redis:// or rediss:// with a host, such as \
        redis://:password@10.0.0.5:6379/0; in a password, write characters other than letters and digits as %XX";
    let url = Url::parse(text).map_err(|_| INVALID)?;
    let has_host = url.host_str().is_some_and(|host| !matches!(host, "" | "0.0.0.0" | "[::]"));
    let database = url.path().trim_start_matches('/');
    let numbered = database.is_empty() || database.parse::<u16>().is_ok();
    let bare = url.query().is_none() && url.fragment().is_none();
    let known = matches!(url.scheme(), "redis" | "rediss");
    if known && has_host && numbered && bare { Ok(text.into()) } else { Err(INVALID) }
}

#[cfg(test)]
mod tests {
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
    fn an_origin_is_scheme_host_and_port() {
        for (text, expected) in [
            ("https://API.weixin.qq.com/", "https://api.weixin.qq.com"),
            ("https://a.example:443", "https://a.example"),
            ("http://[::1]:8001", "http://[::1]:8001"),
        ] {
            assert_eq!(web_origin(text).as_deref(), Ok(expected));
        }
        let bad = ["", "*", "null", "a.example", "ftp://a", "https://", "https://a/x", "https://a?x", "https://a/#x"];
        assert!(bad.iter().chain(&["https://u:p@a", "https://u@a", "file:///a"]).all(|text| web_origin(text).is_err()));
    }

    #[test]
    fn plain_http_is_exposed_except_on_this_machine() {
        assert!(["http://10.0.0.1", "http://localhost.example"].iter().all(|text| is_exposed(text)));
        let safe = ["https://a.example", "http://127.0.0.1:1", "http://[::1]", "http://localhost:8001"];
        assert!(!safe.iter().any(|text| is_exposed(text)));
    }

    #[test]
    fn networks_with_every_address_are_refused() {
        assert!(
            ["*", "0.0.0.0/0", "::/0", "1.2.3.4/0", "2000::/3", "::/1"].iter().all(|text| proxy_network(text).is_err())
        );
        assert!(["0.0.0.0/1,128.0.0.0/1", "2000::/4,3000::/4"].iter().all(|text| proxy_networks(text).is_err()));
        assert!(["10.0.0.0/8", "::1"].iter().all(|text| proxy_network(text).is_ok()));
    }

    #[test]
    fn a_redis_url_has_a_host_and_at_most_a_database_number() {
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
