//! Long-lived authenticated connections (WebSockets). A connection is closed when its caller may no longer use it: with
//! `UNAUTHENTICATED` and the reason why its session ended (`SUSPENDED` for a suspended user), or with
//! `ACCOUNT_SUSPENDED` if it missed the end of the session and then reads a suspended user.
//!
//! No change is missed between authentication and subscription: a connection subscribes first and reads the session
//! afterwards. That read returns every change committed before it. A change committed later is read from the feed
//! later, when the connection is subscribed. After a gap in the feed the connection is notified, and reads the session
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

/// How often the expiry of a connection's token is checked. A single timer would not notice that the clock was set.
const EXPIRY_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An authenticated connection of a user.
#[derive(Debug)]
pub struct UserConnection {
    caller: Arc<SignedIn>,
    subscription: Subscription,
}

impl Accounts {
    /// Authenticates a long-lived connection.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`; `OVERLOADED` if the user has too many connections.
    pub async fn open_connection(&self, token: &str) -> Result<UserConnection, ApiError> {
        let caller = self.authenticate(token).await?;
        let subscription = self.events.subscribe_connection(caller.user.id)?;
        self.recheck_session(caller.session).await?;
        Ok(UserConnection { caller, subscription })
    }

    /// Waits until the connection must be closed, and returns the reason: the end of the session, `ACCOUNT_SUSPENDED`,
    /// `EXPIRED` for the token, or `OVERLOADED` if the subscriber is too slow.
    pub async fn until_closed(&self, mut connection: UserConnection) -> ApiError {
        loop {
            if connection.caller.expires_at() <= self.clock.now() {
                return ApiError::unauthenticated("EXPIRED");
            }
            let next = timeout(EXPIRY_CHECK_INTERVAL, connection.subscription.next()).await;
            let Ok(notification) = next else { continue };
            let Some(notification) = notification else { return slow_subscriber() };
            if let Err(refused) = self.may_stay_open(&connection.caller, &notification).await {
                return refused;
            }
        }
    }

    /// Checks after a notification whether the connection may stay open.
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

    /// Reads a session from the database, refuses it if it is not live, and returns its user.
    pub(super) async fn recheck_session(&self, id: SessionId) -> Result<user::Model, ApiError> {
        let (session, user) = self.session_with_user(id).await?;
        refuse_suspended(&user)?;
        refuse_ended(&session, self.clock.now())?;
        Ok(user)
    }
}

/// The error of a subscriber that was too slow and missed notifications.
pub(super) fn slow_subscriber() -> ApiError {
    ApiError::new(Code::Overloaded).detail("The client did not keep up with its notifications. Connect again.")
}
