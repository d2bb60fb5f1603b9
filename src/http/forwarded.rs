//! Finds the client's IP address, and the URL that the client uses. `X-Forwarded-For` and `X-Forwarded-Proto` are used
//! only as far as trusted proxies wrote them.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, header, uri::Authority},
};
use ipnet::IpNet;

use crate::public_url::PublicUrl;

/// The client's address: from `peer` backwards, the first address that is not a trusted proxy.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return peer;
    }
    let hops =
        headers.get_all("x-forwarded-for").iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = peer;
    for hop in hops {
        // an invalid entry ends the search: entries before it are not trusted
        let Some(address) = address(hop) else { return client };
        client = address;
        if !is_trusted(client) {
            return client;
        }
    }
    client
}

/// The URL that the client uses: with the host of the request, and `https` if a trusted proxy says so.
pub(super) fn public_url(peer: IpAddr, request: &Request, trusted: &[IpNet]) -> PublicUrl {
    let headers = request.headers();
    let is_trusted = trusted.iter().any(|network| network.contains(&peer.to_canonical()));
    let scheme = headers.get("x-forwarded-proto").filter(|_| is_trusted).and_then(|value| value.to_str().ok());
    // if several proxies added a value, the first is the one of the client
    let scheme = scheme.and_then(|schemes| schemes.split(',').next());
    let is_https = scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
    // HTTP/2 has the host in a pseudo-header
    let host = request.uri().authority().map(Authority::as_str);
    let host = host.or_else(|| headers.get(header::HOST)?.to_str().ok());
    PublicUrl::of_request(is_https, host)
}

/// An address, with or without port and brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    let in_brackets = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let plain = in_brackets.unwrap_or(hop).parse().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().map(|address| address.ip()).ok();
    plain.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn found(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn header_of_an_untrusted_peer_is_ignored() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn last_address_before_the_trusted_proxies_is_the_client() {
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["1.1.1.1", "198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(found("::ffff:10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn missing_or_invalid_header_gives_the_nearest_known_address() {
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.1", ""]), "10.0.0.1");
    }

    #[test]
    fn entries_before_an_invalid_line_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"203.0.113.7, \xff").unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string(), "10.0.0.1");
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff, 203.0.113.8").unwrap());
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string(), "203.0.113.8");
    }

    #[test]
    fn address_may_have_brackets_and_a_port() {
        for written in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(found("10.0.0.1", &[written]), "2001:db8::1", "{written}");
        }
        for odd in ["[2001:db8::1", "2001:db8::1]", "[]", "[[2001:db8::1]]"] {
            assert_eq!(found("10.0.0.1", &[odd]), "10.0.0.1", "{odd}");
        }
    }
}
