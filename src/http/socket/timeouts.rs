//! The timeouts of a WebSocket.

use std::time::Duration;

/// The timeouts of a WebSocket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For `connection_init`.
    pub(super) connection_init: Duration,
    /// Between two checks of the other timeouts.
    pub(super) check: Duration,
    /// Between two pings.
    pub(super) ping: Duration,
    /// Without any frame from the client.
    pub(super) idle: Duration,
    /// To write one message.
    pub(super) write: Duration,
    /// For the closing handshake.
    pub(super) close: Duration,
}

impl Timeouts {
    /// The default timeouts, with at most `client_timeout` for `connection_init`.
    pub(super) fn with_client_timeout(client_timeout: Duration) -> Self {
        let default = Self::default();
        Self { connection_init: default.connection_init.min(client_timeout), ..default }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connection_init: Duration::from_secs(10),
            check: Duration::from_secs(1),
            ping: Duration::from_secs(25),
            idle: Duration::from_mins(1),
            write: Duration::from_secs(3),
            close: Duration::from_millis(500),
        }
    }
}
