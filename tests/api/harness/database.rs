//! A database for one test.

use std::path::PathBuf;

use miniaccount::{
    config::DatabaseUrl,
    store::{self, Store},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

/// The supported databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
    MySql,
}

impl DatabaseKind {
    /// The environment variable with the URL of a server for tests.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Sqlite => "none",
            Self::Postgres => "TEST_POSTGRES_URL",
            Self::MySql => "TEST_MYSQL_URL",
        }
    }
}

/// A database that is dropped at the end of the test.
pub(crate) struct TestDatabase {
    pub(crate) kind: DatabaseKind,
    pub(crate) url: SecretString,
    server: String,
    name: String,
    /// The files of SQLite, and uploaded pictures.
    folder: TempDir,
}

impl TestDatabase {
    /// A new, empty database; `None` if no server of the kind is configured.
    pub(crate) async fn create(kind: DatabaseKind) -> Option<Self> {
        let name = format!("miniaccount_test_{:032x}", u128::from_be_bytes(miniaccount::random::bytes()));
        let folder = TempDir::new().unwrap();
        if kind == DatabaseKind::Sqlite {
            let url = format!("sqlite://{}/{name}.db?mode=rwc", folder.path().display());
            return Some(Self { kind, url: url.into(), server: String::new(), name, folder });
        }
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let server = std::env::var(kind.variable()).ok().filter(|url| !url.is_empty())?;
        Some(Self::create_on(kind, server, name, "").await)
    }

    /// Another database on the same server, created with SQL `options`.
    pub(crate) async fn create_another(&self, options: &str) -> Self {
        Self::create_on(self.kind, self.server.clone(), format!("{}_other", self.name), options).await
    }

    async fn create_on(kind: DatabaseKind, server: String, name: String, options: &str) -> Self {
        execute(&server, &format!("CREATE DATABASE {name}{options}")).await;
        let mut url: reqwest::Url = server.parse().unwrap();
        url.set_path(&name);
        Self { kind, url: url.to_string().into(), server, name, folder: TempDir::new().unwrap() }
    }

    /// The folder of uploaded pictures.
    pub(crate) fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    /// Its name on the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A separate store on the database, migrated or not.
    pub(crate) async fn store(&self) -> Store {
        store::connect(&database_url(&self.url), 4).await.unwrap()
    }

    /// A connection that bypasses the server.
    pub(crate) async fn db_connect(&self) -> DatabaseConnection {
        let mut url = self.url.expose_secret().to_owned();
        if self.kind == DatabaseKind::MySql {
            // like the server: OceanBase closes connections with fifty prepared statements
            url.push_str(if url.contains('?') { "&" } else { "?" });
            url.push_str("statement-cache-capacity=40");
        }
        Database::connect(url).await.unwrap()
    }

    /// Drops the database.
    pub(crate) async fn remove(&self) {
        let force = match self.kind {
            DatabaseKind::Sqlite => return,
            DatabaseKind::Postgres => " WITH (FORCE)",
            DatabaseKind::MySql => "",
        };
        execute(&self.server, &format!("DROP DATABASE {}{force}", self.name)).await;
    }
}

/// Parses a database URL like the program.
pub(crate) fn database_url(url: &SecretString) -> DatabaseUrl {
    url.expose_secret().parse().unwrap()
}

async fn execute(server: &str, sql: &str) {
    let db = Database::connect(server).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
