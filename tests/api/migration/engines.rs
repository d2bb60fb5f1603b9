//! Engines with the protocol of another database: which features the migrations avoid there, and how an interrupted
//! migration continues. The tests run these migrations on the ordinary servers, because the statements are plain SQL.

use migration::{Engine, Migrator};
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTraitSelf;

use crate::harness::{DatabaseKind, TestDatabase, db_catalogue, db_lines, db_tables};

on_each_empty_database! {
    async fn compatible_engines_get_the_same_tables(database: Arc<TestDatabase>) {
        let db = database.db_connect().await;
        let [native, compatible @ ..] = engines(database.kind) else { return };
        Migrator::new(*native).up(&db, None).await.unwrap();
        let expected = db_catalogue(&db).await;
        for engine in compatible {
            Migrator::new(*engine).down(&db, None).await.unwrap();
            assert_eq!(db_tables(&db).await, [""; 0]);
            Migrator::new(*engine).up(&db, None).await.unwrap();
            assert_eq!(db_catalogue(&db).await, expected, "{engine:?}");
        }
    }

    async fn postgres_only_features_are_not_used_on_compatible_engines(database: Arc<TestDatabase>) {
        if database.kind != DatabaseKind::Postgres {
            return;
        }
        let db = database.db_connect().await;
        Migrator::new(Engine::CockroachDb).up(&db, None).await.unwrap();
        let query = "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind = 'r' AND (relpersistence <> 'p' OR reloptions IS NOT NULL)";
        assert_eq!(db_lines(&db, query).await, [""; 0]);
    }

    async fn interrupted_migration_is_completed(database: Arc<TestDatabase>) {
        let db = database.db_connect().await;
        let store = database.store().await;
        store.migrate().await.unwrap();
        let complete = db_catalogue(&db).await;
        let indexes = db_indexes(&database).await;
        // no migration is recorded, and some are half applied
        for loss in ["DELETE FROM seaql_migrations", "DROP TABLE code_exchanges", drop_index(database.kind)] {
            db.execute_unprepared(loss).await.unwrap();
        }
        db.execute_unprepared("DELETE FROM feed_heads WHERE lane > 7").await.unwrap();
        db.execute_unprepared("UPDATE feed_heads SET position = 5").await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(db_catalogue(&db).await, complete);
        assert_eq!(db_indexes(&database).await, indexes);
        let heads = db_lines(&db, "SELECT CAST(SUM(position) AS CHAR(9)) AS line FROM feed_heads").await;
        assert_eq!(heads[0].trim(), "40", "existing rows stay, and the others begin at 0");
    }
}

/// The engines whose migrations a server can run, itself first.
fn engines(kind: DatabaseKind) -> &'static [Engine] {
    match kind {
        DatabaseKind::Sqlite => &[Engine::Sqlite],
        DatabaseKind::Postgres => &[Engine::Postgres, Engine::CockroachDb],
        DatabaseKind::MySql => &[Engine::MySql, Engine::TiDb, Engine::OceanBase],
    }
}

fn drop_index(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::MySql => "DROP INDEX `idx-feed-created_at` ON feed",
        _ => "DROP INDEX \"idx-feed-created_at\"",
    }
}

/// The names of all indexes.
async fn db_indexes(database: &TestDatabase) -> Vec<String> {
    let query = match database.kind {
        DatabaseKind::Sqlite => "SELECT name AS line FROM sqlite_master WHERE type = 'index' ORDER BY name",
        DatabaseKind::Postgres => {
            "SELECT indexname::text AS line FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        }
        DatabaseKind::MySql => {
            "SELECT DISTINCT CAST(CONCAT(table_name, ' ', index_name) AS CHAR) AS line
             FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY line"
        }
    };
    db_lines(&database.db_connect().await, query).await
}
