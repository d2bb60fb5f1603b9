//! The one place random bytes come from.

use aws_lc_rs::rand;
use entity::Timestamp;
use uuid::Uuid;

/// `N` bytes nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give: nothing safe can be done then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness there is no safe way on")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A key that sorts by time: a UUID of version 7 (RFC 9562).
#[must_use]
pub fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes()).into_uuid()
}
