//! Writes an identity that WeChat proved, for a login or for the linking of an identity. Unique keys decide races.

use entity::{IdentityId, OpenId, Sealed, Timestamp, UnionId, UserId, identity, union_conflict, union_link};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::store::database::Connection;

/// An identity as WeChat returned it for a login code, to be stored.
#[derive(Clone, Debug)]
pub struct ProvenIdentity {
    /// The mini program.
    pub app_id: String,
    /// The open-platform account of the mini program: the scope of its unionids.
    pub open_platform: String,
    /// The person's openid within the mini program.
    pub openid: OpenId,
    /// The person's unionid across mini programs, if WeChat returned one.
    pub unionid: Option<UnionId>,
    /// WeChat's session key, encrypted.
    pub session_key: Sealed,
    /// When WeChat was called: orders the session keys of concurrent logins.
    pub asked_at: Timestamp,
    /// The key of the identity, if it is inserted.
    pub new_identity: IdentityId,
    /// The current time.
    pub now: Timestamp,
}

/// Attempts to insert a row that another transaction may delete between the insert and the read.
const ATTEMPTS: u32 = 3;

/// Inserts the identity unless its unique key exists, and returns the row, which may belong to another user. The row is
/// read back to see which transaction was first, because databases report different row counts for such an insert.
/// `None` if another transaction deleted the row each time before it was read.
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

/// Links the unionid to `user` unless it is linked already, and returns its owner; `None` if there is no unionid.
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

/// Upserts the conflict between the identity and the owner of its unionid.
pub(in crate::store) async fn union_conflict_upsert_in(
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

/// Stores the session key, unless a later login has stored its own. The replaced key becomes the previous key if it
/// differs: sealing is deterministic, so an equal key has equal bytes (unless `SECRET_KEY` was rotated in between; then
/// the previous key is the same key). `false` if the identity no longer belongs to `owner`, because it was unlinked or
/// its account was merged since it was read.
pub(in crate::store) async fn session_key_update_in(
    tx: &Connection,
    proven: &ProvenIdentity,
    (id, owner): (IdentityId, UserId),
) -> Result<bool, DbErr> {
    use identity::Column::{Id, PreviousSessionKey, SessionKey, SessionKeyAt, UserId};
    let is_there = Expr::col(SessionKey).eq(proven.session_key.clone());
    let previous = Expr::case(is_there, Expr::col(PreviousSessionKey)).finally(Expr::col(SessionKey));
    let updated = identity::Entity::update_many()
        // assigned before the key itself, because MySQL evaluates assignments from left to right
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
    // no update: the identity has a newer key, or belongs to another user
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
