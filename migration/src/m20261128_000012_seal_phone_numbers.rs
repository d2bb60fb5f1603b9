//! Stores telephone numbers encrypted, with a unique index by which one is found and belongs to one user. Drops the
//! column for plain numbers, which was never written.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_len_null, var_binary_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::table;

const INDEX: &str = "idx-users-phone_index";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "sealed_phone", var_binary_null("sealed_phone", 128)).await?;
        add(manager, "phone_index", var_binary_null("phone_index", 32)).await?;
        table::add_index(manager, "users", INDEX, index(manager.get_database_backend())).await?;
        drop(manager, "phone_number").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "phone_number", string_len_null("phone_number", 20)).await?;
        if manager.has_index("users", INDEX).await? {
            manager.drop_index(Index::drop().name(INDEX).table("users").to_owned()).await?;
        }
        drop(manager, "phone_index").await?;
        drop(manager, "sealed_phone").await
    }
}

/// A partial index where the database has them, because most users have no number.
fn index(backend: DbBackend) -> IndexCreateStatement {
    let mut index = Index::create().unique().col("phone_index").take();
    if backend != DbBackend::MySql {
        index.and_where(Expr::col("phone_index").is_not_null());
    }
    index
}

/// Adds one column at a time, because `SQLite` alters only one per statement.
async fn add(manager: &SchemaManager<'_>, name: &str, column: impl IntoColumnDef) -> Result<(), DbErr> {
    if manager.has_column("users", name).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table("users").add_column(column).take()).await
}

async fn drop(manager: &SchemaManager<'_>, name: &'static str) -> Result<(), DbErr> {
    if !manager.has_column("users", name).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table("users").drop_column(name).take()).await
}
