//! The delays between polls of a claim that another node holds.

use std::time::Duration;

use crate::error::{ApiError, Code};

/// The delay before the first poll, and the maximum delay between later ones.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// How much longer than the lifetime of a claim it is polled: a tolerance for clock differences.
const MARGIN: Duration = Duration::from_secs(2);

/// An exponential backoff between polls of another node's claim.
pub(super) struct Pauses {
    next: Duration,
    left: Duration,
}

impl Pauses {
    pub(super) fn new(claim_lifetime: Duration) -> Self {
        Self { next: FIRST_PAUSE, left: claim_lifetime + MARGIN }
    }

    /// Waits twice as long each time. Fails when the lifetime of the claim has passed: if clocks differ, a claim may
    /// never seem to expire.
    pub(super) async fn next(&mut self) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(self.next).ok_or(Code::ProviderUnavailable)?;
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
