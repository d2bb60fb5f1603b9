//! Tokens and encrypted columns: everything that depends on `SECRET_KEY`. A [`KeyRing`] contains the keys derived from
//! each of its values; the newest keys sign and encrypt, all keys verify and decrypt.

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
