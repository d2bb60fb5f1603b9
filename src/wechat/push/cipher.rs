//! The encryption of pushed messages: AES-256-CBC, with the first half of the key as the initialization vector, and
//! padding to 32 bytes (PKCS#7). The plaintext has 16 random bytes, the length in four bytes, the message and the
//! appid.

use aws_lc_rs::{
    cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey},
    constant_time,
    iv::FixedLength,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The padded length is a multiple of this, in bytes.
const BLOCK: usize = 32;

/// Random bytes before the message.
const RANDOM_BYTES: usize = 16;

/// Decrypts a message; `None` if it cannot be decrypted, or is for another mini program.
pub(super) fn open(key: &[u8], app_id: &str, encrypted: &str) -> Option<Vec<u8>> {
    let mut text = STANDARD.decode(encrypted).ok()?;
    let iv: [u8; 16] = key.get(..16)?.try_into().ok()?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let plain = key.decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(&iv))).ok()?;
    let rest = unpadded(plain)?.get(RANDOM_BYTES..)?;
    let (length, rest) = rest.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let (message, app) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    constant_time::verify_slices_are_equal(app, app_id.as_bytes()).ok()?;
    Some(message.to_vec())
}

fn unpadded(plain: &[u8]) -> Option<&[u8]> {
    let padding = *plain.last()?;
    let count = usize::from(padding);
    let (content, padded) = plain.split_at_checked(plain.len().checked_sub(count)?)?;
    let is_padding = (1..=BLOCK).contains(&count) && padded.iter().all(|byte| *byte == padding);
    is_padding.then_some(content)
}
