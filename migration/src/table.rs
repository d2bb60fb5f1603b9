//! Helpers to create tables and indexes in the same way on every engine.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr, StatementBuilder},
    sea_query::{IndexCreateStatement, IndexOrder, Table, TableCreateStatement},
};

use crate::Engine;

/// A statement that creates a table unless it exists. Text is compared byte for byte: MySQL's default collation would
/// treat two openids that differ only in the case of a letter as equal.
pub(crate) fn create(manager: &SchemaManager<'_>, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create().table(name).if_not_exists().take();
    if manager.get_database_backend() == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// Adds an index to a table, unless one of that name exists.
pub(crate) async fn add_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
    mut index: IndexCreateStatement,
) -> Result<(), DbErr> {
    if manager.has_index(table, name).await? {
        return Ok(());
    }
    manager.create_index(index.table(table).name(name).take()).await
}

/// An index column in ascending order. YugabyteDB would hash the first column by default, which supports no range scan.
pub(crate) fn ascending(column: &'static str) -> (&'static str, IndexOrder) {
    (column, IndexOrder::Asc)
}

/// Runs a statement that creates a key of several columns. YugabyteDB would shard the rows by the first column only:
/// all users of one mini program would be on one server.
pub(crate) async fn create_key(
    manager: &SchemaManager<'_>,
    engine: Engine,
    statement: &impl StatementBuilder,
    columns: &[&str],
) -> Result<(), DbErr> {
    let mut statement = statement.build(&manager.get_database_backend());
    if engine == Engine::YugabyteDb {
        statement.sql = hash_all_columns(&statement.sql, columns);
    }
    manager.get_connection().execute_raw(statement).await.map(drop)
}

/// The statement with its key sharded by the hash of all columns.
fn hash_all_columns(statement: &str, columns: &[&str]) -> String {
    let columns = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    statement.replace(&format!("({columns})"), &format!("(({columns}) HASH)"))
}

#[cfg(test)]
mod tests {
    use sea_orm_migration::sea_query::{Index, PostgresQueryBuilder};

    use super::*;

    #[test]
    fn key_is_sharded_by_all_columns() {
        let key = Index::create().name("key").table("links").col("open_platform").col("unionid").unique().take();
        assert_eq!(
            hash_all_columns(&key.to_string(PostgresQueryBuilder), &["open_platform", "unionid"]),
            r#"CREATE UNIQUE INDEX "key" ON "links" (("open_platform", "unionid") HASH)"#
        );
        let primary = Index::create().col("open_platform").col("unionid").take();
        let table = Table::create().table("links").primary_key(&mut primary.clone()).take();
        assert_eq!(
            hash_all_columns(&table.to_string(PostgresQueryBuilder), &["open_platform", "unionid"]),
            r#"CREATE TABLE "links" ( PRIMARY KEY (("open_platform", "unionid") HASH) )"#
        );
    }
}
