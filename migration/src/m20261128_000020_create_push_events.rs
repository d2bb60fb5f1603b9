//! Creates `push_events`, keyed by the hash of the event. Its rows live for a day. No foreign key: a row refers to no
//! user.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary_len};

use crate::table;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let push_events = table::create(manager, "push_events")
            .col(binary_len("event_hash", 32).primary_key())
            .col(big_integer("created_at"))
            .take();
        manager.create_table(push_events).await?;
        let by_age = Index::create().col(table::ascending("created_at")).take();
        table::add_index(manager, "push_events", "idx-push_events-created_at", by_age).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("push_events").take()).await
    }
}
