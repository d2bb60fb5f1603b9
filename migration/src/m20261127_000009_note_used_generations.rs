//! Adds to `sessions` the time of the last refresh, and the newest generation of which an access token was used.
//! Together they distinguish a lost response from a stolen refresh token.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "refreshed_at", big_integer_null("refreshed_at")).await?;
        // with a default, so that a server of the previous version can still insert sessions
        add(manager, "used_generation", big_integer("used_generation").default(0).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["used_generation", "refreshed_at"] {
            manager.alter_table(Table::alter().table("sessions").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

/// Adds one column at a time, because `SQLite` adds only one per statement. An interrupted run may have added it
/// already.
async fn add(manager: &SchemaManager<'_>, name: &str, column: impl IntoColumnDef) -> Result<(), DbErr> {
    if manager.has_column("sessions", name).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table("sessions").add_column(column).take()).await
}
