//! Looks up users. The submodules change them.

mod deletion;
mod edit;
mod export;
mod metadata;
mod phone;
mod profile;
mod purge;
mod status;

pub(super) use deletion::deletion_schedule_in;
pub use edit::Edit;
pub use export::UserRows;
pub(super) use metadata::batcher;
pub use phone::{PhoneBinding, StoredPhone};
pub use profile::ProfileEdit;
pub(super) use profile::profile_clear_in;

use entity::{UserId, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::Store;

impl Store {
    /// A user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>, DbErr> {
        self.db.one(user::Entity::find_by_id(id)).await
    }

    /// The users of `ids` that exist, in any order, by one query.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<user::Model>, DbErr> {
        self.db.all(user::Entity::find().filter(user::Column::Id.is_in(ids.iter().copied()))).await
    }
}
