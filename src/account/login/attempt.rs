//! One attempt at a login: the exchange of the code at WeChat and the write to the database. Within this process
//! `SingleFlight` runs it once for each code; between nodes the claim of the code does.

use std::sync::Arc;

use entity::CodeHash;

use super::code_outcome::StoredLogin;
use crate::{
    account::{Accounts, Client, Device, IssuedSession, single_flight::Flight},
    error::ApiError,
    wechat::{App, LoginCode, PhoneCode},
};

/// A login in progress, with the data that its task needs.
#[derive(Clone)]
pub(super) struct LoginAttempt {
    pub(super) accounts: Arc<Accounts>,
    pub(super) app: Arc<App>,
    /// `None` if WeChat cloud hosting identified the caller.
    pub(super) code: Option<LoginCode>,
    pub(super) hash: CodeHash,
    pub(super) device: Device,
    pub(super) client: Client,
    /// The phone code of the request, or why it is invalid.
    pub(super) phone_code: Option<Result<PhoneCode, ApiError>>,
    pub(super) create_user: bool,
    /// An earlier login of this code whose session has ended: it is not replayed any more.
    pub(super) outdated: Option<StoredLogin>,
}

impl LoginAttempt {
    /// Runs the login, or returns the login that another node made with the code.
    pub(super) async fn run(mut self) -> Result<Flight<IssuedSession, StoredLogin>, ApiError> {
        let unwritten = self.accounts.exchanges.unwritten.get(&self.hash).await;
        let was_unwritten = unwritten.is_some();
        let exchanged = match self.exchange(unwritten).await? {
            Flight::Fresh(exchanged) => exchanged,
            Flight::Replayed(login) => return Ok(Flight::Replayed(login)),
        };
        // before the clock is read, because it may take seconds
        let joins = Box::pin(self.account_to_join(&exchanged)).await;
        // read once, so that all rows of a login carry the same time; after the exchange, which may take seconds
        let now = self.accounts.clock.now();
        let written = match joins {
            Ok(joins) => self.write(&exchanged, joins, now).await,
            Err(error) => Err(error),
        };
        let openid = exchanged.session.openid.clone();
        let unwritten = &self.accounts.exchanges.unwritten;
        match &written {
            Ok(_) if was_unwritten => unwritten.invalidate(&self.hash).await,
            Ok(_) => {}
            // WeChat accepts a code only once: a repeat of the request continues from here
            Err(error) if error.is_transient() => unwritten.insert(self.hash.clone(), exchanged).await,
            Err(error) => self.resolve_claim(exchanged.claim, error.clone(), now).await,
        }
        let issued = written?;
        // boxed to keep the future of the common case small
        Ok(Flight::Fresh(Box::pin(self.with_phone(issued, &openid)).await))
    }
}
