//! How the tables come to be: the migrations go up and down, agree with the entities, get in nobody's way when two
//! processes run them at once, and decide whether the server starts.

use std::{env::VarError, sync::Arc};

use miniaccount::{
    config::{self, Config},
    server::Server,
    store::SchemaState,
};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use secrecy::ExposeSecret;

use crate::harness::{Kind, Program, TestDatabase, db_catalogue, db_lines, db_tables, folder};

const TABLES: [&str; 7] = ["code_exchanges", "feed", "feed_heads", "identities", "sessions", "union_links", "users"];

on_each_empty_database! {
    async fn down_takes_away_what_up_has_made_and_up_makes_it_again(database: Arc<TestDatabase>) {
        let (store, db) = (database.store().await, database.db_connect().await);
        store.migrate().await.unwrap();
        assert_eq!(db_tables(&db).await, TABLES);
        let made = db_catalogue(&db).await;
        store.unmigrate().await.unwrap();
        assert_eq!(db_tables(&db).await, [""; 0]);
        store.migrate().await.unwrap();
        assert_eq!(db_catalogue(&db).await, made);
    }

    async fn migrations_and_entities_describe_the_same_tables(database: Arc<TestDatabase>) {
        database.store().await.migrate().await.unwrap();
        let migrated = db_catalogue(&database.db_connect().await).await;
        assert_eq!(migrated, db_catalogue_of_the_entities(database.kind).await);
        assert_eq!(migrated.iter().filter(|line| line.starts_with("foreign ")).count(), 4, "{migrated:#?}");
        // a whole number as the key is SQLite's own number of the row, and no index
        let keys = if database.kind == Kind::Sqlite { 7 } else { 8 };
        assert_eq!(migrated.iter().filter(|line| line.starts_with("key ")).count(), keys, "{migrated:#?}");
    }

    async fn the_comparison_notices_every_kind_of_difference(database: Arc<TestDatabase>) {
        let db = database.db_connect().await;
        database.store().await.migrate().await.unwrap();
        for change in [
            "ALTER TABLE users ADD COLUMN shoe_size varchar(3)",
            "ALTER TABLE users DROP COLUMN nickname",
            "CREATE UNIQUE INDEX one_phone ON users (phone_number)",
            "CREATE TABLE pets (id integer)",
            "DROP TABLE sessions",
        ] {
            let before = db_catalogue(&db).await;
            db.execute_unprepared(change).await.unwrap();
            assert_ne!(db_catalogue(&db).await, before, "{change}");
        }
    }

    async fn what_lives_for_seconds_is_kept_out_of_postgres_log(database: Arc<TestDatabase>) {
        if database.kind != Kind::Postgres {
            return; // the others log every table
        }
        database.store().await.migrate().await.unwrap();
        let question = "SELECT relname::text AS line FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'";
        assert_eq!(db_lines(&database.db_connect().await, question).await, ["code_exchanges"]);
    }

    async fn rows_that_each_login_changes_have_room_for_that_in_their_pages_on_postgres(database: Arc<TestDatabase>) {
        if database.kind != Kind::Postgres {
            return; // the others change a row in its place
        }
        database.store().await.migrate().await.unwrap();
        let question = "SELECT relname || ' ' || array_to_string(reloptions, ' ') AS line FROM pg_class
            WHERE relkind = 'r' AND reloptions IS NOT NULL AND relnamespace = 'public'::regnamespace ORDER BY relname";
        let expected = ["code_exchanges fillfactor=50", "identities fillfactor=85", "users fillfactor=85"];
        assert_eq!(db_lines(&database.db_connect().await, question).await, expected);
    }

    async fn text_is_compared_byte_for_byte(database: Arc<TestDatabase>) {
        if database.kind != Kind::MySql {
            return; // the others know no other way
        }
        database.store().await.migrate().await.unwrap();
        let question = "SELECT DISTINCT CAST(collation_name AS CHAR) AS line FROM information_schema.columns
             WHERE table_schema = DATABASE() AND table_name <> 'seaql_migrations' AND collation_name IS NOT NULL";
        assert_eq!(db_lines(&database.db_connect().await, question).await, ["utf8mb4_bin"]);
    }

    async fn several_who_migrate_at_once_all_succeed(database: Arc<TestDatabase>) {
        let racers = (0..4).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move { database.store().await.migrate().await })
        });
        for racer in racers.collect::<Vec<_>>() {
            racer.await.unwrap().unwrap();
        }
        assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
        assert_eq!(db_tables(&database.db_connect().await).await, TABLES);
    }

    async fn the_state_of_the_tables_is_told_and_telling_writes_nothing(database: Arc<TestDatabase>) {
        let (store, db) = (database.store().await, database.db_connect().await);
        let all = migration::Migrator::get_migration_files().len();
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind(all));
        assert_eq!(db_tables(&db).await, [""; 0]);
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Behind(all));
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Current);
        db_forget_the_last_migration(&db).await;
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind(1));
        db_pretend_a_newer_program_migrated(&db).await;
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Ahead(1));
        assert_eq!(store.migrate().await.unwrap(), SchemaState::Ahead(1));
    }

    async fn a_server_behind_its_program_migrates_by_itself_or_says_who_should(database: Arc<TestDatabase>) {
        let started = Server::start(config(&database)).await.map(drop);
        if database.kind == Kind::Sqlite {
            started.unwrap();
            assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
        } else {
            let all = migration::Migrator::get_migration_files().len();
            let expected = format!("the database is {all} migration(s) behind this program: run `miniaccount migrate` first");
            assert_eq!(started.unwrap_err().to_string(), expected);
            assert_eq!(db_tables(&database.db_connect().await).await, [""; 0]);
        }
    }

    async fn a_database_ahead_of_the_program_is_refused(database: Arc<TestDatabase>) {
        database.store().await.migrate().await.unwrap();
        db_pretend_a_newer_program_migrated(&database.db_connect().await).await;
        let refusal = "the database is 1 migration(s) ahead of this program: run the version that migrated it, or a \
                       newer one";
        let started = Server::start(config(&database)).await.map(drop);
        assert_eq!(started.unwrap_err().to_string(), refusal);
        let run = migrate(&database).await;
        assert_eq!((run.code, run.stderr.trim_end()), (Some(1), refusal));
    }

    async fn the_command_migrates_once_and_then_finds_nothing_to_do(database: Arc<TestDatabase>) {
        let first = migrate(&database).await;
        assert_eq!(first.code, Some(0), "{first:?}");
        let all = migration::Migrator::get_migration_files().len();
        assert!(first.stdout.contains(&format!("applied {all} migration(s).")), "{first:?}");
        let second = migrate(&database).await;
        assert_eq!(second.code, Some(0), "{second:?}");
        assert!(second.stdout.contains("is up to date."), "{second:?}");
        assert_eq!(database.store().await.schema_state().await.unwrap(), SchemaState::Current);
    }
}

