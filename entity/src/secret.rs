//! Column types whose content must not reach a log: `Debug` shows the type alone.

use std::fmt;

use sea_orm::DeriveValueType;

/// A user's name within one mini program, as WeChat gives it. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct OpenId(pub String);

/// A user's name within one open-platform account, as WeChat gives it. Compared byte for byte.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct UnionId(pub String);

/// Names a login code without holding it: SHA-256 of appid and code.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct CodeHash(pub Vec<u8>);

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

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}
