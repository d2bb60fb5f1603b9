//! Pictures of users: `picture` decodes and scales uploads, `decode_pool` limits how many at once, `key` names the
//! result, and `storage` stores it. This component does not depend on accounts or the database.

mod decode_pool;
mod key;
mod picture;
mod storage;

pub use decode_pool::{DecodeError, DecodePool};
pub use key::{MediaKey, PATH};
pub use picture::{Avatar, Format, PictureError, avatar};
pub use storage::{IMMUTABLE, Storage, StorageError, StoredPicture};

/// The longest uploaded picture, in bytes: 5 MiB.
pub const MAX_UPLOAD: usize = 5 * 1024 * 1024;
