//! The steps of a login's transaction.

use entity::{IdentityId, Timestamp, UserId, session, user};
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::Login;
use crate::store::database::Connection;

/// Sets `last_login_at` in the user's row, and returns the row; `None` if the user does not exist.
pub(super) async fn touch_last_login_in(
    tx: &Connection,
    id: UserId,
    now: Timestamp,
) -> Result<Option<user::Model>, DbErr> {
    let last = Expr::col(user::Column::LastLoginAt);
    // greater than the previous value even if the clock was set back, so that a batched login detects every login in
    // between
    let later = Expr::case(last.clone().lt(now), now).finally(last.add(1));
    user::Entity::update_many()
        .col_expr(user::Column::LastLoginAt, later.into())
        .filter(user::Column::Id.eq(id))
        .exec(tx)
        .await?;
    user::Entity::find_by_id(id).one(tx).await
}

pub(super) async fn session_insert_in(
    tx: &Connection,
    user: UserId,
    identity: IdentityId,
    login: &Login,
) -> Result<session::Model, DbErr> {
    let session = new_session(user, identity, login);
    let row = session::ActiveModel::from(session.clone()).reset_all();
    session::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(session)
}

/// The session of a login.
pub(super) fn new_session(user: UserId, identity: IdentityId, login: &Login) -> session::Model {
    let new = &login.session;
    session::Model {
        id: new.id,
        user_id: user,
        identity_id: identity,
        refresh_generation: 0,
        refreshed_at: None,
        used_generation: 0,
        device_id: new.device_id.clone(),
        device_name: new.device_name.clone(),
        user_agent: new.user_agent.clone(),
        ip_prefix: new.ip_prefix.clone(),
        created_at: login.identity.now,
        last_used_at: login.identity.now,
        expires_at: new.expires_at,
        ended_at: None,
        end_reason: None,
    }
}

/// Inserts the user of a first login.
pub(super) async fn user_create_in(tx: &Connection, login: &Login) -> Result<user::Model, DbErr> {
    let user = user::Model {
        id: login.new_user,
        nickname: None,
        avatar_url: None,
        locale: None,
        sealed_phone: None,
        phone_index: None,
        status: user::Status::Active,
        role: user::Role::User,
        created_at: login.identity.now,
        updated_at: login.identity.now,
        last_login_at: login.identity.now,
        deletes_at: None,
    };
    user::Entity::insert(user::ActiveModel::from(user.clone()).reset_all()).exec_without_returning(tx).await?;
    Ok(user)
}
