//! A PostgreSQL database for one run, with as many users as wanted, each with one session.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::{process::Command, time::sleep};
use url::Url;

use crate::Outcome;

/// A database that is dropped at the end.
pub(crate) struct BenchDatabase {
    server: Url,
    name: String,
    pub(crate) url: String,
}

impl BenchDatabase {
    /// A new one, on the server of `BENCH_POSTGRES_URL`.
    pub(crate) async fn create(users: u64) -> Outcome<Self> {
        let server = std::env::var("BENCH_POSTGRES_URL")
            .map_err(|_| "BENCH_POSTGRES_URL names no server, such as postgres://postgres@127.0.0.1:5432/postgres")?;
        let server: Url = server.parse()?;
        let name = format!("miniaccount_bench_{users}_{}", std::process::id());
        let mut url = server.clone();
        url.set_path(&name);
        // it is on this machine: nobody listens between
        url.set_query(Some("sslmode=disable"));
        let database = Self { server, name, url: url.to_string() };
        psql(database.server.as_str(), &format!("CREATE DATABASE {}", database.name)).await?;
        Ok(database)
    }

    /// Fills in the users: numbered from 1, known to WeChat as `o_` and their number.
    pub(crate) async fn seed(&self, users: u64) -> Outcome {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let later = now + 20 * 86_400_000;
        let each = format!("FROM generate_series(1, {users}) AS n");
        let key = |kind: &str| format!("md5('{kind}' || n)::uuid");
        let (user, identity, session) = (key("user"), key("identity"), key("session"));
        for statement in [
            format!(
                "INSERT INTO users (id, nickname, avatar_url, status, role, created_at, updated_at, last_login_at)
                 SELECT {user}, 'Person ' || n, 'https://pictures.example/' || n, 'ACTIVE', 'USER', {now}, {now}, {now} {each}"
            ),
            format!(
                "INSERT INTO identities (id, user_id, app_id, openid, session_key, session_key_at, created_at)
                 SELECT {identity}, {user}, 'wx1', 'o_' || n, '\\x00', {now}, {now} {each}"
            ),
            format!(
                "INSERT INTO sessions (id, user_id, identity_id, refresh_generation, created_at, last_used_at, expires_at)
                 SELECT {session}, {user}, {identity}, 0, {now}, {now}, {later} {each}"
            ),
            "VACUUM ANALYZE".to_owned(),
            "CHECKPOINT".to_owned(),
        ] {
            psql(&self.url, &statement).await?;
        }
        Ok(())
    }

    /// Transactions the database has seen.
    pub(crate) async fn transactions(&self) -> Outcome<u64> {
        // what a backend has counted reaches the statistics ten seconds later, where it has nothing to do
        sleep(Duration::from_secs(11)).await;
        let query = format!("SELECT xact_commit FROM pg_stat_database WHERE datname = '{}'", self.name);
        Ok(psql(self.server.as_str(), &query).await?.trim().parse()?)
    }

    /// Drops it.
    pub(crate) async fn remove(self) -> Outcome {
        psql(self.server.as_str(), &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.map(drop)
    }
}

/// What a statement gives, without decoration.
async fn psql(url: &str, statement: &str) -> Outcome<String> {
    let mut command = Command::new("psql");
    let run = command.args(["-qtA", "-v", "ON_ERROR_STOP=1", "-c", statement, url]).output().await;
    let run = run.map_err(|cause| format!("psql cannot be run: {cause}"))?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    Ok(String::from_utf8(run.stdout)?)
}
