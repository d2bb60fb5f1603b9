//! Reads everything that is stored about a user.

use entity::{
    Timestamp, UserId, content_flag, identity, media_check, merged_user, session, union_link, user, user_metadata,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use crate::store::{Store, database::Connection};

/// The rows about a user.
#[derive(Clone, Debug)]
pub struct UserRows {
    /// The user.
    pub user: user::Model,
    /// Their identities, oldest first.
    pub identities: Vec<identity::Model>,
    /// Their unionids.
    pub union_links: Vec<union_link::Model>,
    /// Their sessions, live and ended, oldest first.
    pub sessions: Vec<session::Model>,
    /// The users that were merged into them.
    pub merged_users: Vec<merged_user::Model>,
    /// Their metadata.
    pub metadata: Option<user_metadata::Model>,
    /// The flags on their profile.
    pub content_flags: Vec<content_flag::Model>,
    /// The pending checks of their pictures.
    pub media_checks: Vec<media_check::Model>,
    /// When the rows were read.
    pub read_at: Timestamp,
}

impl Store {
    /// All rows about a user. `None` if the user does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_rows(&self, id: UserId, now: Timestamp) -> Result<Option<UserRows>, DbErr> {
        self.db.run(move |db| user_rows(db, id, now)).await
    }
}

async fn user_rows(db: Connection, id: UserId, now: Timestamp) -> Result<Option<UserRows>, DbErr> {
    let Some(user) = user::Entity::find_by_id(id).one(&db).await? else { return Ok(None) };
    let identities = identity::Entity::find().filter(identity::Column::UserId.eq(id));
    let union_links = union_link::Entity::find().filter(union_link::Column::UserId.eq(id));
    let merged_users = merged_user::Entity::find().filter(merged_user::Column::IntoUser.eq(id));
    Ok(Some(UserRows {
        user,
        identities: identities.order_by_asc(identity::Column::Id).all(&db).await?,
        union_links: union_links.order_by_asc(union_link::Column::CreatedAt).all(&db).await?,
        sessions: sessions(&db, id).await?,
        merged_users: merged_users.order_by_asc(merged_user::Column::Id).all(&db).await?,
        metadata: user_metadata::Entity::find_by_id(id).one(&db).await?,
        content_flags: content_flag::Entity::find().filter(content_flag::Column::UserId.eq(id)).all(&db).await?,
        media_checks: media_check::Entity::find().filter(media_check::Column::UserId.eq(id)).all(&db).await?,
        read_at: now,
    }))
}

/// Reads live and ended sessions separately, because each has its own index.
async fn sessions(db: &Connection, user: UserId) -> Result<Vec<session::Model>, DbErr> {
    let mut sessions = Vec::new();
    for which in [session::Column::EndedAt.is_null(), session::Column::EndedAt.is_not_null()] {
        let found = session::Entity::find().filter(session::Column::UserId.eq(user)).filter(which);
        sessions.extend(found.all(db).await?);
    }
    sessions.sort_unstable_by_key(|session: &session::Model| session.id);
    Ok(sessions)
}
