//! Writes an identity as WeChat proved it: a login does so, and the linking of an identity. Unique keys decide between
//! concurrent ones.

use entity::{IdentityId, OpenId, Sealed, Timestamp, UnionId, UserId, identity, union_conflict, union_link};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::store::database::Connection;

/// What WeChat said of a person, as it is stored.
#[derive(Clone, Debug)]
pub struct ProvenIdentity {
    /// The mini program.
    pub app_id: String,
    /// Scope of its unionids.
    pub open_platform: String,
    /// The person within the mini program.
    pub openid: OpenId,
    /// The same person across mini programs, where WeChat gave one.
    pub unionid: Option<UnionId>,
    /// WeChat's session key, encrypted.
    pub session_key: Sealed,
    /// When WeChat was called: orders the session keys of concurrent logins.
    pub asked_at: Timestamp,
    /// Key of the identity, should it be new.
    pub new_identity: IdentityId,
    /// The present moment.
    pub now: Timestamp,
}

/// How often a row is inserted that another transaction may remove between the insert and its reading.
const ATTEMPTS: u32 = 3;

/// Inserts the identity unless its unique key exists, and returns the row there is: its user may be another one. It is
/// read back to see who was first, because databases differ in the number of rows they report for such an insert. `None`
/// where it went each time before it was read.
pub(in crate::store) async fn identity_claim_in(
    tx: &Connection,
    proven: &ProvenIdentity,
    owner: UserId,
) -> Result<Option<identity::Model>, DbErr> {
    for _ in 0..ATTEMPTS {
        identity::Entity::insert(new_identity(proven, owner))
            .on_conflict_do_nothing_on([identity::Column::AppId, identity::Column::Openid])
            .exec_without_returning(tx)
            .await?;
        let named = identity::Entity::find()
            .filter(identity::Column::AppId.eq(&proven.app_id))
            .filter(identity::Column::Openid.eq(proven.openid.clone()));
        if let Some(row) = named.one(tx).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Links the unionid to `user` unless it is linked already, and returns its owner; `None` where WeChat gave no unionid.
pub(in crate::store) async fn union_link_claim_in(
    tx: &Connection,
    proven: &ProvenIdentity,
    user: UserId,
) -> Result<Option<UserId>, DbErr> {
    let Some(unionid) = &proven.unionid else { return Ok(None) };
    let link = union_link::Model {
        open_platform: proven.open_platform.clone(),
        unionid: unionid.clone(),
        user_id: user,
        created_at: proven.now,
    };
    for _ in 0..ATTEMPTS {
        union_link::Entity::insert(union_link::ActiveModel::from(link.clone()).reset_all())
            .on_conflict_do_nothing_on([union_link::Column::OpenPlatform, union_link::Column::Unionid])
            .exec_without_returning(tx)
            .await?;
        let key = (proven.open_platform.clone(), unionid.clone());
        if let Some(row) = union_link::Entity::find_by_id(key).one(tx).await? {
            return Ok(Some(row.user_id));
        }
    }
    Err(DbErr::RecordNotFound("the unionid just written".to_owned()))
}

/// Notes that the unionid belongs to another user than the identity.
pub(in crate::store) async fn union_conflict_note_in(
    tx: &Connection,
    proven: &ProvenIdentity,
    identity: IdentityId,
) -> Result<(), DbErr> {
    let Some(unionid) = &proven.unionid else { return Ok(()) };
    let row = union_conflict::ActiveModel {
        identity_id: Set(identity),
        open_platform: Set(proven.open_platform.clone()),
        unionid: Set(unionid.clone()),
        created_at: Set(proven.now),
    };
    let known = OnConflict::column(union_conflict::Column::IdentityId)
        .update_columns([union_conflict::Column::OpenPlatform, union_conflict::Column::Unionid])
        .to_owned();
    union_conflict::Entity::insert(row).on_conflict(known).exec_without_returning(tx).await.map(drop)
}

/// Keeps the session key, unless a login that asked WeChat later has kept its own. The one before is kept as the previous
/// one, where it is another: the same key sealed again is the same bytes (unless `SECRET_KEY` was rotated in between: then
/// the one before is the same). `false` where the identity is no longer that of `owner`: since it was read it was unlinked,
/// or its account was merged.
pub(in crate::store) async fn session_key_update_in(
    tx: &Connection,
    proven: &ProvenIdentity,
    (id, owner): (IdentityId, UserId),
) -> Result<bool, DbErr> {
    use identity::Column::{Id, PreviousSessionKey, SessionKey, SessionKeyAt, UserId};
    let is_there = Expr::col(SessionKey).eq(proven.session_key.clone());
    let previous = Expr::case(is_there, Expr::col(PreviousSessionKey)).finally(Expr::col(SessionKey));
    let updated = identity::Entity::update_many()
        // before the key itself: MySQL assigns from left to right
        .col_expr(PreviousSessionKey, previous.into())
        .col_expr(SessionKey, Expr::value(proven.session_key.clone()))
        .col_expr(SessionKeyAt, Expr::value(proven.asked_at))
        .filter(Id.eq(id))
        .filter(UserId.eq(owner))
        .filter(SessionKeyAt.lt(proven.asked_at))
        .exec(tx)
        .await?;
    if updated.rows_affected > 0 {
        return Ok(true);
    }
    // it has a newer key, or is somebody else's
    Ok(identity::Entity::find_by_id(id).filter(UserId.eq(owner)).one(tx).await?.is_some())
}

fn new_identity(proven: &ProvenIdentity, user: UserId) -> identity::ActiveModel {
    identity::ActiveModel {
        id: Set(proven.new_identity),
        user_id: Set(user),
        app_id: Set(proven.app_id.clone()),
        openid: Set(proven.openid.clone()),
        session_key: Set(proven.session_key.clone()),
        session_key_at: Set(proven.asked_at),
        previous_session_key: Set(None),
        created_at: Set(proven.now),
    }
}
