//! Creates `identities`, unique by mini program and openid.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, uuid, var_binary, var_binary_null};

use crate::{Engine, table};

const APP_OPENID_KEY: &str = "idx-identities-app_openid";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration(pub(crate) Engine);

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let identities = table::create(manager, "identities")
            .col(uuid("id").primary_key())
            .col(uuid("user_id"))
            .col(string_len("app_id", 64))
            .col(string_len("openid", 64))
            .col(var_binary("session_key", 512))
            .col(big_integer("session_key_at"))
            .col(var_binary_null("previous_session_key", 512))
            .col(big_integer("created_at"))
            .foreign_key(
                ForeignKey::create()
                    .name("fk-identities-user_id")
                    .from("identities", "user_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        manager.create_table(identities).await?;
        if !manager.has_index("identities", APP_OPENID_KEY).await? {
            let key =
                Index::create().name(APP_OPENID_KEY).table("identities").col("app_id").col("openid").unique().take();
            table::create_key(manager, self.0, &key, &["app_id", "openid"]).await?;
        }
        let by_user = Index::create().col("user_id").take();
        table::add_index(manager, "identities", "idx-identities-user_id", by_user).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("identities").take()).await
    }
}
