//! The database of one run: any number of users, each with one session on one device.

use std::{
    env, fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;
use tokio::{process::Command, time::sleep};
use url::Url;

use crate::{BenchResult, process};

/// The databases that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Postgres,
    /// `MariaDB`, in place of `MySQL`.
    MySql,
    /// Runs inside the server process.
    Sqlite,
}

impl DatabaseKind {
    pub(crate) const ALL: [Self; 3] = [Self::Postgres, Self::MySql, Self::Sqlite];

    /// The name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MySql => "MariaDB",
            Self::Sqlite => "SQLite",
        }
    }

    /// The database server, from its environment variable. `None` for `SQLite`, or if the variable is not set.
    pub(crate) fn server(self) -> BenchResult<Option<Url>> {
        let variable = match self {
            Self::Postgres => "BENCH_POSTGRES_URL",
            Self::MySql => "BENCH_MYSQL_URL",
            Self::Sqlite => return Ok(None),
        };
        Ok(env::var(variable).ok().filter(|url| !url.is_empty()).map(|url| url.parse()).transpose()?)
    }
}

/// A database that the run creates and drops.
pub(crate) struct BenchDatabase {
    pub(crate) kind: DatabaseKind,
    server: Option<Url>,
    name: String,
    pub(crate) url: String,
    folder: TempDir,
    /// When its rows were created, in milliseconds.
    seeded: u128,
}

impl BenchDatabase {
    /// Creates a database on the server of its kind.
    pub(crate) async fn create(kind: DatabaseKind, users: u64) -> BenchResult<Self> {
        let (folder, server) = (TempDir::new()?, kind.server()?);
        let name = format!("miniaccount_bench_{users}_{}", std::process::id());
        let url = match server.clone() {
            Some(mut url) => {
                url.set_path(&name);
                // the server is on this machine, so that no TLS is needed
                url.set_query((kind == DatabaseKind::Postgres).then_some("sslmode=disable"));
                url.to_string()
            }
            None => format!("sqlite://{}?mode=rwc", folder.path().join("bench.db").display()),
        };
        let seeded = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let database = Self { kind, server, name, url, folder, seeded };
        if database.server.is_some() {
            database.run_on_server(&format!("CREATE DATABASE {}", database.name)).await?;
        }
        Ok(database)
    }

    /// Inserts the users, numbered from 1, with the openid `o_<number>`.
    pub(crate) async fn seed(&self, users: u64) -> BenchResult {
        let (now, later, numbers) = (self.seeded, self.later(), self.numbers(users));
        let (user, identity, session) = (self.key("user"), self.key("iden"), self.key("sess"));
        let (openid, empty) = (self.text("o_"), self.bytes());
        for statement in [
            format!(
                "INSERT INTO users (id, nickname, avatar_url, status, role, created_at, updated_at, last_login_at)
                 SELECT {user}, 'A person', 'https://pictures.example/1', 'ACTIVE', 'USER', {now}, {now}, {now}
                 FROM {numbers}"
            ),
            format!(
                "INSERT INTO identities (id, user_id, app_id, openid, session_key, session_key_at, created_at)
                 SELECT {identity}, {user}, 'wx1', {openid}, {empty}, {now}, {now} FROM {numbers}"
            ),
            format!(
                "INSERT INTO sessions
                     (id, user_id, identity_id, refresh_generation, device_id, created_at, last_used_at, expires_at)
                 SELECT {session}, {user}, {identity}, 0, 'phone', {now}, {now}, {later} FROM {numbers}"
            ),
        ] {
            self.run(&statement).await?;
        }
        self.run_maintenance().await
    }

    /// Adds `each` sessions to each of the first `users` users.
    pub(crate) async fn add_sessions(&self, users: u64, each: u64) -> BenchResult {
        let (now, later, numbers) = (self.seeded, self.later(), self.numbers(users));
        for n in 0..each {
            let (user, identity, session) = (self.key("user"), self.key("iden"), self.key(&format!("s{n:03}")));
            let insert = format!(
                "INSERT INTO sessions
                     (id, user_id, identity_id, refresh_generation, created_at, last_used_at, expires_at)
                 SELECT {session}, {user}, {identity}, 0, {now}, {now}, {later} FROM {numbers}"
            );
            self.run(&insert).await?;
        }
        self.run_maintenance().await
    }

    /// Deletes the sessions of all logins, so that measurements do not influence each other.
    pub(crate) async fn delete_logins(&self) -> BenchResult {
        let seeded = self.seeded;
        for statement in [
            format!("DELETE FROM sessions WHERE created_at > {seeded}"),
            "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE ended_at IS NOT NULL".to_owned(),
        ] {
            self.run(&statement).await?;
        }
        self.run_maintenance().await
    }

