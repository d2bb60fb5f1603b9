//! The telephone number of a login request: it may determine the account of a first login, and is bound to the user.

use std::{error::Error, time::Duration};

use entity::{OpenId, UserId};
use tokio::time::sleep;

use super::{attempt::LoginAttempt, code_exchange::ExchangedCode};
use crate::{
    account::{IssuedSession, PhoneProblem, PhoneUpdate, phone::is_about_the_code},
    error::{ApiError, Code},
};

/// The interval and the number of polls of a repeated login for the number that the first login may be binding on
/// another node.
const PHONE_POLL_INTERVAL: Duration = Duration::from_millis(100);
const PHONE_POLLS: u32 = 20;

impl LoginAttempt {
    /// The existing account that a first login joins by its telephone number. If the client wants no new account and
    /// none exists, the login is refused here, before anything is written.
    pub(super) async fn account_to_join(&mut self, exchanged: &ExchangedCode) -> Result<Option<UserId>, ApiError> {
        let may_join = self.accounts.joins_by_phone && matches!(self.phone_code, Some(Ok(_)));
        if (self.create_user && !may_join) || self.is_known(exchanged).await? {
            return Ok(None);
        }
        let owner = if may_join { self.phone_owner(&exchanged.session.openid).await? } else { None };
        if owner.is_none() && !self.create_user { Err(Code::AccountNotFound.into()) } else { Ok(owner) }
    }

    async fn is_known(&self, exchanged: &ExchangedCode) -> Result<bool, ApiError> {
        let (store, answer) = (&self.accounts.store, &exchanged.session);
        if store.identity_by_openid(self.app.id(), &answer.openid).await?.is_some() {
            return Ok(true);
        }
        let Some(unionid) = &answer.unionid else { return Ok(false) };
        Ok(store.union_owner(self.app.open_platform(), unionid).await?.is_some())
    }

    /// The owner of the number. If WeChat does not return the number, the login continues without it; a login that
    /// wants no new account fails after a transient error, because the account may exist.
    async fn phone_owner(&mut self, openid: &OpenId) -> Result<Option<UserId>, ApiError> {
        let Some(Ok(code)) = &self.phone_code else { return Ok(None) };
        match self.accounts.exchange_phone_code(self.app.id(), openid, code).await {
            Ok(number) => self.accounts.phone_owner(&number).await,
            Err(error) if error.is_transient() && !self.create_user => Err(error),
            Err(error) => {
                // the code is not sent to WeChat again after the login
                self.phone_code = Some(Err(error));
                Ok(None)
            }
        }
    }

    /// Binds the number of a repeated login. WeChat accepts a phone code once, and the first login may have sent it on
    /// another node. Unless this node has the result, it polls until the user has a number, and otherwise reports the
    /// number as unavailable.
    pub(super) async fn with_replayed_phone(&self, issued: IssuedSession) -> Result<IssuedSession, ApiError> {
        let Some(Ok(code)) = &self.phone_code else { return Ok(self.with_phone(issued, &OpenId(String::new())).await) };
        let (store, owner) = (&self.accounts.store, issued.user.id);
        if let Some(identity) = store.identity_of(owner, issued.session.identity_id).await?
            && self.accounts.knows_phone_code(self.app.id(), &identity.openid, code)
        {
            return Ok(self.with_phone(issued, &identity.openid).await);
        }
        for _ in 0..PHONE_POLLS {
            match store.user(owner).await? {
                Some(user) if user.sealed_phone.is_some() => return Ok(IssuedSession { user, ..issued }),
                _ => sleep(PHONE_POLL_INTERVAL).await,
            }
        }
        Ok(IssuedSession { phone_problem: Some(PhoneProblem::Unavailable), ..issued })
    }

    /// Binds the number to the user, or reports the reason why not.
    pub(super) async fn with_phone(&self, issued: IssuedSession, openid: &OpenId) -> IssuedSession {
        let code = match &self.phone_code {
            None => return issued,
            Some(Err(error)) => {
                let is_invalid = is_about_the_code(error);
                let problem = if is_invalid { PhoneProblem::InvalidCode } else { PhoneProblem::Unavailable };
                return IssuedSession { phone_problem: Some(problem), ..issued };
            }
            Some(Ok(code)) => code,
        };
        match self.accounts.bind_phone_code(self.app.id(), openid, issued.user.id, code).await {
            Ok(PhoneUpdate::Done(user)) => IssuedSession { user: *user, ..issued },
            Ok(PhoneUpdate::Refused(problem)) => IssuedSession { phone_problem: Some(problem), ..issued },
            Err(error) => {
                let (code, cause) = (error.code.as_str(), error.source());
                tracing::warn!(appid = self.app.id(), code, cause, "the telephone number of a login is not available");
                IssuedSession { phone_problem: Some(PhoneProblem::Unavailable), ..issued }
            }
        }
    }
}
