//! Writes a login to the database: batched with concurrent ones if possible, else in a transaction of its own.

use std::error::Error;

use entity::{SessionId, Timestamp, UserId, session::EndReason};

use super::{attempt::LoginAttempt, code_exchange::ExchangedCode, code_outcome::StoredLogin};
use crate::{
    account::{Accounts, IssuedSession, lifecycle::refuse_suspended},
    error::{ApiError, Code},
    random,
    store::{Change, KnownIdentity, LoggedIn, Login, LoginOutcome, NewSession},
};

impl LoginAttempt {
    /// Writes the login, and the outcome for repeats of the code.
    pub(super) async fn write(
        &self,
        exchanged: &ExchangedCode,
        joins: Option<UserId>,
        now: Timestamp,
    ) -> Result<IssuedSession, ApiError> {
        let login = Login { joins, ..self.login_row(exchanged, now)? };
        self.accounts.write_login(&login).await
    }

    fn login_row(&self, exchanged: &ExchangedCode, now: Timestamp) -> Result<Login, ApiError> {
        let accounts = &self.accounts;
        let session = self.new_session(now);
        let new_user = UserId(random::uuid_v7(now));
        let outcome = Ok(StoredLogin { session: session.id, new_user: Some(new_user) });
        let code = exchanged.claim.as_ref().map(|claim| accounts.code_outcome(self.app.id(), claim, &outcome, now));
        Ok(Login {
            identity: self.proven_identity(&exchanged.session, now)?,
            joins: None,
            create_user: self.create_user,
            new_user,
            session,
            sessions_per_user: accounts.sessions.per_user,
            code: code.transpose()?,
        })
    }

    fn new_session(&self, now: Timestamp) -> NewSession {
        NewSession {
            id: SessionId(random::uuid_v7(now)),
            device_id: self.device.id.clone(),
            device_name: self.device.name.clone(),
            user_agent: self.client.stored_user_agent(),
            ip_prefix: Some(self.client.stored_network()),
            expires_at: self.accounts.session_expiry(now, now),
        }
    }
}

impl Accounts {
    async fn write_login(&self, login: &Login) -> Result<IssuedSession, ApiError> {
        // the batched statement always creates an unknown user
        let is_batchable = login.create_user && login.joins.is_none();
        let written = if is_batchable { self.store.login_batched(login).await? } else { None };
        let logged_in = match written {
            Some(logged_in) => self.enforce_user_limit(logged_in).await?,
            // boxed to keep the future of the common case small
            None => Box::pin(self.write_login_unbatched(login)).await?,
        };
        log_login(&login.identity.app_id, &logged_in);
        // the maximum number of sessions may have ended some, and the user's row has a new `last_login_at`
        self.invalidate(logged_in.user.id, Change::UserChanged);
        let tokens = self.tokens(&logged_in.session, &login.identity.app_id, login.identity.now)?;
        let LoggedIn { user, session, is_new_user, .. } = logged_in;
        Ok(IssuedSession { tokens, user, session, is_new_user, phone_problem: None })
    }

    /// Counts a batched login, whose user was unknown before it was written. If the user's rate limit is exceeded, ends
    /// the session.
    async fn enforce_user_limit(&self, logged_in: LoggedIn) -> Result<LoggedIn, ApiError> {
        if logged_in.is_new_user {
            return Ok(logged_in);
        }
        let (user, session) = (logged_in.user.id, logged_in.session.id);
        let Err(refused) = self.limits.user(user).await else { return Ok(logged_in) };
        self.invalidate(user, Change::UserChanged);
        if let Err(error) = Box::pin(self.end_session(user, session, EndReason::Revoked)).await {
            tracing::warn!(cause = error.source(), "the session of a login beyond the user's limit could not be ended");
        }
        Err(refused)
    }

    /// Writes a login in a transaction of its own.
    async fn write_login_unbatched(&self, login: &Login) -> Result<LoggedIn, ApiError> {
        let known = self.store.identity_by_openid(&login.identity.app_id, &login.identity.openid).await?;
        if let Some((_, user)) = &known {
            refuse_suspended(user)?;
            self.limits.user(user.id).await?;
        }
        let known = known.map(|(identity, _)| KnownIdentity::of(&identity));
        match self.store.login(known, login).await? {
            LoginOutcome::LoggedIn(logged_in) => Ok(*logged_in),
            LoginOutcome::Suspended => Err(Code::AccountSuspended.into()),
            LoginOutcome::NoAccount => Err(Code::AccountNotFound.into()),
        }
    }
}

fn log_login(app_id: &str, logged_in: &LoggedIn) {
    let user = logged_in.user.id.0;
    tracing::info!(app = app_id, %user, new = logged_in.is_new_user, "logged in");
    if logged_in.union_conflict {
        tracing::warn!(app = app_id, %user, "this unionid belongs to another user; the two accounts stay separate");
    }
}
