//! A database for one test.

use miniaccount::store::{self, Store};
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
    // SQLite's files
    _folder: Option<TempDir>,
}

impl TestDatabase {
    /// A new, empty database; `None` where no server of the kind is named.
    pub(crate) async fn create(kind: Kind) -> Option<Self> {
        let name = format!("miniaccount_test_{:032x}", u128::from_be_bytes(miniaccount::random::bytes()));
        if kind == Kind::Sqlite {
            let folder = TempDir::new().unwrap();
            let url = format!("sqlite://{}/{name}.db?mode=rwc", folder.path().display());
            return Some(Self { kind, url: url.into(), server: String::new(), name, _folder: Some(folder) });
        }
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let server = std::env::var(kind.variable()).ok().filter(|url| !url.is_empty())?;
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        let mut url: reqwest::Url = server.parse().unwrap();
        url.set_path(&name);
        Some(Self { kind, url: url.to_string().into(), server, name, _folder: None })
    }

    /// A store of its own on the database, tables or none.
    pub(crate) async fn store(&self) -> Store {
        store::connect(&self.url, 4).await.unwrap()
    }

    /// A connection past everything.
    pub(crate) async fn db_connect(&self) -> DatabaseConnection {
        Database::connect(self.url.expose_secret()).await.unwrap()
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

async fn execute(server: &str, sql: &str) {
    let db = Database::connect(server).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}
