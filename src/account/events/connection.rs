//! An authenticated connection stays open (a WebSocket), and is closed when the caller may no longer use it: with
//! `UNAUTHENTICATED` and the reason its session ended (`SUSPENDED` where the user was suspended), with `ACCOUNT_SUSPENDED`
//! where the session's end was missed and the user is found suspended.
//!
//! Nothing is missed between authenticating and subscribing: a connection subscribes first, and only then reads the
//! session. A change committed before that read is seen by it. A change committed later is read from the feed later, when
//! the connection is subscribed; and where the feed has a gap, the connection is notified of it and reads the session
//! again.

use std::{sync::Arc, time::Duration};

use entity::{SessionId, user};
use tokio::time::timeout;

use super::hub::{EventKind, Notification, Subscription};
use crate::{
    account::{Accounts, SignedIn, lifecycle::refuse_suspended, session::refuse_ended},
    error::{ApiError, Code},
    store::Change,
};

/// How often the expiry of a connection's token is checked. A timer until the expiry would miss a clock that is set.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An authenticated connection of a user.
#[derive(Debug)]
pub struct UserConnection {
    caller: Arc<SignedIn>,
    subscription: Subscription,
}

impl Accounts {
    /// Authenticates a connection that stays open.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`; `OVERLOADED` where the user has too many connections.
    pub async fn open_connection(&self, token: &str) -> Result<UserConnection, ApiError> {
        let caller = self.authenticate(token).await?;
        let subscription = self.events.subscribe_connection(caller.user.id)?;
        self.recheck_session(caller.session).await?;
        Ok(UserConnection { caller, subscription })
    }

    /// Waits until the connection must be closed, and returns why: the session's end, `ACCOUNT_SUSPENDED`, `EXPIRED` for
    /// the token, or `OVERLOADED` for one that does not keep up with its notifications.
    pub async fn until_closed(&self, mut connection: UserConnection) -> ApiError {
        loop {
            if connection.caller.expires_at() <= self.clock.now() {
                return ApiError::unauthenticated("EXPIRED");
            }
            let next = timeout(RECHECK_INTERVAL, connection.subscription.next()).await;
            let Ok(notification) = next else { continue };
            let Some(notification) = notification else { return too_slow() };
            if let Err(refused) = self.may_stay_open(&connection.caller, &notification).await {
                return refused;
            }
        }
    }

    /// Whether a connection may stay open after a notification.
    async fn may_stay_open(&self, caller: &SignedIn, notification: &Notification) -> Result<(), ApiError> {
        match notification.kind {
            EventKind::Change(Change::SessionEnded(id, reason)) if id == caller.session => {
                Err(ApiError::unauthenticated(reason.as_str()))
            }
            EventKind::Change(Change::SessionEnded(..)) => Ok(()),
            EventKind::Change(Change::UserChanged) => {
                let user = notification.rows.user(self, caller.user.id).await?;
                refuse_suspended(&*user.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?)
            }
            EventKind::Gap => {
                let (session, user) = notification.rows.session(self, caller.session).await?;
                refuse_suspended(&user)?;
                refuse_ended(&session, self.clock.now())
            }
        }
    }

    /// Reads a session from the database, refuses it where it is not live, and returns its user.
    pub(super) async fn recheck_session(&self, id: SessionId) -> Result<user::Model, ApiError> {
        let (session, user) = self.session_named(id).await?;
        refuse_suspended(&user)?;
        refuse_ended(&session, self.clock.now())?;
        Ok(user)
    }
}

/// The subscriber missed notifications.
pub(super) fn too_slow() -> ApiError {
    ApiError::new(Code::Overloaded).detail("More happened than was taken. Connect again.")
}
