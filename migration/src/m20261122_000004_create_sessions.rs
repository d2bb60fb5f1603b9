//! Creates `sessions`, with indexes for the list of a user's sessions and for the expired ones.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string_len_null, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sessions = table::create(manager, "sessions")
            .col(uuid("id").primary_key())
            .col(uuid("user_id"))
            .col(uuid("identity_id"))
            .col(big_integer("refresh_generation"))
            .col(string_len_null("device_id", 64))
            .col(string_len_null("device_name", 64))
            .col(string_len_null("user_agent", 256))
            .col(string_len_null("ip_prefix", 64))
            .col(big_integer("created_at"))
            .col(big_integer("last_used_at"))
            .col(big_integer("expires_at"))
            .col(big_integer_null("ended_at"))
            .col(string_len_null("end_reason", 16))
            .foreign_key(&mut cascade("user_id", "users"))
            .foreign_key(&mut cascade("identity_id", "identities"))
            .take();
        manager.create_table(sessions).await?;
        // the list of a user's live sessions in order of creation: two equality conditions, then a range of keys
        let user_list = Index::create().col("user_id").col("ended_at").col("id").take();
        table::add_index(manager, "sessions", "idx-sessions-user_list", user_list).await?;
        let by_identity = Index::create().col("identity_id").take();
        table::add_index(manager, "sessions", "idx-sessions-identity_id", by_identity).await?;
        let by_expiry = Index::create().col(table::ascending("expires_at")).take();
        table::add_index(manager, "sessions", "idx-sessions-expires_at", by_expiry).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("sessions").take()).await
    }
}

fn cascade(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk-sessions-{column}"))
        .from("sessions", column)
        .to(table, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
