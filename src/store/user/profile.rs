//! Updates profiles.

use entity::{Metadata, PhoneIndex, Sealed, Timestamp, UserId, content_flag::Field, user};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{edit::Edit, metadata::metadata_write_in};
use crate::store::{
    Store,
    content_flag::{Flag, content_flag_write_in},
    database::Connection,
    feed::{Change, feed_append_in},
    media::media_files_delete_in,
    user_lock::user_lock_in,
};

/// A change of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileEdit {
    /// The nickname.
    pub nickname: Edit<String>,
    /// The language.
    pub locale: Edit<String>,
    /// The avatar: a URL, or the path of an uploaded picture.
    pub avatar_url: Edit<String>,
    /// The client's metadata.
    pub metadata: Edit<Metadata>,
    /// The flag on the nickname.
    pub nickname_flag: Edit<Flag>,
}

impl ProfileEdit {
    /// Whether the edit changes nothing.
    fn is_empty(&self) -> bool {
        self.metadata == Edit::Keep && self.nickname_flag == Edit::Keep && self.columns().next().is_none()
    }

    /// The columns to write, with their new values.
    fn columns(&self) -> impl Iterator<Item = (user::Column, Option<&String>)> {
        let columns = [user::Column::Nickname, user::Column::Locale, user::Column::AvatarUrl];
        let edits = [&self.nickname, &self.locale, &self.avatar_url];
        columns.into_iter().zip(edits).filter_map(|(column, edit)| match edit {
            Edit::Keep => None,
            Edit::Clear => Some((column, None)),
            Edit::Set(value) => Some((column, Some(value))),
        })
    }
}

impl Store {
    /// Updates a user's profile. Returns the updated user, and whether anything changed; an edit without effect writes
    /// nothing. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn profile_update(
        &self,
        id: UserId,
        edit: &ProfileEdit,
        now: Timestamp,
    ) -> Result<Option<(user::Model, bool)>, DbErr> {
        if edit.is_empty() {
            return Ok(self.user(id).await?.map(|user| (user, false)));
        }
        let edit = edit.clone();
        self.db.transaction(move |tx| profile_update_in(tx, id, edit.clone(), now)).await
    }
}

async fn profile_update_in(
    tx: Connection,
    id: UserId,
    edit: ProfileEdit,
    now: Timestamp,
) -> Result<Option<(user::Model, bool)>, DbErr> {
    if edit.nickname_flag != Edit::Keep {
        user_lock_in(&tx, id).await?;
    }
    let metadata_changed = metadata_write_in(&tx, id, &edit.metadata, now).await?;
    let changed = profile_write_in(&tx, id, &edit, metadata_changed, now).await?;
    let user = user::Entity::find_by_id(id).one(&tx).await?;
    let flag = match edit.nickname_flag {
        Edit::Keep => None,
        Edit::Clear => Some(None),
        Edit::Set(flag) => Some(Some(flag)),
    };
    if let Some(flag) = flag.filter(|_| user.is_some()) {
        content_flag_write_in(&tx, id, Field::Nickname, flag, now).await?;
    }
    if changed {
        feed_append_in(&tx, id, &[Change::UserChanged], now).await?;
    }
    Ok(user.map(|user| (user, changed)))
}

/// Clears parts of a profile and their flags, and returns whether anything was set. The caller holds the lock of the
/// user's row. The last step of a transaction.
pub(in crate::store) async fn profile_clear_in(
    tx: &Connection,
    id: UserId,
    cleared: &ProfileEdit,
    clears_phone: bool,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let phone = clears_phone && phone_clear_in(tx, id).await?;
    let is_empty = cleared.columns().next().is_none() && !phone;
    let changed = !is_empty && profile_write_in(tx, id, cleared, phone, now).await?;
    if cleared.nickname == Edit::Clear {
        content_flag_write_in(tx, id, Field::Nickname, None, now).await?;
    }
    if changed {
        feed_append_in(tx, id, &[Change::UserChanged], now).await?;
    }
    Ok(changed)
}

/// Clears the telephone number, and returns whether there was one.
async fn phone_clear_in(tx: &Connection, id: UserId) -> Result<bool, DbErr> {
    let update = user::Entity::update_many()
        .col_expr(user::Column::SealedPhone, Expr::value(None::<Sealed>))
        .col_expr(user::Column::PhoneIndex, Expr::value(None::<PhoneIndex>))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::SealedPhone.is_not_null());
    Ok(update.exec(tx).await?.rows_affected > 0)
}

/// Writes the columns if a value differs, or if `differs_already` is set, and returns whether it wrote.
async fn profile_write_in(
    tx: &Connection,
    id: UserId,
    edit: &ProfileEdit,
    differs_already: bool,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let last = Expr::col(user::Column::UpdatedAt);
    // greater than before if no other column of the row changes: subscribers compare rows
    let later = Expr::case(last.clone().lt(now), now).finally(last.add(1)).into();
    let changed_at = if differs_already { later } else { Expr::value(now) };
    let mut update = user::Entity::update_many().col_expr(user::Column::UpdatedAt, changed_at);
    let mut differs = Condition::any().add(Expr::value(differs_already));
    for (column, value) in edit.columns() {
        update = update.col_expr(column, Expr::value(value.cloned()));
        differs = match value {
            // NULL differs from any value, but a comparison with it is not true
            Some(value) => differs.add(column.is_null()).add(column.ne(value)),
            None => differs.add(column.is_not_null()),
        };
    }
    let update = update.filter(user::Column::Id.eq(id)).filter(differs);
    let changed = update.exec(tx).await?.rows_affected > 0;
    if changed && edit.avatar_url != Edit::Keep {
        // the uploaded picture is no longer in use, and its flag is obsolete
        media_files_delete_in(tx, id, None, now).await?;
        content_flag_write_in(tx, id, Field::Avatar, None, now).await?;
    }
    Ok(changed)
}
