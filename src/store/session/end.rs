//! Ends sessions: one conditional update, and a row in the feed for each session, in the same transaction.

use entity::{
    SessionId, Timestamp, UserId,
    session::{self, EndReason, live},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, IntoCondition},
};

use crate::store::{
    Store,
    database::Connection,
    feed::{Change, feed_append_in},
    user_lock::user_lock_in,
};

impl Store {
    /// Ends a session of `owner`. Returns whether this call ended it: `false` if it had ended before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        let ended = self.end(owner, session::Column::Id.eq(id).into_condition(), reason, now).await?;
        Ok(!ended.is_empty())
    }

    /// Ends all live sessions of a user except `kept`, and returns their keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_end_of(
        &self,
        owner: UserId,
        kept: Option<SessionId>,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, DbErr> {
        let others = Condition::all().add_option(kept.map(|id| session::Column::Id.ne(id)));
        self.end(owner, others, reason, now).await
    }

    async fn end(
        &self,
        owner: UserId,
        which: Condition,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, DbErr> {
        self.db.transaction(move |tx| end_in(tx, owner, which.clone(), reason, now)).await
    }
}

async fn end_in(
    tx: Connection,
    owner: UserId,
    which: Condition,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, DbErr> {
    // a login locks the user's row before it locks sessions: without this lock the two could deadlock
    user_lock_in(&tx, owner).await?;
    let ended = sessions_end_in(&tx, owner, which, reason, now).await?;
    feed_append_in(&tx, owner, &end_changes(&ended, reason), now).await?;
    Ok(ended)
}

/// Ends the live sessions of `owner` that match `which`, each once, and returns their keys. The caller appends them to
/// the feed as the last step of the transaction.
pub(in crate::store) async fn sessions_end_in(
    tx: &Connection,
    owner: UserId,
    which: Condition,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, DbErr> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .col_expr(session::Column::EndReason, Expr::value(reason.to_value()))
        .filter(session::Column::UserId.eq(owner))
        .filter(which)
        .filter(live(now))
        .exec(tx)
        .await?;
    if ended.rows_affected == 0 {
        return Ok(Vec::new());
    }
    // may include sessions that ended in the same millisecond for the same reason: a second row in the feed does no
    // harm
    let ended = session::Entity::find().select_only().column(session::Column::Id);
    ended
        .filter(session::Column::UserId.eq(owner))
        .filter(session::Column::EndedAt.eq(now))
        .filter(session::Column::EndReason.eq(reason))
        .order_by_asc(session::Column::Id)
        .into_tuple()
        .all(tx)
        .await
}

/// The changes for the feed.
pub(in crate::store) fn end_changes(ended: &[SessionId], reason: EndReason) -> Vec<Change> {
    ended.iter().map(|id| Change::SessionEnded(*id, reason)).collect()
}
