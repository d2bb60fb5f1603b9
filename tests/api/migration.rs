//! Migrations: they can be reverted, agree with the entities, can run concurrently, and decide whether the server
//! starts.

mod engines;
mod lock;

use std::{env::VarError, sync::Arc};

use migration::Migrator;
use miniaccount::{
    config::{self, Config},
    server::Server,
    store::SchemaState,
};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use secrecy::ExposeSecret;

use crate::harness::{DatabaseKind, Program, TestDatabase, db_catalogue, db_lines, db_tables, folder};

const TABLES: [&str; 16] = [
    "access_tokens",
    "code_exchanges",
    "content_flags",
    "feed",
    "feed_heads",
    "identities",
    "media_checks",
    "media_files",
    "merge_tickets",
    "merged_users",
    "push_events",
    "sessions",
    "union_conflicts",
    "union_links",
    "user_metadata",
    "users",
];

on_each_empty_database! {
    async fn migrations_can_be_reverted_and_applied_again(database: Arc<TestDatabase>) {
        let (store, db) = (database.store().await, database.db_connect().await);
        store.migrate().await.unwrap();
        assert_eq!(db_tables(&db).await, TABLES);
        let created = db_catalogue(&db).await;
        store.unmigrate().await.unwrap();
        assert_eq!(db_tables(&db).await, [""; 0]);
        store.migrate().await.unwrap();
        assert_eq!(db_catalogue(&db).await, created);
    }

    async fn migrations_and_entities_describe_the_same_tables(database: Arc<TestDatabase>) {
        database.store().await.migrate().await.unwrap();
        let migrated = db_catalogue(&database.db_connect().await).await;
        assert_eq!(migrated, db_catalogue_of_entities(database.kind).await);
        assert_eq!(migrated.iter().filter(|line| line.starts_with("foreign ")).count(), 2, "{migrated:#?}");
        // in SQLite an integer primary key is the rowid, and has no index
        let keys = if database.kind == DatabaseKind::Sqlite { 17 } else { 18 };
        assert_eq!(migrated.iter().filter(|line| line.starts_with("key ")).count(), keys, "{migrated:#?}");
    }

    async fn comparison_of_schemas_detects_every_kind_of_difference(database: Arc<TestDatabase>) {
        let db = database.db_connect().await;
        database.store().await.migrate().await.unwrap();
        for change in [
            "ALTER TABLE users ADD COLUMN shoe_size varchar(3)",
            "ALTER TABLE users DROP COLUMN locale",
            "CREATE UNIQUE INDEX one_name ON users (nickname)",
            "CREATE TABLE pets (id integer)",
            "DROP TABLE sessions",
        ] {
            let before = db_catalogue(&db).await;
            db.execute_unprepared(change).await.unwrap();
            assert_ne!(db_catalogue(&db).await, before, "{change}");
        }
    }

    async fn short_lived_tables_are_unlogged_on_postgres(database: Arc<TestDatabase>) {
        if database.kind != DatabaseKind::Postgres {
            return; // other databases have no unlogged tables
        }
        database.store().await.migrate().await.unwrap();
        let query = "SELECT relname::text AS line FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'";
        assert_eq!(db_lines(&database.db_connect().await, query).await, ["code_exchanges"]);
    }

    async fn often_updated_tables_have_a_fill_factor_on_postgres(database: Arc<TestDatabase>) {
        if database.kind != DatabaseKind::Postgres {
            return; // other databases update rows in place
        }
        database.store().await.migrate().await.unwrap();
        let query = "SELECT relname || ' ' || array_to_string(reloptions, ' ') AS line FROM pg_class
            WHERE relkind = 'r' AND reloptions IS NOT NULL AND relnamespace = 'public'::regnamespace ORDER BY relname";
        let expected = ["code_exchanges fillfactor=50", "identities fillfactor=85", "users fillfactor=85"];
        assert_eq!(db_lines(&database.db_connect().await, query).await, expected);
    }

    async fn text_is_compared_byte_for_byte(database: Arc<TestDatabase>) {
        if database.kind != DatabaseKind::MySql {
            return; // other databases always compare bytes
        }
        database.store().await.migrate().await.unwrap();
        let query = "SELECT DISTINCT CAST(collation_name AS CHAR) AS line FROM information_schema.columns
             WHERE table_schema = DATABASE() AND collation_name IS NOT NULL
             AND table_name NOT LIKE 'seaql_migrations%'";
        assert_eq!(db_lines(&database.db_connect().await, query).await, ["utf8mb4_bin"]);
    }

    async fn concurrent_migrations_all_succeed(database: Arc<TestDatabase>) {
        let racers = (0..4).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move { database.store().await.migrate().await })
        });
        let mut found = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            found.push(racer.await.unwrap().unwrap());
        }
        // one migrated, and the others found nothing to do
        let pending = SchemaState::Behind(Migrator::names().len());
        assert_eq!(found.iter().filter(|state| **state == pending).count(), 1, "{found:?}");
        assert_eq!(found.iter().filter(|state| **state == SchemaState::Current).count(), 3, "{found:?}");
        assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
        assert_eq!(db_tables(&database.db_connect().await).await, TABLES);
    }

    async fn schema_state_is_read_without_a_write(database: Arc<TestDatabase>) {
        let (store, db) = (database.store().await, database.db_connect().await);
        let all = Migrator::names().len();
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind(all));
        assert_eq!(db_tables(&db).await, [""; 0]);
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Behind(all));
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Current);
        db_delete_the_last_migration(&db).await;
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind(1));
        db_add_an_unknown_migration(&db).await;
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Ahead(1));
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Ahead(1));
    }

    async fn outdated_database_is_migrated_or_refused_with_a_hint(database: Arc<TestDatabase>) {
        let started = Server::start(config(&database)).await.map(drop);
        if database.kind == DatabaseKind::Sqlite {
            started.unwrap();
            assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
        } else {
            let all = Migrator::names().len();
            let expected =
                format!("the database is {all} migration(s) behind this program: run `miniaccount migrate` first");
            assert_eq!(started.unwrap_err().to_string(), expected);
            assert_eq!(db_tables(&database.db_connect().await).await, [""; 0]);
        }
    }

    async fn database_newer_than_the_program_is_refused(database: Arc<TestDatabase>) {
        database.store().await.migrate().await.unwrap();
        db_add_an_unknown_migration(&database.db_connect().await).await;
        let refusal = "the database is 1 migration(s) ahead of this program: run the version that migrated it, or a \
                       newer one";
        let started = Server::start(config(&database)).await.map(drop);
        assert_eq!(started.unwrap_err().to_string(), refusal);
        let run = migrate(&database).await;
        assert_eq!((run.code, run.stderr.trim_end()), (Some(1), refusal));
    }

    async fn migrate_command_can_be_repeated(database: Arc<TestDatabase>) {
        let first = migrate(&database).await;
        assert_eq!(first.code, Some(0), "{first:?}");
        let all = Migrator::names().len();
        assert!(first.stdout.contains(&format!("applied {all} migration(s).")), "{first:?}");
        let second = migrate(&database).await;
        assert_eq!(second.code, Some(0), "{second:?}");
        assert!(second.stdout.contains("is up to date."), "{second:?}");
        assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
    }
}

