//! The steps of a login's transaction.

use entity::{
    IdentityId, SessionId, Timestamp, UnionId, UserId, identity,
    session::{self, EndReason, live},
    union_link, user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, IntoCondition},
};

use super::{Login, Stop};
use crate::store::{
    feed::Change,
    session::{endings, sessions_end_in},
};

/// Puts the identity under its unique key, unless one of the same user stands there. Who was first is told by reading
/// back what does: the number of rows an insert reports for a row that was there already differs between databases.
pub(super) async fn identity_claim_in(
    tx: &DatabaseTransaction,
    login: &Login,
    owner: UserId,
) -> Result<IdentityId, Stop> {
    identity::Entity::insert(new_identity(login, owner))
        .on_conflict_do_nothing_on([identity::Column::AppId, identity::Column::Openid])
        .exec_without_returning(tx)
        .await?;
    let identity = identity::Entity::find()
        .filter(identity::Column::AppId.eq(&login.app_id))
        .filter(identity::Column::Openid.eq(login.openid.clone()))
        .one(tx)
        .await?;
    identity.filter(|identity| identity.user_id == owner).map(|identity| identity.id).ok_or(Stop::Overtaken)
}

/// Joins a unionid to `user` unless it belongs to somebody already, and tells whose it is.
pub(super) async fn union_join_in(
    tx: &DatabaseTransaction,
    login: &Login,
    unionid: &UnionId,
    user: UserId,
) -> Result<UserId, DbErr> {
    let link = union_link::ActiveModel {
        open_platform: Set(login.open_platform.clone()),
        unionid: Set(unionid.clone()),
        user_id: Set(user),
        created_at: Set(login.now),
    };
    union_link::Entity::insert(link)
        .on_conflict_do_nothing_on([union_link::Column::OpenPlatform, union_link::Column::Unionid])
        .exec_without_returning(tx)
        .await?;
    let link = union_link::Entity::find_by_id((login.open_platform.clone(), unionid.clone())).one(tx).await?;
    link.map(|link| link.user_id).ok_or_else(|| DbErr::RecordNotFound("the unionid just written".to_owned()))
}

/// Notes the login in the user's row, and reads it.
pub(super) async fn user_greet_in(tx: &DatabaseTransaction, id: UserId, now: Timestamp) -> Result<user::Model, DbErr> {
    let last = Expr::col(user::Column::LastLoginAt);
    // later than the one before, whatever the clock says: a login can tell that another one came between
    let later = Expr::case(last.clone().lt(now), now).finally(last.add(1));
    user::Entity::update_many()
        .col_expr(user::Column::LastLoginAt, later.into())
        .filter(user::Column::Id.eq(id))
        .exec(tx)
        .await?;
    let user = user::Entity::find_by_id(id).one(tx).await?;
    user.ok_or_else(|| DbErr::RecordNotFound("the user who logs in".to_owned()))
}

/// Keeps the session key, unless a login that asked WeChat later has kept its own. The one before is kept as the previous
/// one, where it is another: the same key sealed again is the same bytes (unless `SECRET_KEY` was rotated in between: then
/// the one before is the same).
pub(super) async fn session_key_keep_in(tx: &DatabaseTransaction, id: IdentityId, login: &Login) -> Result<(), DbErr> {
    use identity::Column::{Id, PreviousSessionKey, SessionKey, SessionKeyAt};
    let is_there = Expr::col(SessionKey).eq(login.session_key.clone());
    let previous = Expr::case(is_there, Expr::col(PreviousSessionKey)).finally(Expr::col(SessionKey));
    identity::Entity::update_many()
        // before the key itself: MySQL assigns from left to right
        .col_expr(PreviousSessionKey, previous.into())
        .col_expr(SessionKey, Expr::value(login.session_key.clone()))
        .col_expr(SessionKeyAt, Expr::value(login.asked_at))
        .filter(Id.eq(id))
        .filter(SessionKeyAt.lt(login.asked_at))
        .exec(tx)
        .await
        .map(drop)
}

pub(super) async fn session_open_in(
    tx: &DatabaseTransaction,
    user: UserId,
    identity: IdentityId,
    login: &Login,
) -> Result<session::Model, DbErr> {
    let session = new_session(user, identity, login);
    let row = session::ActiveModel::from(session.clone()).reset_all();
    session::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(session)
}

/// The session a login opens.
pub(super) fn new_session(user: UserId, identity: IdentityId, login: &Login) -> session::Model {
    let new = &login.session;
    session::Model {
        id: new.id,
        user_id: user,
        identity_id: identity,
        refresh_generation: 0,
        device_id: new.device_id.clone(),
        device_name: new.device_name.clone(),
        user_agent: new.user_agent.clone(),
        ip_prefix: new.ip_prefix.clone(),
        created_at: login.now,
        last_used_at: login.now,
        expires_at: new.expires_at,
        ended_at: None,
        end_reason: None,
    }
}

/// Ends the older sessions of the same device, and the oldest ones beyond the cap.
pub(super) async fn sessions_cap_in(
    tx: &DatabaseTransaction,
    opened: &session::Model,
    login: &Login,
) -> Result<Vec<Change>, DbErr> {
    let (owner, now) = (opened.user_id, login.now);
    let others = session::Column::Id.ne(opened.id);
    let mut changes = Vec::new();
    if let Some(device) = &opened.device_id {
        let same_device = others.clone().and(session::Column::DeviceId.eq(device)).into_condition();
        let ended = sessions_end_in(tx, owner, same_device, EndReason::Replaced, now).await?;
        changes.extend(endings(&ended, EndReason::Replaced));
    }
    let surplus: Vec<SessionId> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::UserId.eq(owner))
        .filter(others)
        .filter(live(now))
        .order_by_desc(session::Column::Id)
        .offset(u64::from(login.sessions_per_user.saturating_sub(1)))
        // one login makes one too many; a cap that was lowered makes more
        .limit(100)
        .into_tuple()
        .all(tx)
        .await?;
    if !surplus.is_empty() {
        let surplus = session::Column::Id.is_in(surplus).into_condition();
        let ended = sessions_end_in(tx, owner, surplus, EndReason::Evicted, now).await?;
        changes.extend(endings(&ended, EndReason::Evicted));
    }
    Ok(changes)
}

pub(super) fn new_user(login: &Login) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(login.new_user),
        nickname: Set(None),
        avatar_url: Set(None),
        locale: Set(None),
        phone_number: Set(None),
        status: Set(user::Status::Active),
        role: Set(user::Role::User),
        created_at: Set(login.now),
        updated_at: Set(login.now),
        last_login_at: Set(login.now),
    }
}

pub(super) fn new_identity(login: &Login, user: UserId) -> identity::ActiveModel {
    identity::ActiveModel {
        id: Set(login.new_identity),
        user_id: Set(user),
        app_id: Set(login.app_id.clone()),
        openid: Set(login.openid.clone()),
        session_key: Set(login.session_key.clone()),
        session_key_at: Set(login.asked_at),
        previous_session_key: Set(None),
        created_at: Set(login.now),
    }
}
