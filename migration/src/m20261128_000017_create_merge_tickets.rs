//! Creates `merge_tickets`, keyed by the hash of the ticket. Its rows live for minutes. No foreign keys: see
//! `merged_users`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary_len, uuid};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let merge_tickets = table::create(manager, "merge_tickets")
            .col(binary_len("ticket_hash", 32).primary_key())
            .col(uuid("user_id"))
            .col(uuid("identity_id"))
            .col(big_integer("expires_at"))
            .take();
        manager.create_table(merge_tickets).await?;
        let indexes = [
            ("idx-merge_tickets-user_id", Index::create().col("user_id").take()),
            ("idx-merge_tickets-identity_id", Index::create().col("identity_id").take()),
            ("idx-merge_tickets-expires_at", Index::create().col(table::ascending("expires_at")).take()),
        ];
        for (name, index) in indexes {
            table::add_index(manager, "merge_tickets", name, index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("merge_tickets").take()).await
    }
}
