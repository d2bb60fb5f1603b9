//! The measurements, in the order of the table.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::{
    Outcome,
    database::BenchDatabase,
    load::{Load, Loaded},
    process::Process,
    report::{Line, Report, Round},
    stage::{Stage, TOKENS},
};

/// How often each load is measured.
const ROUNDS: u32 = 7;

/// How long it lasts, in seconds, after one that warms up; and how long the floor's does.
const SECONDS: u32 = 4;
const WARM: u32 = 3;
const FLOOR: u32 = 2;

/// Connections of the load.
const CONNECTIONS: u32 = 16;

/// Room for the logins of one round: the next one begins behind them.
const LOGINS: u32 = 100_000;

/// Where cargo puts the server.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Measures everything with so many users, then prints the table.
pub(crate) async fn all(counts: &[u64]) -> Outcome {
    let server = build().await?;
    let mut report = Report::default();
    for users in counts {
        eprintln!("{users} users: filling a database …");
        let database = BenchDatabase::create(*users).await?;
        let outcome = with_users(&server, &database, *users, &mut report).await;
        database.remove().await?;
        outcome?;
    }
    report.print();
    Ok(())
}

/// Builds the release.
async fn build() -> Outcome<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["build", "--release", "--quiet", "--message-format=json", "--bin", "miniaccount"];
    let mut build = Command::new(cargo);
    build.args(arguments).current_dir(SERVER).stderr(Stdio::inherit());
    let messages = String::from_utf8(build.output().await?.stdout)?;
    let executable = |line: &str| serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(str::to_owned);
    messages.lines().filter_map(executable).next_back().ok_or_else(|| "the server was not built".into())
}

async fn with_users(server: &str, database: &BenchDatabase, users: u64, report: &mut Report) -> Outcome {
    let wechat = Process::part(&["wechat", "0"]).await?;
    let stage = Stage::new(server, database, users)?;
    stage.fill(&wechat).await?;
    let (floor, one) = stage.floor(&wechat).await?;
    let mut measuring = Measuring { stage, wechat, floor, one, report };
    measuring.remembered().await?;
    measuring.missed().await?;
    measuring.logins().await?;
    measuring.slow_wechat().await
}

/// What the measurements with one number of users share.
struct Measuring<'a> {
    stage: Stage<'a>,
    wechat: Process,
    floor: Process,
    /// The file of the one token it is sent.
    one: String,
    report: &'a mut Report,
}

impl Measuring<'_> {
    /// Repeated `me`, and the memory it takes.
    async fn remembered(&mut self) -> Outcome {
        let server = self.stage.serve(&self.wechat, "").await?;
        let tokens = self.stage.tokens(&server).await?;
        me(self.stage.file("few", &tokens[..100])?, WARM).send(&server).await?;
        let few = server.resident()?;
        let load = me(self.stage.file("tokens", &tokens)?, SECONDS);
        load.send(&server).await?;
        let many = server.resident()?;

        let transactions = self.stage.database.transactions().await?;
        let rounds = self.rounds(async |_| load.send(&server).await).await?;
        let transactions = self.stage.database.transactions().await? - transactions;
        self.report.note(format!(
            "{} users: {TOKENS} sessions remembered: {} KB resident, {} bytes for each beyond the first hundred; \
             {transactions} transactions in the time of {} requests and of the floor's",
            self.stage.users,
            many / 1024,
            many.saturating_sub(few) / (TOKENS - 100),
            rounds.iter().map(|round| round.loaded.requests).sum::<u32>(),
        ));
        self.line("me, remembered", rounds);
        Ok(())
    }

    /// `me` where nothing is remembered.
    async fn missed(&mut self) -> Outcome {
        let server = self.stage.serve(&self.wechat, "sessions_cached = 1").await?;
        let tokens = self.stage.tokens(&server).await?;
        let load = me(self.stage.file("tokens", &tokens)?, SECONDS);
        load.send(&server).await?;
        let rounds = self.rounds(async |_| load.send(&server).await).await?;
        self.line("me, from PostgreSQL", rounds);
        Ok(())
    }

    /// Logins of known users.
    async fn logins(&mut self) -> Outcome {
        let server = self.stage.serve(&self.wechat, "sessions_per_user = 1000").await?;
        self.login("warm", ROUNDS, WARM, CONNECTIONS).send(&server).await?;
        let login = async |round| self.login("known", round, SECONDS, CONNECTIONS).send(&server).await;
        let rounds = self.rounds(login).await?;
        self.line("login of a known user", rounds);
        Ok(())
    }

    /// `me` while WeChat takes its time for 256 logins at once.
    async fn slow_wechat(&mut self) -> Outcome {
        let wechat = Process::part(&["wechat", "100"]).await?;
        let server = self.stage.serve(&wechat, "sessions_per_user = 1000").await?;
        let tokens = self.stage.tokens(&server).await?;
        let load = me(self.stage.file("tokens", &tokens)?, SECONDS * 2);
        load.send(&server).await?;
        let alone = load.send(&server).await?;
        let logins = self.login("slow", 0, SECONDS * 2, 256);
        let (logins, beside) = tokio::join!(logins.send(&server), load.send(&server));
        let (logins, beside) = (logins?, beside?);
        let most = ureq::get(format!("{}/most", wechat.base)).call()?.into_body().read_to_string()?;
        self.report.note(format!(
            "{} users: WeChat takes 100 ms and 256 clients log in ({} logins): 99 of 100 `me` within {:.1} ms (alone \
             {:.1}); at most {most} calls to WeChat at once",
            self.stage.users,
            logins.requests,
            beside.p99(),
            alone.p99(),
        ));
        Ok(())
    }

    /// Measures a load, round after round, each right after the floor.
    async fn rounds(&self, load: impl AsyncFn(u32) -> Outcome<Loaded>) -> Outcome<Vec<Round>> {
        let floor = me(self.one.clone(), FLOOR);
        floor.send(&self.floor).await?;
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            rounds.push(Round { floor: floor.send(&self.floor).await?, loaded: load(round).await? });
        }
        Ok(rounds)
    }

    fn login(&self, run: &str, round: u32, seconds: u32, connections: u32) -> Load {
        let arguments = vec![self.stage.users.to_string(), run.to_owned(), (round * LOGINS).to_string()];
        Load { script: "login.lua", arguments, connections, seconds }
    }

    fn line(&mut self, name: &'static str, rounds: Vec<Round>) {
        self.report.line(Line::of(self.stage.users, name, rounds));
    }
}

/// Repeated `me` with the tokens of a file.
fn me(tokens: String, seconds: u32) -> Load {
    Load { script: "me.lua", arguments: vec![tokens], connections: CONNECTIONS, seconds }
}
