//! Telephone numbers: WeChat verifies the number of a user, and a number belongs to at most one account. The database
//! stores the encrypted number and a keyed index to find it.

mod bind;
mod reseal;

pub use bind::PhoneUpdate;

use std::{sync::Arc, time::Duration};

use entity::{CodeHash, OpenId, Sealed, UserId, user};
use secrecy::ExposeSecret;

use super::{
    Accounts,
    single_flight::{Flight, SingleFlight},
};
use crate::{
    error::{ApiError, Code},
    store::StoredPhone,
    wechat::{PhoneCode, PhoneNumber, phone_number},
};

/// The phone codes exchanged by this node: the exchanges in progress, and the results of the last window.
pub(super) type PhoneExchanges = SingleFlight<(CodeHash, OpenId), PhoneNumber>;

impl Accounts {
    /// The telephone number of a user, with its country (E.164).
    ///
    /// # Errors
    /// `INTERNAL_SERVER_ERROR` if no value of `SECRET_KEY` decrypts it.
    pub fn phone_number_of(&self, user: &user::Model) -> Result<Option<String>, ApiError> {
        let Some(sealed) = &user.sealed_phone else { return Ok(None) };
        let opened = self.keys.open(&phone_context(&name(user.id)), sealed);
        let number = opened.and_then(|plain| String::from_utf8(plain.expose_secret().to_vec()).ok());
        number.map(Some).ok_or_else(|| ApiError::internal(PhoneUnopened))
    }

    /// The number of a user, re-encrypted for `owner`. A number that no key decrypts is returned unchanged.
    pub(super) fn phone_sealed_for(&self, user: &user::Model, owner: UserId) -> Result<Option<Sealed>, ApiError> {
        let Some(sealed) = &user.sealed_phone else { return Ok(None) };
        let Some(plain) = self.keys.open(&phone_context(&name(user.id)), sealed) else {
            return Ok(Some(sealed.clone()));
        };
        let sealed = self.keys.seal(&phone_context(&name(owner)), plain.expose_secret());
        sealed.map(Some).map_err(ApiError::internal)
    }

    /// The encrypted number and its indexes, as stored for a user.
    pub(super) fn stored_phone(&self, owner: UserId, number: &PhoneNumber) -> Result<StoredPhone, ApiError> {
        let sealed = self.keys.seal(&phone_context(&name(owner)), number.expose().as_bytes());
        let indexes = self.keys.phone_indexes(number.expose());
        Ok(StoredPhone { sealed: sealed.map_err(ApiError::internal)?, indexes })
    }

    /// Exchanges a phone code for its number. A code is sent to WeChat once, however often a client repeats it within
    /// the window.
    pub(super) async fn exchange_phone_code(
        self: &Arc<Self>,
        app_id: &str,
        openid: &OpenId,
        code: &PhoneCode,
    ) -> Result<PhoneNumber, ApiError> {
        let key = (code.hash(app_id), openid.clone());
        let (accounts, app_id, request) = (Arc::clone(self), app_id.to_owned(), phone_number(code, openid));
        let exchange = async move { accounts.call_wechat(&app_id, &request).await.map(Flight::Fresh) };
        match self.phone_exchanges.run(key, Box::pin(exchange)).await? {
            Flight::Fresh(number) | Flight::Replayed(number) => Ok(number),
        }
    }

    /// Whether this node has the result of a code, so that the code is not sent again.
    pub(super) fn knows_phone_code(&self, app_id: &str, openid: &OpenId, code: &PhoneCode) -> bool {
        self.phone_exchanges.has_outcome(&(code.hash(app_id), openid.clone()))
    }

    /// The user who owns a number.
    pub(super) async fn phone_owner(&self, number: &PhoneNumber) -> Result<Option<UserId>, ApiError> {
        let owner = self.store.phone_owner(&self.keys.phone_indexes(number.expose())).await?;
        Ok(owner.map(|owner| owner.id))
    }
}

/// The phone codes of a node that keeps results for `window`.
pub(super) fn phone_exchanges(window: Duration) -> PhoneExchanges {
    SingleFlight::new(window)
}

/// Whether WeChat refused the code itself: a retry with the same code cannot succeed.
pub(super) fn is_about_the_code(error: &ApiError) -> bool {
    matches!(error.code, Code::InvalidCode | Code::CodeUsed)
}

/// The associated data (AAD) of an encrypted number: it decrypts for its own user only.
fn phone_context(owner: &str) -> [&str; 2] {
    ["phone_number", owner]
}

fn name(owner: UserId) -> String {
    owner.0.to_string()
}

#[derive(Debug, thiserror::Error)]
#[error("no value of SECRET_KEY decrypts the telephone number")]
struct PhoneUnopened;
