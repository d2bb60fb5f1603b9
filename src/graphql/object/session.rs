//! `Session`: a place where a user is signed in.

use async_graphql::{ID, Object};
use entity::{SessionId, session};

use super::super::scalar::DateTime;
use crate::global_id::GlobalId;

/// A session's row, seen from a session.
pub(in crate::graphql) struct Session {
    row: session::Model,
    is_current: bool,
}

impl Session {
    /// A session, seen from the session `current`.
    pub(in crate::graphql) fn new(row: session::Model, current: SessionId) -> Self {
        Self { is_current: row.id == current, row }
    }
}

/// A place where the user is signed in.
#[Object]
impl Session {
    /// Global id.
    pub(super) async fn id(&self) -> ID {
        GlobalId::Session(self.row.id).encode().into()
    }

    /// The device as the client named it.
    async fn device_name(&self) -> Option<&str> {
        self.row.device_name.as_deref()
    }

    /// What the client called itself when it logged in.
    async fn user_agent(&self) -> Option<&str> {
        self.row.user_agent.as_deref()
    }

    /// The network the login came from, such as `203.0.113.0/24`: never the whole address.
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

    /// When the session was last used, to about a minute.
    async fn last_used_at(&self) -> DateTime {
        DateTime(self.row.last_used_at)
    }

    /// When the session ends unless it is refreshed.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.row.expires_at)
    }
}
