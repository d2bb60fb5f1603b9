//! Creates `user_metadata`: a table of its own, so that the rows of `users`, which every request reads, stay small. No
//! foreign key: not every engine enforces them, so the transaction that removes a user removes this row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user_metadata = table::create(manager, "user_metadata")
            .col(uuid("user_id").primary_key())
            .col(text("json"))
            .col(big_integer("changed_at"))
            .take();
        manager.create_table(user_metadata).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("user_metadata").take()).await
    }
}
