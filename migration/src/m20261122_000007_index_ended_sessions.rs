//! Indexes sessions by the moment they were ended, for the job that removes old ones.

use sea_orm_migration::prelude::*;

use crate::table;

const NAME: &str = "idx-sessions-ended_at";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_ending = Index::create().col(table::in_order("ended_at")).take();
        table::add_index(manager, "sessions", NAME, by_ending).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table("sessions").to_owned()).await
    }
}
