//! Creates `content_flags`. No foreign key: not every engine enforces them, so the transaction that removes a user
//! removes these rows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer_null, string_len, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let content_flags = table::create(manager, "content_flags")
            .col(uuid("user_id"))
            .col(string_len("field", 16))
            .col(string_len("suggestion", 16))
            .col(integer_null("label"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col("user_id").col("field"))
            .take();
        manager.create_table(content_flags).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("content_flags").take()).await
    }
}
