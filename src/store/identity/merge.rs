//! Merges two users. The rows of the merged user move to the surviving user, to whom both ids then resolve.

mod profile;

use entity::{
    Sealed, SessionId, TicketHash, Timestamp, UserId, identity, merge_ticket, merged_user, session, session::EndReason,
    union_link, user,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};

use super::{conflict::solved_conflicts_delete_in, ticket::merge_ticket_use_in};
use crate::store::{
    Store,
    database::{Connection, TransactionEnd},
    feed::{Change, feed_append_of_users_in},
    session::{end_changes, sessions_end_in},
    user_lock::user_lock_in,
};

/// Two users to merge.
#[derive(Clone, Debug)]
pub struct Merge {
    /// The merged user, who is deleted.
    pub from: UserId,
    /// The surviving user.
    pub into: UserId,
    /// The encrypted telephone number of the merged user: as it was read, and encrypted for the surviving user.
    pub phone: Option<(Sealed, Sealed)>,
    /// The ticket and the user who uses it; `None` if an operator merges.
    pub ticket: Option<(TicketHash, UserId)>,
    /// The current time.
    pub now: Timestamp,
}

/// The result of a merge.
#[derive(Clone, Debug)]
pub enum Merged {
    /// The surviving user, and the ended sessions of the merged user.
    Done(Box<user::Model>, Vec<SessionId>),
    /// One of the users is suspended or scheduled for deletion. Nothing was written.
    NotActive,
    /// The telephone number differs from the one that was read. Nothing was written.
    PhoneChanged,
    /// The ticket was used, or does not belong to these users; or one of the users does not exist. Nothing was written.
    Gone,
}

impl Store {
    /// Merges two users. One of several concurrent calls succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_merge(&self, merge: &Merge) -> Result<Merged, DbErr> {
        let merge = merge.clone();
        self.db.transaction_with_end(move |tx| users_merge_in(tx, merge.clone())).await
    }

    /// The surviving users of those of `ids` that were merged: each merged id with its survivor.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_merged(&self, ids: &[UserId]) -> Result<Vec<(UserId, user::Model)>, DbErr> {
        let ids = ids.to_vec();
        self.db.run(move |db| users_merged(db, ids.clone())).await
    }
}

async fn users_merged(db: Connection, ids: Vec<UserId>) -> Result<Vec<(UserId, user::Model)>, DbErr> {
    let merged = merged_user::Entity::find().filter(merged_user::Column::Id.is_in(ids)).all(&db).await?;
    if merged.is_empty() {
        return Ok(Vec::new());
    }
    let survivors = merged.iter().map(|row| row.into_user);
    let survivors = user::Entity::find().filter(user::Column::Id.is_in(survivors)).all(&db).await?;
    let of = |row: &merged_user::Model| {
        let survivor = survivors.iter().find(|user| user.id == row.into_user)?;
        Some((row.id, survivor.clone()))
    };
    Ok(merged.iter().filter_map(of).collect())
}

async fn users_merge_in(tx: Connection, merge: Merge) -> Result<TransactionEnd<Merged>, DbErr> {
    let Some((from, into)) = users_lock_in(&tx, &merge).await? else {
        return Ok(TransactionEnd::RollBack(Merged::Gone));
    };
    if ![&from, &into].into_iter().all(is_active) {
        return Ok(TransactionEnd::RollBack(Merged::NotActive));
    }
    if from.sealed_phone.as_ref() != merge.phone.as_ref().map(|(read, _)| read) {
        return Ok(TransactionEnd::RollBack(Merged::PhoneChanged));
    }
    if !ticket_use_in(&tx, &merge).await? {
        return Ok(TransactionEnd::RollBack(Merged::Gone));
    }
    identities_move_in(&tx, &merge).await?;
    tickets_delete_in(&tx, &merge).await?;
    profile::rows_move_in(&tx, &from, &into, merge.now).await?;
    merged_users_move_in(&tx, &merge).await?;
    let ended = sessions_move_in(&tx, &merge).await?;
    // deleted before the surviving row is updated, so that unique values never exist twice
    user::Entity::delete_by_id(merge.from).exec(&tx).await?;
    let from = user::Model { sealed_phone: merge.phone.map(|(_, sealed)| sealed), ..from };
    let user = profile::merge_in(&tx, from, into, merge.now).await?;
    let changes = [(merge.from, end_changes(&ended, EndReason::Merged)), (merge.into, vec![Change::UserChanged])];
    feed_append_of_users_in(&tx, &changes, merge.now).await?;
    Ok(TransactionEnd::Commit(Merged::Done(Box::new(user), ended)))
}

