//! A caller stays, and is told what happens to their account.
//!
//! Nothing is missed between asking who the caller is and hearing of it: one joins the listeners first, and only then
//! reads the session. What was committed before that reading is in it. What is committed later is read from the feed
//! later, when the caller listens already; and where the feed cannot be told from its gaps, they are told of the gap and
//! read the session again.

use std::{sync::Arc, time::Duration};

use entity::{SessionId, session::EndReason, user};
use futures_util::{Stream, stream};
use tokio::time::timeout;

use super::{
    Accounts, SignedIn,
    authenticate::refuse_ended,
    events::{Listener, News},
    login::refuse_suspended,
};
use crate::{
    error::{ApiError, Code},
    store::Change,
};

/// How often somebody who stays is looked at: whether their token is still good. The clock may be moved.
const LOOK: Duration = Duration::from_secs(1);

/// Something a user is told of their account.
#[derive(Clone, Debug)]
pub enum AccountEvent {
    /// A session was ended before it expired.
    SessionEnded(SessionId, EndReason),
    /// The user's row is another one now.
    ProfileChanged(Arc<user::Model>),
}

/// A caller with a connection of their own.
#[derive(Debug)]
pub struct Presence {
    caller: Arc<SignedIn>,
    listener: Listener,
}

/// What a caller is told, as it comes.
struct Telling {
    accounts: Arc<Accounts>,
    caller: Arc<SignedIn>,
    listener: Listener,
    /// The user as last told.
    known: user::Model,
    is_over: bool,
}

impl Accounts {
    /// Lets a caller stay.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`; `OVERLOADED` where the user has too many connections.
    pub async fn attend(&self, token: &str) -> Result<Presence, ApiError> {
        let caller = self.authenticate(token).await?;
        let listener = self.events.take_seat(caller.user.id)?;
        self.look_again(caller.session).await?;
        Ok(Presence { caller, listener })
    }

    /// Waits until the caller may stay no longer, and says why: the session's end, `EXPIRED` for the token, or
    /// `OVERLOADED` for one who does not keep up with the news.
    pub async fn until_over(&self, mut presence: Presence) -> ApiError {
        loop {
            if presence.caller.expires_at() <= self.clock.now() {
                return ApiError::unauthenticated("EXPIRED");
            }
            let Ok(news) = timeout(LOOK, presence.listener.next()).await else { continue };
            let own = presence.caller.session;
            let look = match news {
                Some(News::Change(Change::SessionEnded(id, reason))) if id == own => {
                    return ApiError::unauthenticated(reason.as_str());
                }
                Some(News::Change(Change::SessionEnded(..))) => continue,
                Some(News::Change(Change::UserChanged) | News::Gap) => self.look_again(own).await,
                None => return too_slow(),
            };
            if let Err(refused) = look {
                return refused;
            }
        }
    }

    /// What happens to the caller's account from now on. Ends with the end of their session.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with its reason, `ACCOUNT_SUSPENDED`.
    pub async fn events(
        self: Arc<Self>,
        caller: Arc<SignedIn>,
    ) -> Result<impl Stream<Item = Result<AccountEvent, ApiError>> + Send, ApiError> {
        let listener = self.events.listen(caller.user.id);
        let known = self.look_again(caller.session).await?;
        let telling = Telling { accounts: self, caller, listener, known, is_over: false };
        Ok(stream::unfold(telling, |mut telling| async { telling.next().await.map(|event| (event, telling)) }))
    }

    /// The user of a session that lives, as the database has them.
    async fn look_again(&self, id: SessionId) -> Result<user::Model, ApiError> {
        let (session, user) = self.session_named(id).await?;
        refuse_suspended(&user)?;
        refuse_ended(&session, self.clock.now())?;
        Ok(user)
    }
}

impl Telling {
    /// The next event; an error is the last.
    async fn next(&mut self) -> Option<Result<AccountEvent, ApiError>> {
        while !self.is_over {
            let event = match self.listener.next().await {
                Some(news) => self.event(news).await.transpose(),
                None => Some(Err(too_slow())),
            };
            self.is_over |= matches!(event, Some(Err(_)));
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// What is told of some news.
    async fn event(&mut self, news: News) -> Result<Option<AccountEvent>, ApiError> {
        match news {
            News::Change(Change::SessionEnded(id, reason)) => {
                self.is_over = id == self.caller.session;
                Ok(Some(AccountEvent::SessionEnded(id, reason)))
            }
            News::Change(Change::UserChanged) => {
                let user = self.accounts.user(self.caller.user.id).await?;
                Ok(user.and_then(|user| self.changed(user)))
            }
            News::Gap => self.after_gap().await,
        }
    }

    /// What must have happened in a gap, as far as it can be told: the session's own end, or that the profile is another.
    async fn after_gap(&mut self) -> Result<Option<AccountEvent>, ApiError> {
        let own = self.caller.session;
        let (session, user) = self.accounts.session_named(own).await?;
        if let Some(reason) = session.end_reason {
            self.is_over = true;
            return Ok(Some(AccountEvent::SessionEnded(own, reason)));
        }
        refuse_ended(&session, self.accounts.clock.now())?;
        Ok(self.changed(user))
    }

    /// Tells of a user who is not as last told. A login is no change, and of several changes the first to be told may
    /// show the last.
    fn changed(&mut self, user: user::Model) -> Option<AccountEvent> {
        let known = user::Model { last_login_at: user.last_login_at, ..self.known.clone() };
        let event = || AccountEvent::ProfileChanged(Arc::new(user.clone()));
        let event = (known != user).then(event);
        self.known = user;
        event
    }
}

fn too_slow() -> ApiError {
    ApiError::new(Code::Overloaded).detail("More happened than was taken. Connect again.")
}
