//! The client of a request, and the parts of its description that are stored with a session.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Hosted;
use crate::error::{ApiError, Code};

/// Maximum length of a stored `User-Agent`, in characters.
const MAX_USER_AGENT_LEN: usize = 256;

/// Maximum length of a device's name or id, in characters.
const MAX_DEVICE_LEN: usize = 64;

/// The client behind a request.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its IP address: of the peer, or as reported by trusted proxies.
    pub address: IpAddr,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// The caller according to the headers of WeChat cloud hosting.
    pub hosted: Hosted,
}

/// The device of a client, as described by the client.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// The client's own permanent identifier of the device.
    pub id: Option<String>,
    /// The human-readable name of the device.
    pub name: Option<String>,
}

impl Client {
    /// The `User-Agent` without control characters, truncated to the stored length.
    #[must_use]
    pub fn stored_user_agent(&self) -> Option<String> {
        let kept = |text: &String| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_LEN).collect();
        self.user_agent.as_ref().map(kept)
    }

    /// The network of the client: the /24 of an IPv4 address or the /48 of an IPv6 address. It lets a person recognise
    /// an unfamiliar login, and does not locate anyone.
    #[must_use]
    pub fn stored_network(&self) -> String {
        prefix(self.address, 24, 48).to_string()
    }
}

impl Device {
    /// Validates id and name, and turns empty ones into `None`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` if one is too long or contains control characters.
    pub fn checked(self) -> Result<Self, ApiError> {
        for (field, text) in [("device.id", &self.id), ("device.name", &self.name)] {
            let good = |text: &String| text.chars().count() <= MAX_DEVICE_LEN && !text.chars().any(char::is_control);
            if !text.as_ref().is_none_or(good) {
                let detail =
                    format!("`{field}` is at most {MAX_DEVICE_LEN} characters, none of them a control character.");
                return Err(ApiError::new(Code::BadUserInput).detail(detail));
            }
        }
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self { id: given(self.id), name: given(self.name) })
    }
}

/// The network by which a client's requests are counted: one IPv4 address, or the IPv6 /64 of one subscriber.
#[must_use]
pub fn network_of(address: IpAddr) -> IpNet {
    prefix(address, 32, 64)
}

/// The site of an IPv6 address: the /48 that is often leased as a whole (RFC 6177). `None` for IPv4, whose addresses
/// are too expensive to be leased in bulk.
pub(super) fn site_of(address: IpAddr) -> Option<IpNet> {
    Some(prefix(address, 32, 48)).filter(|network| matches!(network, IpNet::V6(_)))
}

fn prefix(address: IpAddr, v4: u8, v6: u8) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::new_assert(address, v4).trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, v6).trunc().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client { address: address.parse().unwrap(), user_agent: Some("a\u{0}b".repeat(200)), hosted: Hosted::Unknown }
    }

    #[test]
    fn only_the_network_prefix_is_stored() {
        assert_eq!(client("203.0.113.77").stored_network(), "203.0.113.0/24");
        assert_eq!(client("2001:db8:1:2::3").stored_network(), "2001:db8:1::/48");
        assert_eq!(client("::ffff:203.0.113.77").stored_network(), "203.0.113.0/24");
    }

    #[test]
    fn ipv6_subscriber_counts_as_one_network() {
        let network = |address: &str| network_of(address.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::3"), network("2001:db8:1:3::3"));
        assert_ne!(network("203.0.113.1"), network("203.0.113.2"));
        let site = |address: &str| site_of(address.parse().unwrap());
        assert_eq!(site("2001:db8:1:2::3"), site("2001:db8:1:ffff::3"));
        assert_ne!(site("2001:db8:1:2::3"), site("2001:db8:2:2::3"));
        assert_eq!([site("203.0.113.1"), site("::ffff:203.0.113.1")], [None, None]);
    }

    #[test]
    fn user_agent_is_truncated_and_cleaned() {
        let kept = client("::1").stored_user_agent().unwrap();
        assert_eq!(kept.chars().count(), MAX_USER_AGENT_LEN);
        assert!(!kept.contains('\u{0}'));
    }

    #[test]
    fn invalid_device_ids_are_refused_and_empty_ones_are_none() {
        let device = |id: &str| Device { id: Some(id.to_owned()), name: None }.checked();
        assert!(device(&"x".repeat(65)).is_err());
        assert!(device("a\u{0}").is_err());
        assert_eq!(device("").unwrap().id, None);
        assert_eq!(device("手机").unwrap().id.as_deref(), Some("手机"));
    }
}
