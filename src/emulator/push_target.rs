//! The server that the emulator pushes events to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The server that events are pushed to, and the token that signs them.
pub(super) struct PushTarget {
    pub(super) base: String,
    pub(super) token: String,
}

impl PushTarget {
    /// The server that listens on an address.
    pub(super) fn new(server: SocketAddr, token: String) -> Self {
        let is_any = server.ip().is_unspecified();
        let ip = if is_any { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { server.ip() };
        Self { base: format!("http://{}", SocketAddr::new(ip, server.port())), token }
    }
}
