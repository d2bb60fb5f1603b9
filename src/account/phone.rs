//! Telephone numbers: WeChat says which one is a user's, and one belongs to one account. Stored is a sealed number, and an
//! index that finds it.

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

/// The phone codes of this node: those that WeChat is asked about, and the answers of the last window.
pub(super) type PhoneExchanges = SingleFlight<(CodeHash, OpenId), PhoneNumber>;

impl Accounts {
    /// The telephone number of a user, with its country (E.164).
    ///
    /// # Errors
    /// `INTERNAL_SERVER_ERROR` where no value of `SECRET_KEY` opens it.
    pub fn phone_number_of(&self, user: &user::Model) -> Result<Option<String>, ApiError> {
        let Some(sealed) = &user.sealed_phone else { return Ok(None) };
        let opened = self.keys.open(&phone_context(&name(user.id)), sealed);
        let number = opened.and_then(|plain| String::from_utf8(plain.expose_secret().to_vec()).ok());
        number.map(Some).ok_or_else(|| ApiError::internal(PhoneUnopened))
    }

    /// The number of a user, sealed for another one. What no key opens stays as it is: nobody reads it.
    pub(super) fn phone_sealed_for(&self, user: &user::Model, owner: UserId) -> Result<Option<Sealed>, ApiError> {
        let Some(sealed) = &user.sealed_phone else { return Ok(None) };
        let Some(plain) = self.keys.open(&phone_context(&name(user.id)), sealed) else {
            return Ok(Some(sealed.clone()));
        };
        let sealed = self.keys.seal(&phone_context(&name(owner)), plain.expose_secret());
        sealed.map(Some).map_err(ApiError::internal)
    }

    /// A number as it is stored for a user.
    pub(super) fn stored_phone(&self, owner: UserId, number: &PhoneNumber) -> Result<StoredPhone, ApiError> {
        let sealed = self.keys.seal(&phone_context(&name(owner)), number.expose().as_bytes());
        let indexes = self.keys.phone_indexes(number.expose());
        Ok(StoredPhone { sealed: sealed.map_err(ApiError::internal)?, indexes })
    }

    /// The number behind a code. A code is sent to WeChat once, however often a client sends it within the window.
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

    /// Whether this node has the answer to a code, so that it is not sent again.
    pub(super) fn knows_phone_code(&self, app_id: &str, openid: &OpenId, code: &PhoneCode) -> bool {
        self.phone_exchanges.has_outcome(&(code.hash(app_id), openid.clone()))
    }

    /// The account that has a number.
    pub(super) async fn phone_owner(&self, number: &PhoneNumber) -> Result<Option<UserId>, ApiError> {
        let owner = self.store.phone_owner(&self.keys.phone_indexes(number.expose())).await?;
        Ok(owner.map(|owner| owner.id))
    }
}

/// The phone codes of a node that keeps answers for `window`.
pub(super) fn phone_exchanges(window: Duration) -> PhoneExchanges {
    SingleFlight::new(window)
}

/// Whether WeChat refuses the code, rather than the server or the moment.
pub(super) fn is_about_the_code(error: &ApiError) -> bool {
    matches!(error.code, Code::InvalidCode | Code::CodeUsed)
}

/// The associated data a number is sealed with: it opens for no other user.
fn phone_context(owner: &str) -> [&str; 2] {
    ["phone_number", owner]
}

fn name(owner: UserId) -> String {
    owner.0.to_string()
}

#[derive(Debug, thiserror::Error)]
#[error("a telephone number opens with no value of SECRET_KEY")]
struct PhoneUnopened;
