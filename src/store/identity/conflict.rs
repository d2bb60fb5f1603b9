//! Conflicts of unionids that belong to another user than the identity: lists them for an operator, and removes
//! resolved ones. A login or a link records them (`union_conflict_upsert_in` in `claim.rs`).

use std::collections::HashMap;

use entity::{IdentityId, Timestamp, UserId, identity, union_conflict, union_link};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::IntoCondition,
};

use crate::store::{Store, database::Connection};

/// A conflict, without openid and unionid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnionConflict {
    /// The identity.
    pub identity: IdentityId,
    /// Its user.
    pub user: UserId,
    /// The user of the unionid.
    pub other: UserId,
    /// The mini program.
    pub app_id: String,
    /// When a login first detected the conflict.
    pub since: Timestamp,
}

impl Store {
    /// The conflicts after the identity `after`, in the order of their identities, and the cursor: the last identity
    /// read. Resolved conflicts are omitted, so there may be fewer than `limit`. `None` at the end of the list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn union_conflicts(
        &self,
        after: Option<IdentityId>,
        limit: u64,
    ) -> Result<Option<(Vec<UnionConflict>, IdentityId)>, DbErr> {
        self.db.run(move |db| union_conflicts(db, after, limit)).await
    }
}

async fn union_conflicts(
    db: Connection,
    after: Option<IdentityId>,
    limit: u64,
) -> Result<Option<(Vec<UnionConflict>, IdentityId)>, DbErr> {
    use union_conflict::Column::IdentityId as Key;
    let behind = Condition::all().add_option(after.map(|after| Key.gt(after)));
    let rows = union_conflict::Entity::find().filter(behind).order_by_asc(Key).limit(limit).all(&db).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let identities =
        identity::Entity::find().filter(identity::Column::Id.is_in(rows.iter().map(|row| row.identity_id)));
    let identities: HashMap<_, _> = identities.all(&db).await?.into_iter().map(|row| (row.id, row)).collect();
    let links = union_link::Entity::find().filter(any(&rows, |row| {
        Condition::all()
            .add(union_link::Column::OpenPlatform.eq(&row.open_platform))
            .add(union_link::Column::Unionid.eq(row.unionid.clone()))
    }));
    let owners = links.all(&db).await?.into_iter().map(|link| ((link.open_platform, link.unionid), link.user_id));
    let owners: HashMap<_, _> = owners.collect();
    let conflict = |row: &union_conflict::Model| {
        let identity = identities.get(&row.identity_id)?;
        let other = *owners.get(&(row.open_platform.clone(), row.unionid.clone()))?;
        let (user, app_id, since) = (identity.user_id, identity.app_id.clone(), row.created_at);
        (other != user).then_some(UnionConflict { identity: identity.id, user, other, app_id, since })
    };
    Ok(Some((rows.iter().filter_map(conflict).collect(), last.identity_id)))
}

/// Removes the conflicts of some unionids.
pub(in crate::store) async fn conflicts_delete_in(tx: &Connection, links: &[union_link::Model]) -> Result<(), DbErr> {
    let about = any(links, |link| {
        Condition::all()
            .add(union_conflict::Column::Unionid.eq(link.unionid.clone()))
            .add(union_conflict::Column::OpenPlatform.eq(&link.open_platform))
    });
    union_conflict::Entity::delete_many().filter(about).exec(tx).await.map(drop)
}

/// Removes the conflicts between a user's identities and their own unionids.
pub(super) async fn solved_conflicts_delete_in(tx: &Connection, user: UserId) -> Result<(), DbErr> {
    let links = union_link::Entity::find().filter(union_link::Column::UserId.eq(user)).all(tx).await?;
    let identities = identity::Entity::find().select_only().column(identity::Column::Id);
    let identities: Vec<IdentityId> = identities.filter(identity::Column::UserId.eq(user)).into_tuple().all(tx).await?;
    let about = any(&links, |link| {
        Condition::all()
            .add(union_conflict::Column::Unionid.eq(link.unionid.clone()))
            .add(union_conflict::Column::OpenPlatform.eq(&link.open_platform))
    });
    let own = union_conflict::Column::IdentityId.is_in(identities).into_condition();
    union_conflict::Entity::delete_many().filter(own).filter(about).exec(tx).await.map(drop)
}

/// A condition that is true if it is true for any of `rows`, and false for an empty slice.
fn any<T>(rows: &[T], condition: impl Fn(&T) -> Condition) -> Condition {
    if rows.is_empty() {
        return union_conflict::Column::IdentityId.is_null().into_condition();
    }
    rows.iter().map(condition).fold(Condition::any(), Condition::add)
}
