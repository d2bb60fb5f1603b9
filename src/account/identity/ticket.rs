//! Merge tickets: 32 random bytes in base64url, of which only the hash is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::TicketHash;
use secrecy::SecretString;

use crate::{random, token::TokenDigest};

/// A new ticket, and its hash.
pub(super) fn new() -> (SecretString, TicketHash) {
    let ticket = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let hash = hash(&ticket);
    (ticket.into(), hash)
}

/// The hash of a text, whether or not it is a ticket.
pub(super) fn hash(text: &str) -> TicketHash {
    TicketHash(TokenDigest::of(text).as_bytes().to_vec())
}
