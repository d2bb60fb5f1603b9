//! Looks up and lists sessions. The submodules change them.

mod end;
mod evict;
mod purge;
mod refresh;

pub(super) use end::{end_changes, sessions_end_in};
pub(super) use evict::sessions_evict_in;

use std::{collections::HashMap, sync::Arc};

use entity::{
    SessionId, Timestamp, UserId,
    session::{self, live},
    user,
};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    Store,
    batcher::{Batcher, padded},
    database::{Connection, Database},
};

/// A page of a list, requested by keyset cursors: the `limit` rows that follow `after`, or the `limit` rows that
/// precede `before`.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Only rows after this one.
    pub after: Option<SessionId>,
    /// Only rows before this one.
    pub before: Option<SessionId>,
    /// Maximum number of rows.
    pub limit: u64,
    /// Whether the page is taken from the end of the list.
    pub from_end: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Whether the list has more rows in the requested direction.
    pub more: bool,
}

/// A session with its user; `None` if either does not exist.
pub(super) type SessionWithUser = Option<(session::Model, user::Model)>;

/// Reads the sessions of concurrent callers by one query.
pub(super) fn batcher(db: &Database) -> Batcher<SessionId, SessionWithUser> {
    Batcher::new(db, |db, ids| Box::pin(with_users(db, ids)))
}

async fn with_users(db: Connection, ids: Arc<[SessionId]>) -> Result<Vec<SessionWithUser>, DbErr> {
    let found = session::Entity::find().filter(session::Column::Id.is_in(padded(ids.to_vec())));
    let found = found.find_also_related(user::Entity).all(&db).await?;
    let found: HashMap<_, _> = found.into_iter().map(|(session, user)| (session.id, (session, user))).collect();
    let of = |id| found.get(id).and_then(|(session, user)| Some((session.clone(), user.clone()?)));
    Ok(ids.iter().map(of).collect())
}

impl Store {
    /// A session with its user, by one indexed read that is shared with concurrent callers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_with_user(&self, id: SessionId) -> Result<SessionWithUser, DbErr> {
        self.batchers.sessions.submit(id).await
    }

    /// A live session, if it belongs to `owner`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_of(
        &self,
        owner: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<session::Model>, DbErr> {
        let found = session::Entity::find_by_id(id).filter(session::Column::UserId.eq(owner));
        self.db.one(found.filter(live(now))).await
    }

    /// A page of a user's live sessions, newest first. Keys sort by creation time, so a key is a keyset cursor: a page
    /// is one range scan of the index, however long the list is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_of(
        &self,
        owner: UserId,
        window: PageRequest,
        now: Timestamp,
    ) -> Result<Page<session::Model>, DbErr> {
        let key = session::Column::Id;
        let position = Condition::all()
            .add_option(window.after.map(|id| key.lt(id)))
            .add_option(window.before.map(|id| key.gt(id)));
        let select = session::Entity::find()
            .filter(session::Column::UserId.eq(owner))
            .filter(live(now))
            .filter(position)
            .limit(window.limit + 1);
        let ordered = if window.from_end { select.order_by_asc(key) } else { select.order_by_desc(key) };
        let mut rows = self.db.all(ordered).await?;
        let more = rows.len() as u64 > window.limit;
        rows.truncate(usize::try_from(window.limit).unwrap_or(usize::MAX));
        if window.from_end {
            rows.reverse();
        }
        Ok(Page { rows, more })
    }

    /// How many live sessions a user has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_count_of(&self, owner: UserId, now: Timestamp) -> Result<u64, DbErr> {
        let found = session::Entity::find().filter(session::Column::UserId.eq(owner));
        let found = found.filter(live(now));
        self.db
            .run(move |db| {
                let found = found.clone();
                async move { found.count(&db).await }
            })
            .await
    }
}
