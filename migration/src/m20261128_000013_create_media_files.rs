//! Creates `media_files`, with indexes for a user's pictures and for those that are to be deleted. No foreign key: not
//! every engine enforces them, and a row must outlive its user until its object is deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let media_files = table::create(manager, "media_files")
            .col(string_len("key", 64).primary_key())
            .col(uuid("user_id"))
            .col(string_len("state", 16))
            .col(big_integer("changed_at"))
            .take();
        manager.create_table(media_files).await?;
        let by_user = Index::create().col("user_id").take();
        table::add_index(manager, "media_files", "idx-media_files-user_id", by_user).await?;
        let due = Index::create().col("state").col(table::ascending("changed_at")).take();
        table::add_index(manager, "media_files", "idx-media_files-due", due).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("media_files").take()).await
    }
}
