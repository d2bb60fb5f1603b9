//! A database for one test.

use std::path::PathBuf;

use miniaccount::{
    config::DatabaseUrl,
    store::{self, Store},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

/// The databases we promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
}

impl Kind {
    /// The variable that names a server for tests.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Sqlite => "none",
            Self::Postgres => "TEST_POSTGRES_URL",
            Self::MySql => "TEST_MYSQL_URL",
        }
    }
}

/// A database that is dropped when the test is over.
pub(crate) struct TestDatabase {
    pub(crate) kind: Kind,
    pub(crate) url: SecretString,
    server: String,
    name: String,
    // SQLite's files, and uploaded pictures
    folder: TempDir,
}

impl TestDatabase {
    /// A new, empty database; `None` where no server of the kind is named.
    pub(crate) async fn create(kind: Kind) -> Option<Self> {
        let name = format!("miniaccount_test_{:032x}", u128::from_be_bytes(miniaccount::random::bytes()));
        let folder = TempDir::new().unwrap();
        if kind == Kind::Sqlite {
            let url = format!("sqlite://{}/{name}.db?mode=rwc", folder.path().display());
            return Some(Self { kind, url: url.into(), server: String::new(), name, folder });
        }
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let server = std::env::var(kind.variable()).ok().filter(|url| !url.is_empty())?;
        Some(Self::create_on(kind, server, name, "").await)
    }

    /// Another database on the same server, created with more words.
    pub(crate) async fn beside(&self, words: &str) -> Self {
        Self::create_on(self.kind, self.server.clone(), format!("{}_beside", self.name), words).await
    }

    async fn create_on(kind: Kind, server: String, name: String, words: &str) -> Self {
        execute(&server, &format!("CREATE DATABASE {name}{words}")).await;
        let mut url: reqwest::Url = server.parse().unwrap();
        url.set_path(&name);
        Self { kind, url: url.to_string().into(), server, name, folder: TempDir::new().unwrap() }
    }

    /// Where the pictures are that its users upload.
    pub(crate) fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    /// Its name on the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A store of its own on the database, tables or none.
    pub(crate) async fn store(&self) -> Store {
        store::connect(&address(&self.url), 4).await.unwrap()
    }

    /// A connection past everything.
    pub(crate) async fn db_connect(&self) -> DatabaseConnection {
        let mut url = self.url.expose_secret().to_owned();
        if self.kind == Kind::MySql {
            // as the server's own connections: OceanBase refuses a connection that keeps fifty statements prepared
            url.push_str(if url.contains('?') { "&" } else { "?" });
            url.push_str("statement-cache-capacity=40");
        }
        Database::connect(url).await.unwrap()
    }

    /// Drops the database.
    pub(crate) async fn remove(&self) {
        let force = match self.kind {
            Kind::Sqlite => return,
            Kind::Postgres => " WITH (FORCE)",
            Kind::MySql => "",
        };
        execute(&self.server, &format!("DROP DATABASE {}{force}", self.name)).await;
    }
}

/// The address of a database as the program reads it.
pub(crate) fn address(url: &SecretString) -> DatabaseUrl {
    url.expose_secret().parse().unwrap()
}

async fn execute(server: &str, sql: &str) {
    let db = Database::connect(server).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
