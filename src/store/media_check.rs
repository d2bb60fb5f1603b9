//! The pending checks of pictures, and the effects of their results. An effect applies only to a picture that is still
//! in use: the lock of the user's row decides.

use entity::{
    EventHash, Timestamp, UserId,
    content_flag::Field,
    media_check::{Column, Entity, Model},
    user,
};
use sea_orm::{ColumnTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    Flag, Store,
    content_flag::content_flag_write_in,
    database::{Connection, TransactionEnd},
    delete_batch::delete_batch,
    media::avatar_delete_in,
    push_event::push_event_record_in,
    user_lock::user_lock_in,
};

/// The decision about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureVerdict {
    /// The picture stays, without a flag.
    Pass,
    /// The picture stays, and is flagged.
    Flag(Flag),
    /// The picture is removed.
    Remove,
}

/// The result of a check, as WeChat pushes it.
#[derive(Clone, Debug)]
pub struct CheckedPicture {
    /// The event.
    pub event: EventHash,
    /// The mini program.
    pub app_id: String,
    /// WeChat's id of the check.
    pub trace_id: String,
    /// The prefix of the paths of stored pictures.
    pub path_prefix: &'static str,
    /// What becomes of the picture.
    pub verdict: PictureVerdict,
}

/// The effect of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaOutcome {
    /// The mini program has no pending check with this id.
    Unknown,
    /// The picture of this user was removed.
    Removed(UserId),
    /// The picture stays, or is no longer in use.
    Kept,
}

impl Store {
    /// Inserts a pending check, unless its user no longer exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_check_begin(&self, check: &Model) -> Result<(), DbErr> {
        let check = check.clone();
        self.db.transaction(move |tx| begin_in(tx, check.clone())).await
    }

    /// Applies the result of a check, and deletes the pending check. A repeated push of the result finds none.
    ///
    /// # Errors
    /// When the database fails. Nothing is recorded then.
    pub async fn media_check_end(&self, checked: &CheckedPicture, now: Timestamp) -> Result<MediaOutcome, DbErr> {
        let (checked, backend) = (checked.clone(), self.db.backend());
        self.db.transaction_with_end(move |tx| end_in(tx, backend, checked.clone(), now)).await
    }

    /// Applies a verdict to the picture of a user at `path`, and returns whether the picture was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn picture_verdict_apply(
        &self,
        owner: UserId,
        path: &str,
        verdict: PictureVerdict,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        let path = path.to_owned();
        self.db.transaction(move |tx| verdict_apply_in(tx, owner, path.clone(), verdict, now)).await
    }

    /// Removes up to `limit` checks begun before `before`, and returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_checks_purge(&self, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
        let (key, created_at) = (Column::TraceId, Column::CreatedAt);
        let delete =
            move |db| delete_batch::<Entity, String>(db, (key, Some(created_at)), created_at.lt(before), limit);
        self.db.run(delete).await
    }
}

async fn begin_in(tx: Connection, check: Model) -> Result<(), DbErr> {
    if !user_lock_in(&tx, check.user_id).await? {
        return Ok(());
    }
    let insert = Entity::insert(check.into_active_model()).on_conflict_do_nothing_on([Column::TraceId]);
    insert.exec_without_returning(&tx).await.map(drop)
}

async fn end_in(
    tx: Connection,
    backend: DbBackend,
    checked: CheckedPicture,
    now: Timestamp,
) -> Result<TransactionEnd<MediaOutcome>, DbErr> {
    if !push_event_record_in(&tx, backend, &checked.event, now).await? {
        return Ok(TransactionEnd::Commit(MediaOutcome::Kept));
    }
    let Some(check) = check_in(&tx, &checked).await? else {
        return Ok(TransactionEnd::RollBack(MediaOutcome::Unknown));
    };
    let owner = check.user_id;
    if !user_lock_in(&tx, owner).await? || check_in(&tx, &checked).await?.is_none_or(|check| check.user_id != owner) {
        // rolled back, so that WeChat's next push of the event finds the account in its new state
        return Err(DbErr::Custom("the account of a checked picture was just changed".to_owned()));
    }
    Entity::delete_by_id(checked.trace_id.clone()).exec(&tx).await?;
    let path = format!("{}{}", checked.path_prefix, check.media_key);
    let is_removed = verdict_apply_in(tx, owner, path, checked.verdict, now).await?;
    Ok(TransactionEnd::Commit(if is_removed { MediaOutcome::Removed(owner) } else { MediaOutcome::Kept }))
}

/// The pending check, if it belongs to the mini program.
async fn check_in(tx: &Connection, checked: &CheckedPicture) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(checked.trace_id.clone()).filter(Column::AppId.eq(&checked.app_id)).one(tx).await
}

/// Applies a verdict. The last step of a transaction.
async fn verdict_apply_in(
    tx: Connection,
    owner: UserId,
    path: String,
    verdict: PictureVerdict,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let flag = match verdict {
        PictureVerdict::Remove => return avatar_delete_in(tx, owner, path, now).await,
        PictureVerdict::Pass => None,
        PictureVerdict::Flag(flag) => Some(flag),
    };
    user_lock_in(&tx, owner).await?;
    let user = user::Entity::find_by_id(owner).one(&tx).await?;
    if user.is_some_and(|user| user.avatar_url.as_deref() == Some(&path)) {
        content_flag_write_in(&tx, owner, Field::Avatar, flag, now).await?;
    }
    Ok(false)
}
