//! What every table of ours has in common.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::DbBackend,
    sea_query::{Table, TableCreateStatement},
};

/// A new table that compares text byte for byte. MySQL's default collation would take two openids that differ
/// only in the case of a letter for one person.
pub(crate) fn create(manager: &SchemaManager<'_>, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create().table(name).take();
    if manager.get_database_backend() == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}
