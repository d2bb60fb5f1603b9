//! The networks by which a client is counted. An IPv4 client is counted by its address. An IPv6 client is counted by
//! its /64, which belongs to one subscriber, and by its /48 at a multiple of the rate, because many lease a /48, which
//! has 65,536 networks of size /64.

use std::{net::IpAddr, num::NonZeroU32};

use ipnet::IpNet;

use crate::{
    account::{client::site_of, network_of},
    config::Rate,
};

/// The rate of a /48 as a multiple of the rate of a /64: few of its households send requests in the same minute.
const SITE_FACTOR: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);

/// The networks of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientNetworks {
    /// The IPv4 address, or the IPv6 /64.
    pub(super) network: IpNet,
    /// The IPv6 /48.
    pub(super) site: Option<IpNet>,
}

impl ClientNetworks {
    /// The networks of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        Self { network: network_of(address), site: site_of(address) }
    }
}

/// The rate of a site whose networks have the rate `rate`.
pub(super) fn site_rate(rate: Rate) -> Rate {
    Rate { count: rate.count.saturating_mul(SITE_FACTOR), ..rate }
}
