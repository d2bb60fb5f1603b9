//! Makes one user of two. What belongs to the one that goes moves to the other, whose row answers for both ids then.

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
    /// The user that goes.
    pub from: UserId,
    /// The user that stays.
    pub into: UserId,
    /// The telephone number of the user that goes, as it was read, and as it is sealed for the other one.
    pub phone: Option<(Sealed, Sealed)>,
    /// The ticket, and who uses it; `None` where an operator decided.
    pub ticket: Option<(TicketHash, UserId)>,
    /// The present moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Merged {
    /// They are one: the user who stayed, and the sessions of the other one that ended.
    Done(Box<user::Model>, Vec<SessionId>),
    /// One of them is suspended, or will be deleted. Nothing was written.
    NotActive,
    /// The telephone number is another one than was read. Nothing was written.
    PhoneChanged,
    /// The ticket was used, or is about neither of them; or one of the users is gone. Nothing was written.
    Gone,
}

impl Store {
    /// Merges two users. Of concurrent calls one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users_merge(&self, merge: &Merge) -> Result<Merged, DbErr> {
        let merge = merge.clone();
        self.db.transaction_with_end(move |tx| users_merge_in(tx, merge.clone())).await
    }

    /// The users that answer for those of `ids` that were merged: each merged id with its survivor.
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
    // ahead of the other's row: of a value that is unique there is never a second one
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

/// Locks both rows, the lower id first whichever goes: two merges never wait for each other. `None` where one is gone.
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

/// Identities and unionids, and the conflicts that this solves.
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

/// Tickets of either user: what they allowed has happened, or was about one who is gone.
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

/// Notes who answers for the user that goes, and for those that were merged into it before.
async fn merged_users_move_in(tx: &Connection, merge: &Merge) -> Result<(), DbErr> {
    merged_user::Entity::update_many()
        .col_expr(merged_user::Column::IntoUser, Expr::value(merge.into))
        .filter(merged_user::Column::IntoUser.eq(merge.from))
        .exec(tx)
        .await?;
    let row = merged_user::ActiveModel { id: Set(merge.from), into_user: Set(merge.into), created_at: Set(merge.now) };
    merged_user::Entity::insert(row.reset_all()).exec_without_returning(tx).await.map(drop)
}

/// Ends the sessions of the user that goes. Their rows move, so that a token of one is told why it ended.
async fn sessions_move_in(tx: &Connection, merge: &Merge) -> Result<Vec<SessionId>, DbErr> {
    let ended = sessions_end_in(tx, merge.from, Condition::all(), EndReason::Merged, merge.now).await?;
    session::Entity::update_many()
        .col_expr(session::Column::UserId, Expr::value(merge.into))
        .filter(session::Column::UserId.eq(merge.from))
        .exec(tx)
        .await?;
    Ok(ended)
}
