//! The metadata of users. Reads of concurrent callers are batched into one query.

use std::{collections::HashMap, sync::Arc};

use entity::{Metadata, Timestamp, UserId, user_metadata};
use sea_orm::{ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use super::edit::Edit;
use crate::store::{
    Store,
    batcher::{Batcher, padded},
    database::{Connection, Database},
    user_lock::user_lock_in,
};

/// Reads the metadata of concurrent callers by one query.
pub(in crate::store) fn batcher(db: &Database) -> Batcher<UserId, Option<Metadata>> {
    Batcher::new(db, |db, users| Box::pin(metadata_of(db, users)))
}

async fn metadata_of(db: Connection, users: Arc<[UserId]>) -> Result<Vec<Option<Metadata>>, DbErr> {
    let rows = user_metadata::Entity::find().filter(user_metadata::Column::UserId.is_in(padded(users.to_vec())));
    let rows = rows.all(&db).await?.into_iter().map(|row| (row.user_id, row.json));
    let found: HashMap<UserId, Metadata> = rows.collect();
    Ok(users.iter().map(|user| found.get(user).cloned()).collect())
}

impl Store {
    /// A user's metadata, by a query shared with concurrent callers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_metadata(&self, user: UserId) -> Result<Option<Metadata>, DbErr> {
        self.batchers.metadata.submit(user).await
    }
}

/// Replaces a user's metadata if it differs, and returns whether it did. The lock of the user's row, which is taken
/// first, serialises the changes of one user.
pub(super) async fn metadata_write_in(
    tx: &Connection,
    user: UserId,
    edit: &Edit<Metadata>,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let wanted = match edit {
        Edit::Keep => return Ok(false),
        Edit::Clear => None,
        Edit::Set(json) => Some(json),
    };
    if !user_lock_in(tx, user).await? {
        return Ok(false);
    }
    let found = user_metadata::Entity::find_by_id(user).one(tx).await?.map(|row| row.json);
    match (found.as_ref(), wanted) {
        (found, wanted) if found == wanted => return Ok(false),
        (_, None) => user_metadata::Entity::delete_by_id(user).exec(tx).await.map(drop)?,
        (None, Some(json)) => metadata_insert_in(tx, user, json, now).await?,
        (Some(_), Some(json)) => metadata_replace_in(tx, user, json, now).await?,
    }
    Ok(true)
}

async fn metadata_insert_in(tx: &Connection, user: UserId, json: &Metadata, now: Timestamp) -> Result<(), DbErr> {
    let row = user_metadata::ActiveModel { user_id: Set(user), json: Set(json.clone()), changed_at: Set(now) };
    user_metadata::Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

async fn metadata_replace_in(tx: &Connection, user: UserId, json: &Metadata, now: Timestamp) -> Result<(), DbErr> {
    let update = user_metadata::Entity::update_many()
        .col_expr(user_metadata::Column::Json, Expr::value(json.clone()))
        .col_expr(user_metadata::Column::ChangedAt, Expr::value(now))
        .filter(user_metadata::Column::UserId.eq(user));
    update.exec(tx).await.map(drop)
}
