//! `Session`: a user's login on one device.

use async_graphql::{ID, Object};
use entity::{SessionId, session};

use super::super::scalar::DateTime;
use crate::global_id::GlobalId;

/// A session's row, seen by a caller.
pub(in crate::graphql) struct Session {
    row: session::Model,
    is_current: bool,
}

impl Session {
    /// A session, seen by a caller whose own session is `current`.
    pub(in crate::graphql) fn new(row: session::Model, current: SessionId) -> Self {
        Self { is_current: row.id == current, row }
    }
}

/// A session: the user's login on one device.
#[Object]
impl Session {
    /// Global id.
    pub(super) async fn id(&self) -> ID {
        GlobalId::Session(self.row.id).encode().into()
    }

    /// Name of the device, as the client gave it at login.
    async fn device_name(&self) -> Option<&str> {
        self.row.device_name.as_deref()
    }

    /// `User-Agent` of the client at login.
    async fn user_agent(&self) -> Option<&str> {
        self.row.user_agent.as_deref()
    }

    /// Network from which the user logged in, such as `203.0.113.0/24`; never the full IP address.
    async fn ip_prefix(&self) -> Option<&str> {
        self.row.ip_prefix.as_deref()
    }

    /// Whether this is the session of the request.
    async fn is_current(&self) -> bool {
        self.is_current
    }

    /// When the user logged in.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// When the session was last used, accurate to about one minute.
    async fn last_used_at(&self) -> DateTime {
        DateTime(self.row.last_used_at)
    }

    /// When the session expires, unless it is refreshed.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.row.expires_at)
    }
}
