//! Flags on content that is kept although it did not pass WeChat's content check.

use entity::{
    Timestamp, UserId,
    content_flag::{ActiveModel, Column, Entity, Field, Model, Suggestion},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Store, database::Connection};

/// Maximum number of flags of one user: one for each visible part of a profile, with a reserve for future ones.
const FLAGS_OF_ONE: u64 = 8;

/// A flag to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The result of the check.
    pub suggestion: Suggestion,
    /// WeChat's label: the number of the violated category, if WeChat returned one.
    pub label: Option<i32>,
}

impl Store {
    /// The flags of users with keys greater than `after`, in the order of their keys: `limit` of them, and the
    /// remaining ones of the last user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn content_flags(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Model>, DbErr> {
        let flags = Entity::find()
            .filter(Condition::all().add_option(after.map(|after| Column::UserId.gt(after))))
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::Field)
            .limit(limit + FLAGS_OF_ONE);
        let mut flags = self.db.all(flags).await?;
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(last) = count.checked_sub(1).and_then(|last| flags.get(last)).map(|flag| flag.user_id) {
            let rest = flags[count..].iter().take_while(|flag| flag.user_id == last).count();
            flags.truncate(count + rest);
        }
        Ok(flags)
    }
}

/// Sets the flag on one part of a profile, or clears it if `flag` is `None`. The caller holds the lock of the user's
/// row.
pub(super) async fn content_flag_write_in(
    tx: &Connection,
    user: UserId,
    field: Field,
    flag: Option<Flag>,
    now: Timestamp,
) -> Result<(), DbErr> {
    Entity::delete_by_id((user, field)).exec(tx).await?;
    let Some(Flag { suggestion, label }) = flag else { return Ok(()) };
    let row = ActiveModel {
        user_id: Set(user),
        field: Set(field),
        suggestion: Set(suggestion),
        label: Set(label),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}
