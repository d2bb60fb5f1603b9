//! The events that WeChat pushes. Each takes effect once, in the transaction that records it, so that neither a crash
//! nor a second node loses or repeats it.

use entity::{
    EventHash, OpenId, Timestamp, UserId, identity,
    push_event::{ActiveModel, Column, Entity},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, Statement,
    sea_query::OnConflict,
};

use super::{
    Edit, ProfileEdit, Store,
    database::Connection,
    delete_batch::delete_batch,
    user::{deletion_schedule_in, profile_clear_in},
    user_lock::user_lock_in,
};

/// The builder's `ON DUPLICATE KEY UPDATE` reports the same number of rows for an existing row as for a new one.
const RECORD_ON_MYSQL: &str = "INSERT IGNORE INTO push_events (event_hash, created_at) VALUES (?, ?)";

/// An event about a person.
#[derive(Clone, Debug)]
pub struct ProfileEvent {
    /// The event.
    pub event: EventHash,
    /// The mini program.
    pub app_id: String,
    /// The person, by openid.
    pub openid: OpenId,
    /// The effect of the event.
    pub effect: ProfileEffect,
}

/// The effect of an event on an account.
#[derive(Clone, Debug)]
pub enum ProfileEffect {
    /// Clears parts of the profile.
    Clear {
        /// Whether the nickname is cleared.
        nickname: bool,
        /// Whether the picture is cleared.
        avatar: bool,
        /// Whether the telephone number is cleared.
        phone: bool,
    },
    /// Schedules the deletion of the account for this time.
    ScheduleDeletion(Timestamp),
}

impl Store {
    /// Applies an event, unless it was recorded before. Returns the user whose row changed, if any.
    ///
    /// # Errors
    /// When the database fails. The event is not recorded then.
    pub async fn push_event_apply(&self, event: &ProfileEvent, now: Timestamp) -> Result<Option<UserId>, DbErr> {
        let (event, backend) = (event.clone(), self.db.backend());
        self.db.transaction(move |tx| apply_in(tx, backend, event.clone(), now)).await
    }

    /// Removes up to `limit` events recorded before `before`, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_events_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let (key, created_at) = (Column::EventHash, Column::CreatedAt);
        let delete =
            move |db| delete_batch::<Entity, EventHash>(db, (key, Some(created_at)), created_at.lt(before), limit);
        self.db.run(delete).await
    }
}

async fn apply_in(
    tx: Connection,
    backend: DbBackend,
    event: ProfileEvent,
    now: Timestamp,
) -> Result<Option<UserId>, DbErr> {
    if !push_event_record_in(&tx, backend, &event.event, now).await? {
        return Ok(None);
    }
    let Some(owner) = owner_in(&tx, &event).await? else { return Ok(None) };
    if !user_lock_in(&tx, owner).await? || owner_in(&tx, &event).await? != Some(owner) {
        // rolled back, so that WeChat's next push of the event finds the account in its new state
        return Err(DbErr::Custom("the account of a pushed event was just changed".to_owned()));
    }
    let changed = match event.effect {
        ProfileEffect::ScheduleDeletion(deletes_at) => deletion_schedule_in(&tx, owner, deletes_at, now).await?,
        ProfileEffect::Clear { nickname, avatar, phone } => {
            let clear = |is_cleared| if is_cleared { Edit::Clear } else { Edit::Keep };
            let edit = ProfileEdit { nickname: clear(nickname), avatar_url: clear(avatar), ..ProfileEdit::default() };
            profile_clear_in(&tx, owner, &edit, phone, now).await?
        }
    };
    Ok(changed.then_some(owner))
}

/// Records an event; `false` if it was recorded before.
pub(super) async fn push_event_record_in(
    tx: &Connection,
    backend: DbBackend,
    event: &EventHash,
    now: Timestamp,
) -> Result<bool, DbErr> {
    if backend == DbBackend::MySql {
        let values = [event.clone().into(), now.into()];
        let insert = Statement::from_sql_and_values(backend, RECORD_ON_MYSQL, values);
        return Ok(tx.execute_raw(insert).await?.rows_affected() == 1);
    }
    let row = ActiveModel { event_hash: Set(event.clone()), created_at: Set(now) };
    let insert = Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    Ok(insert.exec_without_returning(tx).await? == 1)
}

/// The user whom the event concerns.
async fn owner_in(tx: &Connection, event: &ProfileEvent) -> Result<Option<UserId>, DbErr> {
    let found = identity::Entity::find()
        .filter(identity::Column::AppId.eq(&event.app_id))
        .filter(identity::Column::Openid.eq(event.openid.clone()));
    Ok(found.one(tx).await?.map(|identity| identity.user_id))
}
