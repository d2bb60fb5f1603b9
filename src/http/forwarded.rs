//! Finds the client's address. Anybody can write `X-Forwarded-For`; it counts only as far as trusted proxies wrote it.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address of the client behind `peer`: going back from the peer, the first that is no trusted proxy.
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
        // what nobody can read ends the search: beyond it anybody may have written
        let Some(address) = address(hop) else { return client };
        client = address;
        if !is_trusted(client) {
            return client;
        }
    }
    client
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
    fn what_a_stranger_writes_does_not_count() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn the_last_address_before_the_proxies_is_the_client() {
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["1.1.1.1", "198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(found("::ffff:10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn without_a_readable_header_the_nearest_known_address_counts() {
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.1", ""]), "10.0.0.1");
    }

    #[test]
    fn a_line_that_is_no_text_hides_what_stands_ahead_of_it() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"203.0.113.7, \xff").unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string(), "10.0.0.1");
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff, 203.0.113.8").unwrap());
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string(), "203.0.113.8");
    }

    #[test]
    fn an_address_may_stand_in_brackets_with_and_without_port() {
        for written in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(found("10.0.0.1", &[written]), "2001:db8::1", "{written}");
        }
        for odd in ["[2001:db8::1", "2001:db8::1]", "[]", "[[2001:db8::1]]"] {
            assert_eq!(found("10.0.0.1", &[odd]), "10.0.0.1", "{odd}");
        }
    }
}
