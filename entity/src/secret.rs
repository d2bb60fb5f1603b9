//! Column types whose content must not reach a log: `Debug` prints the name of the type only.

use std::fmt;

use sea_orm::DeriveValueType;

/// A user's openid: WeChat's identifier of a person within one mini program. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct OpenId(pub String);

/// A user's unionid: WeChat's identifier of a person within one open-platform account. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct UnionId(pub String);

/// Identifies a login code without revealing it: SHA-256 of appid and code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct CodeHash(pub Vec<u8>);

/// Identifies a merge ticket without revealing it: SHA-256 of the ticket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct TicketHash(pub Vec<u8>);

/// Identifies an event that WeChat pushed: SHA-256 of the appid and of the members that identify the event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct EventHash(pub Vec<u8>);

/// Metadata that the client stores with the account, as compact JSON.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Metadata(pub String);

/// Identifies a telephone number without revealing it: a keyed HMAC.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct PhoneIndex(pub Vec<u8>);

/// A value encrypted at rest. `token::seal` of the server describes the format.
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
