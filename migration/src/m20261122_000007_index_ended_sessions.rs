//! Indexes sessions by the time at which they were ended, for the job that removes old ones.

use sea_orm_migration::prelude::*;

use crate::table;

const INDEX: &str = "idx-sessions-ended_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_ending = Index::create().col(table::ascending("ended_at")).take();
        table::add_index(manager, "sessions", INDEX, by_ending).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(INDEX).table("sessions").to_owned()).await
    }
}
