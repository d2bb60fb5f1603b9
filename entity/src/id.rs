//! Typed primary keys. Each is a UUID of version 7 (RFC 9562): ordered by time of creation, so that rows lie
//! side by side in the index in the order they were made, and a key is a position in a list as well.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use uuid::Uuid;

/// Key of a row in `users`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct UserId(pub Uuid);

/// Key of a row in `identities`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct IdentityId(pub Uuid);

/// Key of a row in `sessions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct SessionId(pub Uuid);

/// `SeaORM` asks every key whether it can be made from a row number. None of ours can.
macro_rules! no_row_number {
    ($($key:ty),+) => {$(
        impl TryFromU64 for $key {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($key)))
            }
        }
    )+};
}

no_row_number!(UserId, IdentityId, SessionId, crate::CodeHash, crate::EventHash, crate::TicketHash, crate::UnionId);