/// The catalogue of tables created from the entities, in a separate database.
async fn db_catalogue_of_entities(kind: DatabaseKind) -> Vec<String> {
    let database = TestDatabase::create(kind).await.unwrap();
    let db = database.db_connect().await;
    let tables = db.get_schema_builder().register(entity::user::Entity).register(entity::identity::Entity);
    let tables = tables.register(entity::union_link::Entity).register(entity::session::Entity);
    let tables = tables.register(entity::code_exchange::Entity);
    let tables = tables.register(entity::feed::Entity).register(entity::feed_head::Entity);
    let tables = tables.register(entity::merged_user::Entity).register(entity::union_conflict::Entity);
    let tables = tables.register(entity::merge_ticket::Entity);
    let tables = tables.register(entity::access_token::Entity);
    let tables = tables.register(entity::user_metadata::Entity).register(entity::content_flag::Entity);
    let tables = tables.register(entity::push_event::Entity).register(entity::media_file::Entity);
    let tables = tables.register(entity::media_check::Entity);
    let created = tables.apply(&db).await;
    let catalogue = db_catalogue(&db).await;
    db.close().await.unwrap();
    database.remove().await;
    created.unwrap();
    catalogue
}

async fn db_delete_the_last_migration(db: &DatabaseConnection) {
    let last = Migrator::names().pop().unwrap();
    db.execute_unprepared(&format!("DELETE FROM seaql_migrations WHERE version = '{last}'")).await.unwrap();
}

async fn db_add_an_unknown_migration(db: &DatabaseConnection) {
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_from_the_future', 1)";
    db.execute_unprepared(newer).await.unwrap();
}

/// The settings of a server on the database, with the emulator.
fn config(database: &TestDatabase) -> Config {
    let environment = |name: &str| match name {
        "DATABASE_URL" => Ok(database.url.expose_secret().to_owned()),
        "EMULATOR" => Ok("true".to_owned()),
        "LISTEN" => Ok("127.0.0.1:0".to_owned()),
        "LOG_FORMAT" => Ok("json".to_owned()),
        "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        _ => Err(VarError::NotPresent),
    };
    config::read(&environment, None).unwrap().0
}

/// Runs `miniaccount migrate`.
async fn migrate(database: &TestDatabase) -> crate::harness::ProgramOutput {
    let url = database.url.expose_secret().to_owned();
    let run = move || Program::new(folder().path(), &["migrate"]).set("DATABASE_URL", &url).run();
    tokio::task::spawn_blocking(run).await.unwrap()
}
