//! Ends surplus sessions when another one is opened: older sessions of the same device (`REPLACED`), and the oldest
//! ones beyond the maximum number (`EVICTED`). `login/batched.sql` follows the same rules.

use entity::{
    SessionId,
    session::{self, EndReason, live},
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::IntoCondition,
};

use super::{end_changes, sessions_end_in};
use crate::store::{database::Connection, feed::Change};

/// Ends the older sessions of the same device, and the oldest of the others beyond the maximum number.
pub(in crate::store) async fn sessions_evict_in(
    tx: &Connection,
    opened: &session::Model,
    sessions_per_user: u32,
) -> Result<Vec<Change>, DbErr> {
    let (owner, now) = (opened.user_id, opened.created_at);
    let others = session::Column::Id.ne(opened.id);
    let mut changes = Vec::new();
    if let Some(device) = &opened.device_id {
        let same_device = others.clone().and(session::Column::DeviceId.eq(device)).into_condition();
        let ended = sessions_end_in(tx, owner, same_device, EndReason::Replaced, now).await?;
        changes.extend(end_changes(&ended, EndReason::Replaced));
    }
    let surplus: Vec<SessionId> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::UserId.eq(owner))
        .filter(others)
        .filter(live(now))
        .order_by_desc(session::Column::Id)
        .offset(u64::from(sessions_per_user.saturating_sub(1)))
        // a login exceeds the maximum by one; after the setting was lowered there are more
        .limit(100)
        .into_tuple()
        .all(tx)
        .await?;
    if !surplus.is_empty() {
        let surplus = session::Column::Id.is_in(surplus).into_condition();
        let ended = sessions_end_in(tx, owner, surplus, EndReason::Evicted, now).await?;
        changes.extend(end_changes(&ended, EndReason::Evicted));
    }
    Ok(changes)
}
