//! Whether a migration runs in a transaction, which depends on the engine and not on the migration.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager, async_trait::async_trait};

use crate::Engine;

/// A migration as it is run on an engine.
pub(crate) struct OnEngine {
    pub(crate) engine: Engine,
    pub(crate) migration: Box<dyn MigrationTrait>,
}

impl MigrationName for OnEngine {
    fn name(&self) -> &str {
        self.migration.name()
    }
}

#[async_trait]
impl MigrationTrait for OnEngine {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.migration.down(manager).await
    }

    /// CockroachDB limits what changes of tables may share a transaction, and YugabyteDB commits each by itself.
    fn use_transaction(&self) -> Option<bool> {
        Some(self.engine.rolls_back_ddl())
    }
}
