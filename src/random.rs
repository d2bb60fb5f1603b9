//! The only source of random bytes.

use std::{
    ops::Deref,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Timestamp;
use uuid::Uuid;

/// `N` bytes from the cryptographically secure random number generator.
///
/// # Panics
/// When the operating system provides no randomness: no safe fallback exists.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness there is no safe way on")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Length of a [`UniqueId`], in characters.
const ID_LEN: usize = 16;

/// An identifier that is unique but not secret: other processes and later calls do not repeat it, but it can be
/// guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniqueId([u8; ID_LEN]);

impl Deref for UniqueId {
    type Target = str;

    fn deref(&self) -> &str {
        // base64 is ASCII
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A new identifier: eight random bytes of the process and a counter. Random bytes for every request would be
/// expensive.
#[must_use]
pub fn unique_id() -> UniqueId {
    static PROCESS: LazyLock<[u8; 8]> = LazyLock::new(bytes);
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut raw = [0; ID_LEN / 4 * 3];
    raw[..8].copy_from_slice(&*PROCESS);
    raw[8..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let mut text = [0; ID_LEN];
    // three bytes become four characters, so the buffer has the right size
    let _ = URL_SAFE_NO_PAD.encode_slice(raw, &mut text);
    UniqueId(text)
}

/// A key that sorts by creation time: a UUID of version 7 (RFC 9562).
#[must_use]
pub fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes()).into_uuid()
}
