//! Column types whose content must not reach a log: `Debug` shows only the type.

use std::fmt;

use sea_orm::DeriveValueType;

/// A user's name within one mini program, as WeChat gives it. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct OpenId(pub String);

/// A user's name within one open-platform account, as WeChat gives it. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct UnionId(pub String);

/// Identifies a login code without revealing it: SHA-256 of appid and code.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct CodeHash(pub Vec<u8>);

/// Identifies a merge ticket without revealing it: SHA-256 of the ticket.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct TicketHash(pub Vec<u8>);

/// Identifies an event that WeChat pushed: SHA-256 of the mini program and what names the event.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct EventHash(pub Vec<u8>);

/// What a user's client keeps with the account: compact JSON.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Metadata(pub String);

/// Identifies a telephone number without revealing it: an HMAC of it.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct PhoneIndex(pub Vec<u8>);

/// Bytes encrypted at rest.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenId(..)")
    }
}

impl fmt::Debug for UnionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnionId(..)")
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(..)")
    }
}

impl fmt::Debug for TicketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketHash(..)")
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventHash(..)")
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metadata(..)")
    }
}

impl fmt::Debug for PhoneIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneIndex(..)")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}
