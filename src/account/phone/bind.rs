//! Binds a telephone number to a user by a code from WeChat, and unbinds it.

use std::sync::Arc;

use entity::{OpenId, UserId, user};

use super::is_about_the_code;
use crate::{
    account::{Accounts, PhoneProblem, SignedIn},
    error::ApiError,
    store::{Change, PhoneBinding},
    wechat::{PhoneCode, PhoneNumber},
};

/// The result of binding a number.
#[derive(Debug)]
pub enum PhoneUpdate {
    /// The user, who owns the number.
    Done(Box<user::Model>),
    /// Nothing was written.
    Refused(PhoneProblem),
}

impl Accounts {
    /// Binds the telephone number of a code from the `getPhoneNumber` button to the caller, replacing a previous
    /// number.
    ///
    /// # Errors
    /// `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`, `PROVIDER_MISCONFIGURED`, `OVERLOADED`; `UNAUTHENTICATED` if the account
    /// no longer exists.
    pub async fn bind_phone(self: &Arc<Self>, caller: &SignedIn, code: &str) -> Result<PhoneUpdate, ApiError> {
        self.limits.user(caller.user.id).await?;
        let Ok(code) = PhoneCode::parse(code) else { return Ok(PhoneUpdate::Refused(PhoneProblem::InvalidCode)) };
        let identity = self.identity_of_session(caller.user.id, caller.session).await?;
        self.bind_phone_code(&identity.app_id, &identity.openid, caller.user.id, &code).await
    }

    /// Binds the number of a code to the user of an openid.
    pub(in crate::account) async fn bind_phone_code(
        self: &Arc<Self>,
        app_id: &str,
        openid: &OpenId,
        user: UserId,
        code: &PhoneCode,
    ) -> Result<PhoneUpdate, ApiError> {
        match self.exchange_phone_code(app_id, openid, code).await {
            Ok(number) => self.write_phone(user, &number).await,
            Err(error) if is_about_the_code(&error) => Ok(PhoneUpdate::Refused(PhoneProblem::InvalidCode)),
            Err(error) => Err(error),
        }
    }

    async fn write_phone(&self, user: UserId, number: &PhoneNumber) -> Result<PhoneUpdate, ApiError> {
        let phone = self.stored_phone(user, number)?;
        match self.store.phone_bind(user, &phone, self.clock.now()).await? {
            PhoneBinding::Bound(row, changed) => {
                if changed {
                    self.invalidate(user, Change::UserChanged);
                }
                Ok(PhoneUpdate::Done(row))
            }
            PhoneBinding::Taken => Ok(PhoneUpdate::Refused(PhoneProblem::Taken)),
            PhoneBinding::NoUser => Err(ApiError::unauthenticated("REVOKED")),
        }
    }

    /// Unbinds the caller's telephone number. Does nothing if they have none.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn unbind_phone(&self, caller: &SignedIn) -> Result<user::Model, ApiError> {
        let id = caller.user.id;
        self.limits.user(id).await?;
        let unbound = self.store.phone_unbind(id, self.clock.now()).await?;
        let (user, changed) = unbound.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        if changed {
            self.invalidate(id, Change::UserChanged);
        }
        Ok(user)
    }
}