/// The catalogue of tables made from the entities, in a database that is there only for that.
async fn db_catalogue_of_the_entities(kind: Kind) -> Vec<String> {
    let database = TestDatabase::create(kind).await.unwrap();
    let db = database.db_connect().await;
    let tables = db.get_schema_builder().register(entity::user::Entity).register(entity::identity::Entity);
    let tables = tables.register(entity::union_link::Entity).register(entity::session::Entity);
    let tables = tables.register(entity::code_exchange::Entity);
    let tables = tables.register(entity::feed::Entity).register(entity::feed_head::Entity);
    let made = tables.apply(&db).await;
    let catalogue = db_catalogue(&db).await;
    db.close().await.unwrap();
    database.remove().await;
    made.unwrap();
    catalogue
}

async fn db_forget_the_last_migration(db: &DatabaseConnection) {
    let last = migration::Migrator::get_migration_files().last().unwrap().name().to_owned();
    db.execute_unprepared(&format!("DELETE FROM seaql_migrations WHERE version = '{last}'")).await.unwrap();
}

async fn db_pretend_a_newer_program_migrated(db: &DatabaseConnection) {
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_from_the_future', 1)";
    db.execute_unprepared(newer).await.unwrap();
}

/// The settings of a server on the database, with the emulator.
fn config(database: &TestDatabase) -> Config {
    let environment = |name: &str| match name {
        "DATABASE_URL" => Ok(database.url.expose_secret().to_owned()),
        "LISTEN" => Ok("127.0.0.1:0".to_owned()),
        "LOG_FORMAT" => Ok("json".to_owned()),
        "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
        _ => Err(VarError::NotPresent),
    };
    config::read(&environment, None).unwrap().0
}

/// Runs `miniaccount migrate`.
async fn migrate(database: &TestDatabase) -> crate::harness::Run {
    let url = database.url.expose_secret().to_owned();
    let run = move || Program::new(folder().path(), &["migrate"]).set("DATABASE_URL", &url).run();
    tokio::task::spawn_blocking(run).await.unwrap()
}
