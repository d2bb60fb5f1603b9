//! The measurements, in the order of the table.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::{
    BenchResult,
    database::{BenchDatabase, DatabaseKind},
    environment::{Environment, TOKENS},
    load::{Load, LoadResult},
    logins::{Login, SESSIONS_PER_USER, USERS_AT_LIMIT},
    options::Options,
    process::Process,
    report::{Line, Report, Round},
};

/// Durations in seconds: of a load, of the warm-up before it, and of the load of the empty handler.
const SECONDS: u32 = 4;
const WARM_UP: u32 = 2;
const FLOOR: u32 = 2;

/// Connections of the load.
const CONNECTIONS: u32 = 16;

/// The package of the server.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Measures each database with each number of users, then prints the table.
pub(crate) async fn all(options: &Options) -> BenchResult {
    let server = match &options.server {
        Some(server) => std::path::absolute(server)?.to_string_lossy().into_owned(),
        None => build().await?,
    };
    let mut report = Report::default();
    for kind in &options.databases {
        for users in &options.users {
            eprintln!("{}, {users} users: filling a database …", kind.name());
            let database = BenchDatabase::create(*kind, *users).await?;
            let outcome = with_users(&server, &database, *users, options, &mut report).await;
            database.remove().await?;
            outcome?;
        }
    }
    report.print();
    Ok(())
}

/// Builds the server with the profile of the images.
async fn build() -> BenchResult<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["build", "--profile", "dist", "--quiet", "--message-format=json", "--bin", "miniaccount"];
    let mut build = Command::new(cargo);
    build.args(arguments).current_dir(SERVER).stderr(Stdio::inherit());
    let messages = String::from_utf8(build.output().await?.stdout)?;
    let executable = |line: &str| serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(str::to_owned);
    messages.lines().filter_map(executable).next_back().ok_or_else(|| "the server was not built".into())
}

async fn with_users(
    server: &str,
    database: &BenchDatabase,
    users: u64,
    options: &Options,
    report: &mut Report,
) -> BenchResult {
    let wechat = Process::part(&["wechat", "0"]).await?;
    let environment = Environment::new(server, database, users)?;
    environment.fill(&wechat).await?;
    let (floor, floor_token) = environment.floor(&wechat).await?;
    let mut measuring = Measuring { environment, wechat, floor, floor_token, options, report };
    if measuring.is_selected("me") {
        measuring.cached().await?;
        measuring.uncached().await?;
    }
    if measuring.is_selected("refresh") {
        measuring.refresh().await?;
    }
    for login in Login::ALL {
        if measuring.is_selected(login.name()) {
            measuring.login(login).await?;
        }
    }
    if measuring.is_selected("slow WeChat") && database.kind == DatabaseKind::Postgres {
        measuring.slow_wechat().await?;
    }
    Ok(())
}

/// The state that the measurements of one database share.
struct Measuring<'a> {
    environment: Environment<'a>,
    wechat: Process,
    floor: Process,
    /// The file with the token for the empty handler.
    floor_token: String,
    options: &'a Options,
    report: &'a mut Report,
}

