//! Creates `code_exchanges`, keyed by the hash of the code.
//!
//! Its rows live for seconds, and each login writes one twice. Therefore PostgreSQL keeps the table out of its
//! write-ahead log: after a crash the table is empty, and a client in the middle of a login calls `wx.login` once more.
//! For the same reason the purge has no index: the table holds the logins of the last minute only, and each login would
//! pay for the index.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary_len, var_binary_null};

use crate::{Engine, table};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration(pub(crate) Engine);

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let code_exchanges = table::create(manager, "code_exchanges")
            .col(binary_len("code_hash", 32).primary_key())
            .col(var_binary_null("outcome", 2048))
            .col(big_integer("expires_at"))
            .take();
        manager.create_table(code_exchanges).await?;
        if self.0 == Engine::Postgres {
            manager.get_connection().execute_unprepared("ALTER TABLE code_exchanges SET UNLOGGED").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("code_exchanges").take()).await
    }
}
