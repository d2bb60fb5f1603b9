//! The row lock of a user: the first lock of every transaction about a user.

use entity::{UserId, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use super::database::Connection;

/// Locks the row by an update that changes nothing; `false` if it does not exist.
pub(super) async fn user_lock_in(tx: &Connection, user: UserId) -> Result<bool, DbErr> {
    let touch = user::Entity::update_many()
        .col_expr(user::Column::UpdatedAt, Expr::col(user::Column::UpdatedAt))
        .filter(user::Column::Id.eq(user));
    Ok(touch.exec(tx).await?.rows_affected > 0)
}