impl Measuring<'_> {
    fn is_selected(&self, name: &str) -> bool {
        name.contains(&self.options.only)
    }

    /// `me` with cached sessions, and the memory of the cache.
    async fn cached(&mut self) -> BenchResult {
        let server = self.environment.serve(&self.wechat, "").await?;
        let (tokens, _) = self.environment.tokens(&server).await?;
        me(self.environment.file("few", &tokens[..100])?, WARM_UP).send(&server, self.environment.database).await?;
        let few = server.resident()?;
        let load = me(self.environment.file("tokens", &tokens)?, SECONDS);
        load.send(&server, self.environment.database).await?;
        let many = server.resident()?;

        let before = self.environment.database.transactions().await?;
        let rounds = self.rounds(async |_| load.send(&server, self.environment.database).await).await?;
        let transactions =
            self.environment.database.transactions().await?.zip(before).map(|(after, before)| after - before);
        self.report.note(format!(
            "{} users: {TOKENS} cached sessions: {} KB resident, {} bytes for each session after the first hundred; \
             {} transactions during {} requests and those of the floor",
            self.environment.users,
            many / 1024,
            many.saturating_sub(few) / (TOKENS - 100),
            transactions.map_or("uncounted".to_owned(), |count| count.to_string()),
            rounds.iter().map(|round| round.loaded.requests).sum::<u32>(),
        ));
        self.line("me, cached", rounds);
        Ok(())
    }

    /// `me` without cached sessions.
    async fn uncached(&mut self) -> BenchResult {
        let server = self.environment.serve(&self.wechat, "sessions_cached = 1").await?;
        let (tokens, _) = self.environment.tokens(&server).await?;
        let load = me(self.environment.file("tokens", &tokens)?, SECONDS);
        load.send(&server, self.environment.database).await?;
        let rounds = self.rounds(async |_| load.send(&server, self.environment.database).await).await?;
        self.line("me, uncached", rounds);
        Ok(())
    }

    /// Refreshes, each with the token of the previous one.
    async fn refresh(&mut self) -> BenchResult {
        let server = self.environment.serve(&self.wechat, "").await?;
        let (_, tokens) = self.environment.tokens(&server).await?;
        let arguments = vec![self.environment.file("refresh", &tokens)?];
        let load = Load { script: "refresh.lua", arguments, connections: CONNECTIONS, seconds: SECONDS };
        load.send(&server, self.environment.database).await?;
        let rounds = self.rounds(async |_| load.send(&server, self.environment.database).await).await?;
        self.line("refresh", rounds);
        Ok(())
    }

    /// Logins of one kind, without the sessions of earlier measurements.
    async fn login(&mut self, login: Login) -> BenchResult {
        let (users, database) = (self.environment.users, self.environment.database);
        database.delete_logins().await?;
        if matches!(login, Login::AtLimit) {
            database.add_sessions(users.min(USERS_AT_LIMIT), SESSIONS_PER_USER - 1).await?;
        }
        let server = self.environment.serve(&self.wechat, login.settings()).await?;
        let rounds = self.rounds(async |round| {
            // each round begins with the same number of sessions per user, and after a warm-up
            database.delete_logins().await?;
            login.load(users, "warm", round, WARM_UP, CONNECTIONS).send(&server, database).await?;
            login.load(users, "run", round, SECONDS, CONNECTIONS).send(&server, database).await
        });
        let rounds = rounds.await?;
        self.line(login.name(), rounds);
        Ok(())
    }

    /// `me` while a slow WeChat handles 256 concurrent logins.
    async fn slow_wechat(&mut self) -> BenchResult {
        let wechat = Process::part(&["wechat", "100"]).await?;
        // all clients have one address, which may have half of the requests in flight
        let server = self.environment.serve(&wechat, "sessions_per_user = 1000\nrequests_in_flight = 1024").await?;
        let (tokens, _) = self.environment.tokens(&server).await?;
        let load = me(self.environment.file("tokens", &tokens)?, SECONDS * 2);
        load.send(&server, self.environment.database).await?;
        let alone = load.send(&server, self.environment.database).await?;
        let logins = Login::Known.load(self.environment.users, "slow", 0, SECONDS * 2, 256);
        let (logins, during_logins) = tokio::join!(
            logins.send(&server, self.environment.database),
            load.send(&server, self.environment.database)
        );
        let (logins, during_logins) = (logins?, during_logins?);
        let max_calls = ureq::get(format!("{}/max-in-flight", wechat.base)).call()?.into_body().read_to_string()?;
        self.report.note(format!(
            "{} users: WeChat takes 100 ms and 256 clients log in ({} logins): 99 of 100 `me` within {:.1} ms (without \
             logins {:.1}); at most {max_calls} concurrent calls to WeChat",
            self.environment.users,
            logins.requests,
            during_logins.p99(),
            alone.p99(),
        ));
        Ok(())
    }

    /// Measures a load in several rounds, each directly after the load of the empty handler.
    async fn rounds(&self, load: impl AsyncFn(u32) -> BenchResult<LoadResult>) -> BenchResult<Vec<Round>> {
        let floor = me(self.floor_token.clone(), FLOOR);
        floor.send(&self.floor, self.environment.database).await?;
        let mut rounds = Vec::new();
        for round in 0..self.options.rounds {
            rounds.push(Round {
                floor: floor.send(&self.floor, self.environment.database).await?,
                loaded: load(round).await?,
            });
        }
        Ok(rounds)
    }

    fn line(&mut self, name: &'static str, rounds: Vec<Round>) {
        self.report.line(Line::of(self.environment.database.kind.name(), self.environment.users, name, rounds));
    }
}

/// Repeated `me` with the tokens of a file.
fn me(tokens: String, seconds: u32) -> Load {
    Load { script: "me.lua", arguments: vec![tokens], connections: CONNECTIONS, seconds }
}
