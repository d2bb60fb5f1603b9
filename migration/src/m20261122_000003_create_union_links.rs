//! Creates `union_links`, keyed by open-platform account and unionid.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, uuid};

use crate::{Engine, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration(pub(crate) Engine);

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let union_links = table::create(manager, "union_links")
            .col(string_len("open_platform", 64))
            .col(string_len("unionid", 64))
            .col(uuid("user_id"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col("open_platform").col("unionid"))
            .foreign_key(
                ForeignKey::create()
                    .name("fk-union_links-user_id")
                    .from("union_links", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        table::create_key(manager, self.0, &union_links, &["open_platform", "unionid"]).await?;
        let by_user = Index::create().col("user_id").take();
        table::add_index(manager, "union_links", "idx-union_links-user_id", by_user).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("union_links").take()).await
    }
}
