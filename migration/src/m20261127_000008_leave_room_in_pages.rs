//! Leaves room in the pages of the tables whose rows each login changes. PostgreSQL writes a changed row anew: where its
//! page has room for that, the indexes need not know ("Heap-Only Tuples" in PostgreSQL's manual). This is about new pages;
//! `VACUUM FULL` writes the old ones anew, where somebody wants that.

use sea_orm_migration::prelude::*;

use crate::Engine;

/// Tables, and how much of a page is filled with new rows, in percent. Those of `code_exchanges` are all changed soon.
const FILL: [(&str, u32); 3] = [("users", 85), ("identities", 85), ("code_exchanges", 50)];

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
    async fn alter(&self, manager: &SchemaManager<'_>, what: impl Fn(u32) -> String + Send) -> Result<(), DbErr> {
        if self.0 != Engine::Postgres {
            return Ok(());
        }
        for (table, percent) in FILL {
            let statement = format!("ALTER TABLE {table} {}", what(percent));
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
