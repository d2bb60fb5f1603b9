//! Writes what a user changes of their profile.

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
    /// The name.
    pub nickname: Edit<String>,
    /// The language.
    pub locale: Edit<String>,
    /// Address of the picture.
    pub avatar_url: Edit<String>,
    /// What the user's client keeps with the account.
    pub metadata: Edit<Metadata>,
    /// The flag on the name.
    pub nickname_flag: Edit<Flag>,
}

impl ProfileEdit {
    /// Whether it changes nothing.
    fn is_empty(&self) -> bool {
        self.metadata == Edit::Keep && self.nickname_flag == Edit::Keep && self.columns().next().is_none()
    }

    /// The columns to write, each with what is to stand there.
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
    /// Changes a user's profile. Gives the user as they are then, and whether anything is different now: where nothing
    /// is, nothing is written. `None` where there is no such user.
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

/// Clears parts of a profile and their flags, and returns whether anything was set. The user's row must be locked. The last
/// step of a transaction.
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

/// Clears the telephone number, and tells whether there was one.
async fn phone_clear_in(tx: &Connection, id: UserId) -> Result<bool, DbErr> {
    let update = user::Entity::update_many()
        .col_expr(user::Column::SealedPhone, Expr::value(None::<Sealed>))
        .col_expr(user::Column::PhoneIndex, Expr::value(None::<PhoneIndex>))
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::SealedPhone.is_not_null());
    Ok(update.exec(tx).await?.rows_affected > 0)
}

/// Writes where something differs, or `differs_already`, and tells whether it did.
async fn profile_write_in(
    tx: &Connection,
    id: UserId,
    edit: &ProfileEdit,
    differs_already: bool,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let last = Expr::col(user::Column::UpdatedAt);
    // later than before where no other column tells that the row changed: subscribers compare rows
    let later = Expr::case(last.clone().lt(now), now).finally(last.add(1)).into();
    let changed_at = if differs_already { later } else { Expr::value(now) };
    let mut update = user::Entity::update_many().col_expr(user::Column::UpdatedAt, changed_at);
    let mut differs = Condition::any().add(Expr::value(differs_already));
    for (column, value) in edit.columns() {
        update = update.col_expr(column, Expr::value(value.cloned()));
        differs = match value {
            // what is not there differs too, but no comparison says so
            Some(value) => differs.add(column.is_null()).add(column.ne(value)),
            None => differs.add(column.is_not_null()),
        };
    }
    let update = update.filter(user::Column::Id.eq(id)).filter(differs);
    let changed = update.exec(tx).await?.rows_affected > 0;
    if changed && edit.avatar_url != Edit::Keep {
        // an uploaded picture, which is no longer in use, and the flag on it
        media_files_delete_in(tx, id, None, now).await?;
        content_flag_write_in(tx, id, Field::Avatar, None, now).await?;
    }
    Ok(changed)
}
