//! Decides which node sends a code to WeChat. A row under the hash of the code records first that the code is being
//! exchanged and then, for the repeat window, the outcome. No database lock is held during the call.

use std::time::Duration;

use entity::{CodeHash, code_exchange};

use super::code_outcome::{self, StoredLogin, StoredOutcome};
use crate::{
    account::{Accounts, poll_backoff::PollBackoff},
    config,
    error::{ApiError, Code},
    store::CodeClaim,
};

/// How much longer a claim lasts than the longest call: time for the database, and a tolerance for clock differences.
const CLAIM_MARGIN: Duration = Duration::from_secs(2);

/// The result of claiming a code.
pub(super) enum ClaimResult {
    /// This node holds the claim.
    Ours(CodeClaim),
    /// Another node has exchanged the code, with this outcome.
    Theirs(StoredOutcome),
}

impl Accounts {
    /// Claims a code, or waits for the outcome of another node's claim. `held` is an earlier claim of this node whose
    /// login could not be written.
    ///
    /// The claim also succeeds if the other node releases its claim or lets it expire, and if the stored outcome has
    /// expired or is the login `outdated`: WeChat then decides about the code.
    pub(super) async fn claim_code(
        &self,
        app_id: &str,
        code: &CodeHash,
        held: Option<&CodeClaim>,
        outdated: Option<StoredLogin>,
    ) -> Result<ClaimResult, ApiError> {
        let mut backoff = PollBackoff::new(self.exchanges.claim_lifetime);
        let mut known = None;
        loop {
            let now = self.clock.now();
            let claim = CodeClaim { code: code.clone(), until: now + self.exchanges.claim_lifetime };
            let won = match known {
                None => self.store.code_exchange_claim(&claim).await?,
                Some(row) if has_expired(&row, now) => {
                    Box::pin(self.store.code_exchange_take_over(&row, &claim)).await?
                }
                Some(row @ code_exchange::Model { outcome: Some(_), .. }) => {
                    let outcome = row.outcome.as_ref();
                    let stored = outcome.and_then(|outcome| code_outcome::open(&self.keys, app_id, code, outcome));
                    // without the key, this node only knows that the code was used
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
                    None => backoff.wait().await.map(|()| false)?,
                },
            };
            if won {
                return Ok(ClaimResult::Ours(claim));
            }
            known = Box::pin(self.store.code_exchange(code)).await?;
        }
    }
}

/// The lifetime of a claim: longer than any exchange takes, so that an expired claim belongs to a node that died. The
/// longest exchange waits in the queue and for the app's rate limit, then calls each host; a phone code may follow.
pub(in crate::account) fn claim_lifetime(settings: &config::Wechat) -> Duration {
    let hosts = u32::try_from(settings.hosts.len()).unwrap_or(u32::MAX);
    settings.timeout.saturating_mul(hosts.saturating_add(3)) + CLAIM_MARGIN
}

fn has_expired(row: &code_exchange::Model, now: entity::Timestamp) -> bool {
    row.expires_at <= now
}
