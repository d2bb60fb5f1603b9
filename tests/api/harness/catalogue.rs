//! The catalogue of a database as sorted lines: columns, keys and foreign keys. Names of keys, plain indexes and
//! collations are omitted, because an entity does not define them.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Every column, unique key and foreign key of our tables, sorted.
pub(crate) async fn db_catalogue(db: &DatabaseConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for query in queries(db.get_database_backend()) {
        lines.extend(db_lines(db, query).await);
    }
    lines.sort();
    lines
}

/// The names of all tables except those of the migrations.
pub(crate) async fn db_tables(db: &DatabaseConnection) -> Vec<String> {
    let query = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        DbBackend::Postgres => "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = current_schema()",
        _ => "SELECT CAST(table_name AS CHAR) AS line FROM information_schema.tables WHERE table_schema = DATABASE()",
    };
    let mut tables = db_lines(db, query).await;
    tables.retain(|table| !table.starts_with("seaql_migrations"));
    tables.sort();
    tables
}

/// Runs a query whose only column is `line`.
pub(crate) async fn db_lines(db: &DatabaseConnection, query: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), query)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

fn queries(backend: DbBackend) -> [&'static str; 3] {
    match backend {
        DbBackend::Sqlite => SQLITE,
        DbBackend::Postgres => POSTGRES,
        _ => MYSQL,
    }
}

const SQLITE: [&str; 3] = [
    "SELECT 'column ' || t.name || '.' || c.name || ' ' || c.type || ' notnull=' || c.\"notnull\"
            || ' default=' || COALESCE(c.dflt_value, 'none') AS line
     FROM sqlite_master t, pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'seaql_migrations%'",
    "SELECT 'key ' || t.name || ' primary=' || (i.origin = 'pk') || ' '
            || (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS line
     FROM sqlite_master t, pragma_index_list(t.name) i
     WHERE t.type = 'table' AND t.name NOT LIKE 'seaql_migrations%' AND i.\"unique\"",
    "SELECT 'foreign ' || t.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\"
            || ' delete=' || f.on_delete || ' update=' || f.on_update AS line
     FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
];

const POSTGRES: [&str; 3] = [
    "SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type
            || COALESCE('(' || character_maximum_length || ')', '') || ' null=' || is_nullable
            || ' default=' || COALESCE(column_default, 'none') AS line
     FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'seaql_migrations%'",
    "SELECT 'key ' || c.relname || ' primary=' || i.indisprimary || ' ' || string_agg(a.attname, ',' ORDER BY k.n)
            AS line
     FROM pg_index i
     JOIN pg_class c ON c.oid = i.indrelid
     CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k(attribute, n)
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attribute
     WHERE c.relnamespace = current_schema()::regnamespace AND i.indisunique AND c.relname NOT LIKE 'seaql_migrations%'
     GROUP BY i.indexrelid, c.relname, i.indisprimary",
    "SELECT 'foreign ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) AS line
     FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace",
];

const MYSQL: [&str; 3] = [
    "SELECT CAST(CONCAT('column ', table_name, '.', column_name, ' ', column_type, ' null=', is_nullable,
            ' default=', COALESCE(column_default, 'none')) AS CHAR) AS line
     FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE 'seaql_migrations%'",
    "SELECT CAST(CONCAT('key ', table_name, ' primary=', index_name = 'PRIMARY', ' ',
            GROUP_CONCAT(column_name ORDER BY seq_in_index)) AS CHAR) AS line
     FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND non_unique = 0 AND table_name NOT LIKE 'seaql_migrations%'
     GROUP BY table_name, index_name",
    "SELECT CAST(CONCAT('foreign ', k.table_name, '.', k.column_name, ' ', k.referenced_table_name, '.',
            k.referenced_column_name, ' delete=', r.delete_rule, ' update=', r.update_rule) AS CHAR) AS line
     FROM information_schema.key_column_usage k
     JOIN information_schema.referential_constraints r
       ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
     WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL",
];
