//! The networks a client is counted by. An IPv4 client is counted by its address. An IPv6 client is counted by its /64,
//! which one subscriber has, and by its /48 with several times the rate, because many lease a /48 and so 65,536 of those.

use std::{net::IpAddr, num::NonZeroU32};

use ipnet::IpNet;

use crate::{
    account::{client::site_of, network_of},
    config::Rate,
};

/// How many times the rate of a /64 a /48 has: few of its households are clients in the same minute.
const SITE_FACTOR: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);

/// The networks a client is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientNetworks {
    /// The address, or the /64.
    pub(super) network: IpNet,
    /// The /48 around it.
    pub(super) site: Option<IpNet>,
}

impl ClientNetworks {
    /// The networks of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        Self { network: network_of(address), site: site_of(address) }
    }
}

/// The rate of a site, where its networks have `rate` each.
pub(super) fn site_rate(rate: Rate) -> Rate {
    Rate { count: rate.count.saturating_mul(SITE_FACTOR), ..rate }
}
