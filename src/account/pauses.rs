//! The pauses between looks at what another node has claimed.

use std::time::Duration;

use crate::error::{ApiError, Code};

/// How long to wait before the first look, and between later ones at the most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// How much longer than a claim lasts it is waited for: clocks differ a little.
const MARGIN: Duration = Duration::from_secs(2);

/// Waits between looks at another node's claim.
pub(super) struct Pauses {
    next: Duration,
    left: Duration,
}

impl Pauses {
    pub(super) fn new(claim_lifetime: Duration) -> Self {
        Self { next: FIRST_PAUSE, left: claim_lifetime + MARGIN }
    }

    /// Waits a little longer each time, and not for ever: where clocks differ, a claim may seem never to end.
    pub(super) async fn next(&mut self) -> Result<(), ApiError> {
        self.left = self.left.checked_sub(self.next).ok_or(Code::ProviderUnavailable)?;
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