fn is_active(user: &user::Model) -> bool {
    user.status == user::Status::Active && user.deletes_at.is_none()
}

/// Locks both rows, the lower id first, so that two merges do not deadlock. `None` if one does not exist.
async fn users_lock_in(tx: &Connection, merge: &Merge) -> Result<Option<(user::Model, user::Model)>, DbErr> {
    let (low, high) = (merge.from.min(merge.into), merge.from.max(merge.into));
    for id in [low, high] {
        if low == high || !user_lock_in(tx, id).await? {
            return Ok(None);
        }
    }
    let from = user::Entity::find_by_id(merge.from).one(tx).await?;
    Ok(from.zip(user::Entity::find_by_id(merge.into).one(tx).await?))
}

/// Uses the ticket, and checks that its identity still belongs to the other user.
async fn ticket_use_in(tx: &Connection, merge: &Merge) -> Result<bool, DbErr> {
    let Some((hash, user)) = &merge.ticket else { return Ok(true) };
    let Some(identity) = merge_ticket_use_in(tx, hash, *user, merge.now).await? else { return Ok(false) };
    let other = if *user == merge.from { merge.into } else { merge.from };
    let identity = identity::Entity::find_by_id(identity).filter(identity::Column::UserId.eq(other));
    Ok(identity.one(tx).await?.is_some())
}

/// Moves identities and unionids, and removes the conflicts that this resolves.
async fn identities_move_in(tx: &Connection, merge: &Merge) -> Result<(), DbErr> {
    identity::Entity::update_many()
        .col_expr(identity::Column::UserId, Expr::value(merge.into))
        .filter(identity::Column::UserId.eq(merge.from))
        .exec(tx)
        .await?;
    union_link::Entity::update_many()
        .col_expr(union_link::Column::UserId, Expr::value(merge.into))
        .filter(union_link::Column::UserId.eq(merge.from))
        .exec(tx)
        .await?;
    solved_conflicts_delete_in(tx, merge.into).await
}

/// Deletes the tickets of both users: their purpose is fulfilled, or they refer to the deleted user.
async fn tickets_delete_in(tx: &Connection, merge: &Merge) -> Result<(), DbErr> {
    let identities: Vec<entity::IdentityId> = identity::Entity::find()
        .select_only()
        .column(identity::Column::Id)
        .filter(identity::Column::UserId.eq(merge.into))
        .order_by_asc(identity::Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    let of_both = Condition::any()
        .add(merge_ticket::Column::UserId.is_in([merge.from, merge.into]))
        .add(merge_ticket::Column::IdentityId.is_in(identities));
    merge_ticket::Entity::delete_many().filter(of_both).exec(tx).await.map(drop)
}

/// Records the surviving user of the merged user, and of users that were merged into that one before.
async fn merged_users_move_in(tx: &Connection, merge: &Merge) -> Result<(), DbErr> {
    merged_user::Entity::update_many()
        .col_expr(merged_user::Column::IntoUser, Expr::value(merge.into))
        .filter(merged_user::Column::IntoUser.eq(merge.from))
        .exec(tx)
        .await?;
    let row = merged_user::ActiveModel { id: Set(merge.from), into_user: Set(merge.into), created_at: Set(merge.now) };
    merged_user::Entity::insert(row.reset_all()).exec_without_returning(tx).await.map(drop)
}

/// Ends the sessions of the merged user. Their rows move to the surviving user, so that a request with an old token
/// gets the reason of their end.
async fn sessions_move_in(tx: &Connection, merge: &Merge) -> Result<Vec<SessionId>, DbErr> {
    let ended = sessions_end_in(tx, merge.from, Condition::all(), EndReason::Merged, merge.now).await?;
    session::Entity::update_many()
        .col_expr(session::Column::UserId, Expr::value(merge.into))
        .filter(session::Column::UserId.eq(merge.from))
        .exec(tx)
        .await?;
    Ok(ended)
}
