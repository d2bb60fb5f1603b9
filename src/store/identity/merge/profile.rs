//! Merges the profiles of two users.

use entity::{
    Timestamp, UserId,
    content_flag::{self, Field},
    media_check, media_file, user, user_metadata,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use crate::store::{database::Connection, media::media_files_delete_in};

/// Fills the empty columns of `into` from `from`, and returns the updated row. The role does not change: a merge grants
/// no privileges.
pub(super) async fn merge_in(
    tx: &Connection,
    from: user::Model,
    into: user::Model,
    now: Timestamp,
) -> Result<user::Model, DbErr> {
    // without `..`: a new column does not compile until it is decided here
    let user = user::Model {
        id: into.id,
        status: into.status,
        role: into.role,
        created_at: into.created_at,
        deletes_at: into.deletes_at,
        nickname: into.nickname.or(from.nickname),
        avatar_url: into.avatar_url.or(from.avatar_url),
        locale: into.locale.or(from.locale),
        // the number and its index belong together
        phone_index: if into.sealed_phone.is_some() { into.phone_index } else { from.phone_index },
        sealed_phone: into.sealed_phone.or(from.sealed_phone),
        last_login_at: into.last_login_at.max(from.last_login_at),
        updated_at: now,
    };
    user::Entity::update_many()
        .col_expr(user::Column::Nickname, Expr::value(user.nickname.clone()))
        .col_expr(user::Column::AvatarUrl, Expr::value(user.avatar_url.clone()))
        .col_expr(user::Column::Locale, Expr::value(user.locale.clone()))
        .col_expr(user::Column::SealedPhone, Expr::value(user.sealed_phone.clone()))
        .col_expr(user::Column::PhoneIndex, Expr::value(user.phone_index.clone()))
        .col_expr(user::Column::LastLoginAt, Expr::value(user.last_login_at))
        .col_expr(user::Column::UpdatedAt, Expr::value(user.updated_at))
        .filter(user::Column::Id.eq(user.id))
        .exec(tx)
        .await?;
    Ok(user)
}

/// Moves the rows of the merged user in other tables, and deletes those that the surviving user already has.
pub(super) async fn rows_move_in(
    tx: &Connection,
    from: &user::Model,
    into: &user::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    if into.avatar_url.is_some() {
        media_files_delete_in(tx, from.id, None, now).await?;
    }
    picture_move_in(tx, from.id, into.id).await?;
    flags_move_in(tx, from.id, into).await?;
    let (from, into) = (from.id, into.id);
    if user_metadata::Entity::find_by_id(into).one(tx).await?.is_none() {
        user_metadata::Entity::update_many()
            .col_expr(user_metadata::Column::UserId, Expr::value(into))
            .filter(user_metadata::Column::UserId.eq(from))
            .exec(tx)
            .await?;
    }
    user_metadata::Entity::delete_by_id(from).exec(tx).await.map(drop)
}

/// Moves the picture in use and its pending checks. An upload in progress is abandoned, because its user no longer
/// exists.
async fn picture_move_in(tx: &Connection, from: UserId, into: UserId) -> Result<(), DbErr> {
    let checks = media_check::Entity::update_many().col_expr(media_check::Column::UserId, Expr::value(into));
    checks.filter(media_check::Column::UserId.eq(from)).exec(tx).await?;
    let update = media_file::Entity::update_many().col_expr(media_file::Column::UserId, Expr::value(into));
    let live = media_file::Column::State.eq(media_file::State::Live);
    update.filter(media_file::Column::UserId.eq(from)).filter(live).exec(tx).await.map(drop)
}

/// Moves the flags of those parts of the profile that the surviving user lacks.
async fn flags_move_in(tx: &Connection, from: UserId, into: &user::Model) -> Result<(), DbErr> {
    let lacks = [(Field::Nickname, into.nickname.is_none()), (Field::Avatar, into.avatar_url.is_none())];
    let moved: Vec<_> = lacks.into_iter().filter_map(|(field, is_lacking)| is_lacking.then_some(field)).collect();
    let replaced = content_flag::Entity::delete_many().filter(content_flag::Column::UserId.eq(into.id));
    replaced.filter(content_flag::Column::Field.is_in(moved.clone())).exec(tx).await?;
    content_flag::Entity::update_many()
        .col_expr(content_flag::Column::UserId, Expr::value(into.id))
        .filter(content_flag::Column::UserId.eq(from))
        .filter(content_flag::Column::Field.is_in(moved))
        .exec(tx)
        .await?;
    let left = content_flag::Entity::delete_many().filter(content_flag::Column::UserId.eq(from));
    left.exec(tx).await.map(drop)
}
