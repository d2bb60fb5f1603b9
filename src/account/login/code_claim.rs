//! Decides which node sends a code to WeChat: a row under the code's hash says that it is being exchanged and then, for a
//! short window, what the outcome was. No lock is held during the call.

use std::time::Duration;

use entity::{CodeHash, code_exchange};

use super::code_outcome::{self, StoredLogin, StoredOutcome};
use crate::{
    account::{Accounts, pauses::Pauses},
    config,
    error::{ApiError, Code},
    store::Claim,
};

/// How much longer than the longest call a claim lasts: time for the database, and for clocks that differ a little.
const MARGIN: Duration = Duration::from_secs(2);

/// Which node exchanges a code.
pub(super) enum ClaimResult {
    /// This one.
    Ours(Claim),
    /// Another one, with this outcome.
    Theirs(StoredOutcome),
}

impl Accounts {
    /// Claims a code, or waits for the outcome of another node's claim. `held` is an earlier claim of this node whose
    /// login could not be written.
    ///
    /// The code is ours as well where the other node releases it or is gone, and where its outcome has expired or is the
    /// login `outdated`: WeChat then decides what the code is worth.
    pub(super) async fn claim_code(
        &self,
        app_id: &str,
        code: &CodeHash,
        held: Option<&Claim>,
        outdated: Option<StoredLogin>,
    ) -> Result<ClaimResult, ApiError> {
        let mut pauses = Pauses::new(self.exchanges.claim_lifetime);
        let mut known = None;
        loop {
            let now = self.clock.now();
            let claim = Claim { code: code.clone(), until: now + self.exchanges.claim_lifetime };
            let won = match known {
                None => self.store.code_exchange_claim(&claim).await?,
                Some(row) if is_over(&row, now) => Box::pin(self.store.code_exchange_take_over(&row, &claim)).await?,
                Some(row @ code_exchange::Model { outcome: Some(_), .. }) => {
                    let outcome = row.outcome.as_ref();
                    let stored = outcome.and_then(|outcome| code_outcome::open(&self.keys, app_id, code, outcome));
                    // a node that lacks the key knows at least that the code is used
                    let stored = stored.unwrap_or_else(|| Err(Code::CodeUsed.into()));
                    let is_outdated =
                        |login: &StoredLogin| outdated.is_some_and(|outdated| outdated.session == login.session);
                    if !stored.as_ref().is_ok_and(is_outdated) {
                        return Ok(ClaimResult::Theirs(stored));
                    }
                    Box::pin(self.store.code_exchange_take_over(&row, &claim)).await?
                }
                Some(row) => match held.filter(|held| held.until == row.expires_at) {
                    Some(held) => return Ok(ClaimResult::Ours(held.clone())),
                    None => pauses.next().await.map(|()| false)?,
                },
            };
            if won {
                return Ok(ClaimResult::Ours(claim));
            }
            known = Box::pin(self.store.code_exchange(code)).await?;
        }
    }
}

/// How long a claim lasts: longer than its node may take, so that a claim which expires belongs to a node that is gone.
/// The longest exchange waits in the queue and for the app's turn, and then calls each host; a phone code may follow.
pub(in crate::account) fn claim_lifetime(settings: &config::Wechat) -> Duration {
    let hosts = u32::try_from(settings.hosts.len()).unwrap_or(u32::MAX);
    settings.timeout.saturating_mul(hosts.saturating_add(3)) + MARGIN
}

fn is_over(row: &code_exchange::Model, now: entity::Timestamp) -> bool {
    row.expires_at <= now
}
