//! The rows of pictures. A row is inserted before its object is written, and deleted after its object, so that every
//! object has a row. The state of a row changes from `PENDING` to `LIVE` to `DELETING`, or from `PENDING` to
//! `DELETING`.

use entity::{
    Timestamp, UserId,
    content_flag::Field,
    media_file::{ActiveModel, Column, Entity, Model, State},
    user,
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany, sea_query::Expr,
};

use super::{
    Store,
    content_flag::content_flag_write_in,
    database::{Connection, TransactionEnd},
    feed::{Change, feed_append_in},
};

impl Store {
    /// Inserts the row of a picture before its object is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_file_insert(&self, key: &str, owner: UserId, now: Timestamp) -> Result<(), DbErr> {
        let key = key.to_owned();
        let insert = move |db| {
            let row = ActiveModel {
                key: Set(key.clone()),
                user_id: Set(owner),
                state: Set(State::Pending),
                changed_at: Set(now),
            };
            // a retry after a lost answer finds its own row
            let insert = Entity::insert(row).on_conflict_do_nothing_on([Column::Key]);
            async move { insert.exec_without_returning(&db).await.map(drop) }
        };
        self.db.run(insert).await
    }

    /// Puts a stored picture into use: writes its path to the user's row, and marks the previous picture for deletion.
    /// `None`, and nothing is written, if the user does not exist or the upload was abandoned.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn avatar_set(
        &self,
        owner: UserId,
        key: &str,
        path: &str,
        now: Timestamp,
    ) -> Result<Option<user::Model>, DbErr> {
        let (key, path) = (key.to_owned(), path.to_owned());
        self.db.transaction_with_end(move |tx| avatar_set_in(tx, owner, key.clone(), path.clone(), now)).await
    }

    /// The pictures of a user that are marked for deletion.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_files_to_delete_of(&self, owner: UserId) -> Result<Vec<Model>, DbErr> {
        let which = Entity::find().filter(Column::UserId.eq(owner)).filter(Column::State.eq(State::Deleting));
        self.db.all(which).await
    }

    /// Marks a stored picture that was not put into use for deletion. `false` if it is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_file_abandon(&self, key: &str, now: Timestamp) -> Result<bool, DbErr> {
        let update = to_delete(now).filter(Column::Key.eq(key)).filter(Column::State.eq(State::Pending));
        self.db.write(&update).await?;
        let in_use = Entity::find_by_id(key).filter(Column::State.eq(State::Live));
        Ok(self.db.all(in_use).await?.is_empty())
    }

    /// Moves pictures whose deletion failed to the end of the queue.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_files_postpone(&self, mut keys: Vec<String>, now: Timestamp) -> Result<(), DbErr> {
        if keys.is_empty() {
            return Ok(());
        }
        keys.sort_unstable();
        let update = to_delete(now).filter(Column::Key.is_in(keys)).filter(Column::State.eq(State::Deleting));
        self.db.write(&update).await.map(drop)
    }

    /// Up to `limit` pictures to delete, oldest first. Uploads that have been `PENDING` since before `before` are
    /// abandoned and included. Concurrent nodes may get the same pictures.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_files_due(&self, before: Timestamp, now: Timestamp, limit: u64) -> Result<Vec<Model>, DbErr> {
        let given_up = move |db| async move {
            let pending = Condition::all().add(Column::State.eq(State::Pending)).add(Column::ChangedAt.lt(before));
            let old = Entity::find().select_only().column(Column::Key).filter(pending.clone());
            let old: Vec<String> = old.order_by_asc(Column::ChangedAt).limit(limit).into_tuple().all(&db).await?;
            if old.is_empty() {
                return Ok(());
            }
            // from here on they cannot come into use
            to_delete(now).filter(Column::Key.is_in(old)).filter(pending).exec(&db).await.map(drop)
        };
        self.db.run(given_up).await?;
        let due = Entity::find().filter(Column::State.eq(State::Deleting));
        self.db.all(due.order_by_asc(Column::ChangedAt).limit(limit)).await
    }

    /// Deletes the rows of pictures whose objects are deleted, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_files_remove(&self, mut keys: Vec<String>) -> Result<u64, DbErr> {
        if keys.is_empty() {
            return Ok(0);
        }
        // one order of locks, so that two nodes do not deadlock
        keys.sort_unstable();
        let delete = Entity::delete_many().filter(Column::Key.is_in(keys)).filter(Column::State.eq(State::Deleting));
        self.db.write(&delete).await
    }
}

/// Marks the pictures in use of a user for deletion, except `kept`. The caller holds the lock of the user's row, and
/// writes `users.avatar_url`. An upload in progress keeps its row, because its object may be written after a deletion.
pub(in crate::store) async fn media_files_delete_in(
    tx: &Connection,
    owner: UserId,
    kept: Option<&str>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let others = Condition::all().add_option(kept.map(|key| Column::Key.ne(key)));
    let live = to_delete(now).filter(Column::UserId.eq(owner)).filter(Column::State.eq(State::Live));
    live.filter(others).exec(tx).await.map(drop)
}

/// Clears the picture of a user if it is still the one at `path`, and marks it for deletion. Returns whether it was.
/// The last step of a transaction.
pub(super) async fn avatar_delete_in(
    tx: Connection,
    owner: UserId,
    path: String,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let which = Condition::all().add(user::Column::Id.eq(owner)).add(user::Column::AvatarUrl.eq(path));
    let update = user::Entity::update_many()
        .col_expr(user::Column::AvatarUrl, Expr::value(None::<String>))
        .col_expr(user::Column::UpdatedAt, Expr::value(now));
    if update.filter(which).exec(&tx).await?.rows_affected == 0 {
        return Ok(false);
    }
    content_flag_write_in(&tx, owner, Field::Avatar, None, now).await?;
    media_files_delete_in(&tx, owner, None, now).await?;
    feed_append_in(&tx, owner, &[Change::UserChanged], now).await?;
    Ok(true)
}

fn to_delete(now: Timestamp) -> UpdateMany<Entity> {
    becomes(State::Deleting, now)
}

fn becomes(state: State, now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.to_value()))
        .col_expr(Column::ChangedAt, Expr::value(now))
}

async fn avatar_set_in(
    tx: Connection,
    owner: UserId,
    key: String,
    path: String,
    now: Timestamp,
) -> Result<TransactionEnd<Option<user::Model>>, DbErr> {
    let update = user::Entity::update_many()
        .col_expr(user::Column::AvatarUrl, Expr::value(path))
        .col_expr(user::Column::UpdatedAt, Expr::value(now))
        .filter(user::Column::Id.eq(owner));
    // the lock of this row serialises uploads of one user
    if update.exec(&tx).await?.rows_affected == 0 {
        return Ok(TransactionEnd::RollBack(None));
    }
    let stored = becomes(State::Live, now).filter(Column::Key.eq(&key)).filter(Column::State.eq(State::Pending));
    if stored.exec(&tx).await?.rows_affected == 0 {
        return Ok(TransactionEnd::RollBack(None));
    }
    media_files_delete_in(&tx, owner, Some(&key), now).await?;
    content_flag_write_in(&tx, owner, Field::Avatar, None, now).await?;
    let user = user::Entity::find_by_id(owner).one(&tx).await?;
    feed_append_in(&tx, owner, &[Change::UserChanged], now).await?;
    Ok(TransactionEnd::Commit(user))
}
