//! Creates `media_checks`, with an index by age for the job that removes checks whose result never arrived. No foreign
//! keys: not every engine enforces them, so the program deletes the rows explicitly.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let media_checks = table::create(manager, "media_checks")
            .col(string_len("trace_id", 128).primary_key())
            .col(string_len("app_id", 64))
            .col(uuid("user_id"))
            .col(string_len("media_key", 64))
            .col(big_integer("created_at"))
            .take();
        manager.create_table(media_checks).await?;
        let by_age = Index::create().col(table::ascending("created_at")).take();
        table::add_index(manager, "media_checks", "idx-media_checks-created_at", by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("media_checks").take()).await
    }
}
