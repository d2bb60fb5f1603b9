//! The delays between polls of a claim that another node holds.

use std::time::Duration;

use crate::error::{ApiError, Code};

/// The delay before the first poll, and the maximum delay between later ones.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_millis(400);

/// How much longer than the lifetime of a claim it is polled: a tolerance for clock differences.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// An exponential backoff between polls of another node's claim.
pub(super) struct PollBackoff {
    next: Duration,
    left: Duration,
}

impl PollBackoff {
    pub(super) fn new(claim_lifetime: Duration) -> Self {
        Self { next: FIRST_DELAY, left: claim_lifetime + CLOCK_TOLERANCE }
    }

    /// Waits twice as long each time, at most `MAX_DELAY`. Fails `CLOCK_TOLERANCE` after the lifetime of the claim: if
    /// clocks differ, a claim may never seem to expire.
    pub(super) async fn wait(&mut self) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(self.next).ok_or(Code::ProviderUnavailable)?;
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(MAX_DELAY);
        Ok(())
    }
}
