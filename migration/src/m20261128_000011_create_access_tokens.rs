//! Creates `access_tokens`: the access token of each mini program, which all nodes share. This and all later tables
//! have no foreign keys: not every engine enforces them, so the program deletes dependent rows explicitly.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string_len, var_binary_null};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let access_tokens = table::create(manager, "access_tokens")
            .col(string_len("app_id", 64).primary_key())
            .col(var_binary_null("sealed_token", 1024))
            .col(big_integer("expires_at"))
            .col(big_integer_null("renewing_until"))
            .take();
        manager.create_table(access_tokens).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("access_tokens").take()).await
    }
}
