//! Tokens and sealed columns: everything that `SECRET_KEY` protects. One ring holds what is derived from each of its
//! values; the newest signs and seals, all of them open.

pub mod access;
pub mod digest;
pub mod keys;
pub mod phone_index;
pub mod refresh;
pub mod seal;

pub use access::Claims;
pub use digest::TokenDigest;
pub use keys::KeyRing;
pub use refresh::RefreshToken;
