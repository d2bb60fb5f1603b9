//! Writes what a user changes of their profile.

use entity::{Timestamp, UserId, user};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    Store,
    feed::{Change, feed_append_in},
};

/// What is to become of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    Keep,
    /// There is to be none.
    Clear,
    /// It is to be this.
    Set(T),
}

/// A change of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileEdit {
    /// The name.
    pub nickname: Edit<String>,
    /// The language.
    pub locale: Edit<String>,
    /// Address of the picture.
    pub avatar_url: Edit<String>,
}

impl ProfileEdit {
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
        if edit.columns().next().is_none() {
            return Ok(self.user(id).await?.map(|user| (user, false)));
        }
        self.retried(|| self.profile_update_once(id, edit, now)).await
    }

    async fn profile_update_once(
        &self,
        id: UserId,
        edit: &ProfileEdit,
        now: Timestamp,
    ) -> Result<Option<(user::Model, bool)>, DbErr> {
        let tx = self.begin().await?;
        let changed = profile_write_in(&tx, id, edit, now).await?;
        let user = user::Entity::find_by_id(id).one(&tx).await?;
        if changed {
            feed_append_in(&tx, id, &[Change::UserChanged], now).await?;
        }
        tx.commit().await?;
        Ok(user.map(|user| (user, changed)))
    }
}

/// Writes where something differs, and tells whether it did.
async fn profile_write_in(
    tx: &DatabaseTransaction,
    id: UserId,
    edit: &ProfileEdit,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let mut update = user::Entity::update_many().col_expr(user::Column::UpdatedAt, Expr::value(now));
    let mut differs = Condition::any();
    for (column, value) in edit.columns() {
        update = update.col_expr(column, Expr::value(value.cloned()));
        differs = match value {
            // what is not there differs too, but no comparison says so
            Some(value) => differs.add(column.is_null()).add(column.ne(value)),
            None => differs.add(column.is_not_null()),
        };
    }
    let update = update.filter(user::Column::Id.eq(id)).filter(differs);
    Ok(update.exec(tx).await?.rows_affected > 0)
}