    /// Runs the maintenance that the database would otherwise run during the measurement.
    async fn run_maintenance(&self) -> BenchResult {
        let statements: &[&str] = match self.kind {
            DatabaseKind::Postgres => &["VACUUM ANALYZE", "CHECKPOINT"],
            DatabaseKind::MySql => &["ANALYZE TABLE users, identities, sessions"],
            DatabaseKind::Sqlite => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
        };
        for statement in statements {
            self.run(statement).await?;
        }
        Ok(())
    }

    fn later(&self) -> u128 {
        self.seeded + 20 * 86_400_000
    }

    /// A table expression with the numbers from 1 in `n`.
    fn numbers(&self, count: u64) -> String {
        match self.kind {
            DatabaseKind::Postgres => format!("generate_series(1, {count}) AS n"),
            DatabaseKind::MySql => format!("(SELECT seq AS n FROM seq_1_to_{count}) AS numbers"),
            DatabaseKind::Sqlite => format!(
                "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
                 SELECT n FROM numbers)"
            ),
        }
    }

    /// An expression for a key of sixteen bytes, made of four letters and `n`.
    fn key(&self, kind: &str) -> String {
        match self.kind {
            DatabaseKind::Postgres => format!("md5('{kind}' || n)::uuid"),
            DatabaseKind::MySql => format!("UNHEX(MD5(CONCAT('{kind}', n)))"),
            DatabaseKind::Sqlite => format!("CAST(printf('{kind}%012d', n) AS BLOB)"),
        }
    }

    fn text(&self, prefix: &str) -> String {
        match self.kind {
            DatabaseKind::MySql => format!("CONCAT('{prefix}', n)"),
            DatabaseKind::Postgres | DatabaseKind::Sqlite => format!("'{prefix}' || n"),
        }
    }

    fn bytes(&self) -> &'static str {
        match self.kind {
            DatabaseKind::Postgres => "'\\x00'::bytea",
            DatabaseKind::MySql | DatabaseKind::Sqlite => "x'00'",
        }
    }

    /// The number of transactions so far; `None` if the database does not count them.
    pub(crate) async fn transactions(&self) -> BenchResult<Option<u64>> {
        if self.kind != DatabaseKind::Postgres {
            return Ok(None);
        }
        // an idle backend reports its counters after ten seconds
        sleep(Duration::from_secs(11)).await;
        let query = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{}'", self.name);
        Ok(Some(self.run_on_server(&query).await?.trim().parse()?))
    }

    /// The CPU time of the database so far.
    pub(crate) fn cpu(&self) -> BenchResult<Duration> {
        match self.kind {
            // counts shared processes and the backends of this database alone
            DatabaseKind::Postgres => {
                process::cpu_of("postgres", |title| title.contains(&self.name) || !title.contains('('))
            }
            DatabaseKind::MySql => process::cpu_of("mariadbd", |_| true),
            DatabaseKind::Sqlite => Ok(Duration::ZERO),
        }
    }

    /// Drops the database.
    pub(crate) async fn remove(self) -> BenchResult {
        let force = if self.kind == DatabaseKind::Postgres { " WITH (FORCE)" } else { "" };
        if self.server.is_some() {
            self.run_on_server(&format!("DROP DATABASE {}{force}", self.name)).await?;
        }
        Ok(())
    }

    async fn run(&self, statement: &str) -> BenchResult<String> {
        match self.kind {
            DatabaseKind::Sqlite => client("sqlite3", &[&self.file().to_string_lossy(), statement]).await,
            _ => self.run_at(&self.url, statement).await,
        }
    }

    async fn run_on_server(&self, statement: &str) -> BenchResult<String> {
        let server = self.server.as_ref().ok_or("no server")?;
        self.run_at(server.as_str(), statement).await
    }

    async fn run_at(&self, url: &str, statement: &str) -> BenchResult<String> {
        if self.kind == DatabaseKind::Postgres {
            return client("psql", &["-qtA", "-v", "ON_ERROR_STOP=1", "-c", statement, url]).await;
        }
        let url: Url = url.parse()?;
        let port = url.port().unwrap_or(3306).to_string();
        let database = url.path().trim_start_matches('/');
        let host = url.host_str().unwrap_or_default();
        // in a file, because other users can read arguments
        let options = self.folder.path().join("client.cnf");
        let login = format!("[client]\nuser={}\npassword={}\n", url.username(), url.password().unwrap_or_default());
        fs::write(&options, login)?;
        let options = format!("--defaults-extra-file={}", options.display());
        client("mariadb", &[&options, "-h", host, "-P", &port, "-BN", "-e", statement, database]).await
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("bench.db")
    }
}

/// Runs a command-line client, and returns its output.
async fn client(program: &str, arguments: &[&str]) -> BenchResult<String> {
    let run = Command::new(program).args(arguments).output().await;
    let run = run.map_err(|cause| format!("{program} cannot be run: {cause}"))?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    Ok(String::from_utf8(run.stdout)?)
}
