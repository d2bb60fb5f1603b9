//! The events of one caller's account as a stream, for a GraphQL subscription.

use std::sync::Arc;

use entity::{SessionId, session::EndReason, user};
use futures_util::{Stream, stream};

use super::{
    connection::slow_subscriber,
    hub::{EventKind, Notification, Subscription},
};
use crate::{
    account::{Accounts, SignedIn, session::refuse_ended},
    error::ApiError,
    store::Change,
};

/// An event of a user's account.
#[derive(Clone, Debug)]
pub enum AccountEvent {
    /// A session was ended before it expired.
    SessionEnded(SessionId, EndReason),
    /// The user's profile changed.
    ProfileChanged(Arc<user::Model>),
}

/// The events of one caller.
struct EventStream {
    accounts: Arc<Accounts>,
    caller: Arc<SignedIn>,
    subscription: Subscription,
    /// The user as sent with the last event.
    last_sent: Arc<user::Model>,
    is_over: bool,
}

impl Accounts {
    /// The events of the caller's account from now on. The stream ends with the caller's session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`.
    pub async fn events(
        self: Arc<Self>,
        caller: Arc<SignedIn>,
    ) -> Result<impl Stream<Item = Result<AccountEvent, ApiError>> + Send, ApiError> {
        let subscription = self.events.subscribe(caller.user.id);
        let last_sent = Arc::new(self.recheck_session(caller.session).await?);
        let events = EventStream { accounts: self, caller, subscription, last_sent, is_over: false };
        Ok(stream::unfold(events, |mut events| async { events.next().await.map(|event| (event, events)) }))
    }
}

impl EventStream {
    /// The next event. An error is the last item.
    async fn next(&mut self) -> Option<Result<AccountEvent, ApiError>> {
        while !self.is_over {
            let event = match self.subscription.next().await {
                Some(notification) => self.event(&notification).await.transpose(),
                None => Some(Err(slow_subscriber())),
            };
            self.is_over |= matches!(event, Some(Err(_)));
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The event of a notification, if one must be sent.
    async fn event(&mut self, notification: &Notification) -> Result<Option<AccountEvent>, ApiError> {
        match notification.kind {
            EventKind::Change(Change::SessionEnded(id, reason)) => {
                self.is_over = id == self.caller.session;
                Ok(Some(AccountEvent::SessionEnded(id, reason)))
            }
            EventKind::Change(Change::UserChanged) => {
                let user = notification.rows.user(&self.accounts, self.caller.user.id).await?;
                Ok(user.and_then(|user| self.profile_change(user)))
            }
            EventKind::Gap => self.after_gap(notification).await,
        }
    }

    /// The event after a gap in the feed, derived from the rows: the end of the session, or a changed profile.
    async fn after_gap(&mut self, notification: &Notification) -> Result<Option<AccountEvent>, ApiError> {
        let own = self.caller.session;
        let (session, user) = notification.rows.session(&self.accounts, own).await?;
        if let Some(reason) = session.end_reason {
            self.is_over = true;
            return Ok(Some(AccountEvent::SessionEnded(own, reason)));
        }
        refuse_ended(&session, self.accounts.clock.now())?;
        Ok(self.profile_change(user))
    }

    /// The event of a changed profile; `None` if the user equals the one last sent. A login does not change the
    /// profile, and the first of several events may already contain all changes.
    fn profile_change(&mut self, user: Arc<user::Model>) -> Option<AccountEvent> {
        let last_sent = user::Model { last_login_at: user.last_login_at, ..(*self.last_sent).clone() };
        let event = (last_sent != *user).then(|| AccountEvent::ProfileChanged(Arc::clone(&user)));
        self.last_sent = user;
        event
    }
}
