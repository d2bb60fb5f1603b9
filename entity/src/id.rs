//! Typed primary keys. Each is a UUID of version 7 (RFC 9562), which sorts by creation time. Therefore new rows are
//! adjacent in the index, and a key serves as the cursor of a list.

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

/// `SeaORM` requires every key to implement the conversion from an auto-increment number. None of ours can be
/// converted.
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
