//! Login: exchanges a code from `wx.login` for a user, a session and its tokens.

mod attempt;
mod code_claim;
mod code_exchange;
mod code_outcome;
mod exchange_queue;
mod hosted;
mod phone;
mod proof;
mod write;

pub(super) use code_claim::claim_lifetime;
pub(super) use code_exchange::CodeExchanges;

use std::sync::Arc;

use super::{Accounts, Client, Device, IssuedSession, lifecycle::refuse_suspended, single_flight::Flight};
use crate::{
    error::{ApiError, Code},
    log_context,
    wechat::{LoginCode, PhoneCode},
};
use attempt::LoginAttempt;
use code_outcome::StoredLogin;

/// What a client sends to log in.
#[derive(Clone, Debug)]
pub struct LoginRequest<'a> {
    /// The code from `wx.login`; empty if WeChat cloud hosting identifies the caller.
    pub code: &'a str,
    /// The appid of the mini program; the default one if `None` or empty.
    pub app_id: Option<&'a str>,
    /// The device.
    pub device: Device,
    /// A code of the `getPhoneNumber` button. Its number is bound to the user.
    pub phone_code: Option<&'a str>,
    /// Whether an unknown person gets a new account.
    pub create_user: bool,
    /// The client.
    pub client: &'a Client,
}

impl Accounts {
    /// Logs a user in, and creates the user at their first login. A failure to bind the telephone number does not fail
    /// the login. A code makes one login: a repeat within the window, on any node, returns the session and the tokens
    /// of the first. With an empty code, logs in the caller identified by WeChat cloud hosting.
    ///
    /// # Errors
    /// `UNKNOWN_APP`, `BAD_USER_INPUT`, `RATE_LIMITED`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_SUSPENDED`, `OVERLOADED`; those
    /// of WeChat's `jscode2session`: `INVALID_CODE`, `CODE_USED`, `LOGIN_BLOCKED`, `PROVIDER_UNAVAILABLE`,
    /// `PROVIDER_MISCONFIGURED`.
    pub async fn login(self: &Arc<Self>, request: LoginRequest<'_>) -> Result<IssuedSession, ApiError> {
        if request.code.is_empty() {
            return Box::pin(self.login_hosted(request)).await;
        }
        let app = Arc::clone(self.wechat.app(request.app_id)?);
        log_context::set_app(app.id());
        self.limits.login(request.client.address).await?;
        let code = LoginCode::parse(request.code)?;
        let attempt = LoginAttempt {
            accounts: Arc::clone(self),
            hash: code.hash(app.id()),
            app,
            code: Some(code),
            device: request.device.checked()?,
            client: request.client.clone(),
            phone_code: request.phone_code.filter(|code| !code.is_empty()).map(PhoneCode::parse),
            create_user: request.create_user,
            outdated: None,
        };
        match self.attempt(attempt.clone()).await? {
            Flight::Fresh(issued) => Ok(issued),
            Flight::Replayed(login) => self.replay(attempt, login).await,
        }
    }

    /// Runs the login of a code once for all callers that send the code concurrently or within the window.
    async fn attempt(&self, attempt: LoginAttempt) -> Result<Flight<IssuedSession, StoredLogin>, ApiError> {
        // boxed, because it is moved several times before it runs
        self.exchanges.in_flight.run(attempt.hash.clone(), Box::pin(attempt.run())).await
    }

    /// Replays the earlier login of a code. If its session has ended or was refreshed, its tokens are no longer valid
    /// and are not issued again: the code is sent to WeChat once more, and WeChat decides.
    async fn replay(&self, attempt: LoginAttempt, login: StoredLogin) -> Result<IssuedSession, ApiError> {
        if let Some(issued) = self.reissue(&attempt, login).await? {
            return Ok(issued);
        }
        self.exchanges.in_flight.invalidate(&attempt.hash).await;
        let attempt = LoginAttempt { outdated: Some(login), ..attempt };
        match self.attempt(attempt.clone()).await? {
            Flight::Fresh(issued) => Ok(issued),
            Flight::Replayed(login) => Ok(self.reissue(&attempt, login).await?.ok_or(Code::CodeUsed)?),
        }
    }

    /// Issues the tokens of an earlier login again, reconstructed from the row of its session. `None` if they would be
    /// invalid.
    async fn reissue(&self, attempt: &LoginAttempt, login: StoredLogin) -> Result<Option<IssuedSession>, ApiError> {
        let Some((session, user)) = self.store.session_with_user(login.session).await? else { return Ok(None) };
        refuse_suspended(&user)?;
        if !session.is_live(self.clock.now()) || session.refresh_generation != 0 {
            return Ok(None);
        }
        let tokens = self.tokens(&session, attempt.app.id(), session.created_at)?;
        let is_new_user = login.new_user == Some(user.id);
        let issued = IssuedSession { tokens, user, session, is_new_user, phone_problem: None };
        // boxed to keep the future of the common case small
        Box::pin(attempt.with_replayed_phone(issued)).await.map(Some)
    }
}
