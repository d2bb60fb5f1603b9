//! Decides whether a migration runs in a transaction: that depends on the engine, not on the migration.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

use crate::Engine;

/// A migration with the engine it runs on.
pub(crate) struct EngineMigration {
    pub(crate) engine: Engine,
    pub(crate) migration: Box<dyn MigrationTrait>,
}

impl MigrationName for EngineMigration {
    fn name(&self) -> &str {
        self.migration.name()
    }
}

#[async_trait]
impl MigrationTrait for EngineMigration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.down(manager).await
    }

    /// CockroachDB restricts which schema changes may share a transaction, and YugabyteDB commits each of them by
    /// itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(self.engine.rolls_back_ddl())
    }
}
