//! What every table of ours has in common.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr, StatementBuilder},
    sea_query::{IndexCreateStatement, IndexOrder, Table, TableCreateStatement},
};

use crate::Engine;

/// A new table, where there is none of the name, that compares text byte for byte. MySQL's default collation would take
/// two openids that differ only in the case of a letter for one person.
pub(crate) fn create(manager: &SchemaManager<'_>, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create().table(name).if_not_exists().take();
    if manager.get_database_backend() == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// Adds an index to a table, unless it has one of the name.
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

/// A column of an index that is read in its order. YugabyteDB would hash it, and find no range by it.
pub(crate) fn in_order(column: &'static str) -> (&'static str, IndexOrder) {
    (column, IndexOrder::Asc)
}

/// Runs a statement that makes a key of several columns. YugabyteDB would put all rows with the same first column on one
/// server: all users of one mini program.
pub(crate) async fn create_key(
    manager: &SchemaManager<'_>,
    engine: Engine,
    statement: &impl StatementBuilder,
    columns: &[&str],
) -> Result<(), DbErr> {
    let mut statement = statement.build(&manager.get_database_backend());
    if engine == Engine::YugabyteDb {
        statement.sql = spread(&statement.sql, columns);
    }
    manager.get_connection().execute_raw(statement).await.map(drop)
}

/// The same statement with a key that distributes rows by all of its columns.
fn spread(statement: &str, columns: &[&str]) -> String {
    let columns = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    statement.replace(&format!("({columns})"), &format!("(({columns}) HASH)"))
}

#[cfg(test)]
mod tests {
    use sea_orm_migration::sea_query::{Index, PostgresQueryBuilder};

    use super::*;

    #[test]
    fn a_key_is_spread_by_all_of_its_columns() {
        let key = Index::create().name("key").table("links").col("open_platform").col("unionid").unique().take();
        assert_eq!(
            spread(&key.to_string(PostgresQueryBuilder), &["open_platform", "unionid"]),
            r#"CREATE UNIQUE INDEX "key" ON "links" (("open_platform", "unionid") HASH)"#
        );
        let primary = Index::create().col("open_platform").col("unionid").take();
        let table = Table::create().table("links").primary_key(&mut primary.clone()).take();
        assert_eq!(
            spread(&table.to_string(PostgresQueryBuilder), &["open_platform", "unionid"]),
            r#"CREATE TABLE "links" ( PRIMARY KEY (("open_platform", "unionid") HASH) )"#
        );
    }
}
