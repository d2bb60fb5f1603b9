//! Creates `merged_users`, which maps the id of a merged user to the surviving user, and `union_conflicts`, the
//! identities whose unionid belongs to another user. No foreign keys: not every engine enforces them, so the
//! transaction that removes a user removes these rows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let merged_users = table::create(manager, "merged_users")
            .col(uuid("id").primary_key())
            .col(uuid("into_user"))
            .col(big_integer("created_at"))
            .take();
        manager.create_table(merged_users).await?;
        let by_survivor = Index::create().col("into_user").take();
        table::add_index(manager, "merged_users", "idx-merged_users-into_user", by_survivor).await?;
        let union_conflicts = table::create(manager, "union_conflicts")
            .col(uuid("identity_id").primary_key())
            .col(string_len("open_platform", 64))
            .col(string_len("unionid", 64))
            .col(big_integer("created_at"))
            .take();
        manager.create_table(union_conflicts).await?;
        let by_unionid = Index::create().col("unionid").take();
        table::add_index(manager, "union_conflicts", "idx-union_conflicts-unionid", by_unionid).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("union_conflicts").take()).await?;
        manager.drop_table(Table::drop().table("merged_users").take()).await
    }
}
