//! Lowers the fill factor of the tables whose rows every login updates. PostgreSQL writes an updated row as a new
//! tuple; if the page has free space for it, the indexes need no update ("Heap-Only Tuples" in PostgreSQL's manual).
//! The setting applies to new pages; `VACUUM FULL` rewrites the old ones.

use sea_orm_migration::prelude::*;

use crate::Engine;

/// Tables and their fill factor in percent. It is lowest for `code_exchanges`, because every row of it is updated soon.
const FILL_FACTORS: [(&str, u32); 3] = [("users", 85), ("identities", 85), ("code_exchanges", 50)];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration(pub(crate) Engine);

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.alter(manager, |percent| format!("SET (fillfactor = {percent})")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.alter(manager, |_| "RESET (fillfactor)".to_owned()).await
    }
}

impl Migration {
    async fn alter(&self, manager: &SchemaManager<'_>, option: impl Fn(u32) -> String + Send) -> Result<(), DbErr> {
        if self.0 != Engine::Postgres {
            return Ok(());
        }
        for (table, percent) in FILL_FACTORS {
            let statement = format!("ALTER TABLE {table} {}", option(percent));
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
