//! Creates `users`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_len, string_len_null, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let users = table::create(manager, "users")
            .col(uuid("id").primary_key())
            .col(string_len_null("nickname", 64))
            .col(string_len_null("avatar_url", 512))
            .col(string_len_null("locale", 35))
            .col(string_len_null("phone_number", 20))
            .col(string_len("status", 16))
            .col(string_len("role", 16))
            .col(big_integer("created_at"))
            .col(big_integer("updated_at"))
            .col(big_integer("last_login_at"))
            .take();
        manager.create_table(users).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("users").take()).await
    }
}
