//! The measurements, in the order of the table.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinSet};
use ureq::{Body, http::Response};

use crate::{
    Outcome,
    database::BenchDatabase,
    load::{Load, Loaded},
    process::Process,
    report::{Line, Report},
};

/// Sessions whose tokens are sent in turn.
const TOKENS: u64 = 10_000;

/// How long each load lasts, in seconds, after one that warms up.
const SECONDS: u32 = 10;
const WARM: u32 = 3;

/// Connections of the load.
const CONNECTIONS: u32 = 16;

/// Where cargo puts the server.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Measures everything with so many users, then prints the table.
pub(crate) async fn all(counts: &[u64]) -> Outcome {
    let server = build().await?;
    let mut report = Report::new();
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
    build.args(arguments).current_dir(SERVER).stderr(std::process::Stdio::inherit());
    let messages = String::from_utf8(build.output().await?.stdout)?;
    let executable = |line: &str| serde_json::from_str::<Value>(line).ok()?["executable"].as_str().map(str::to_owned);
    messages.lines().filter_map(executable).next_back().ok_or_else(|| "the server was not built".into())
}

async fn with_users(server: &str, database: &BenchDatabase, users: u64, report: &mut Report) -> Outcome {
    let wechat = Process::part(&["wechat", "0"]).await?;
    let stage = Stage { server, folder: TempDir::new()?, database, users };
    let migrated = stage.command(&wechat, "").arg("migrate").output().await?;
    if !migrated.status.success() {
        return Err(String::from_utf8_lossy(&migrated.stderr).into());
    }
    database.seed(users).await?;
    stage.remembered(&wechat, report).await?;
    stage.missed(&wechat, report).await?;
    stage.logins(&wechat, report).await?;
    stage.slow_wechat(report).await
}

/// What all measurements with one number of users share.
struct Stage<'a> {
    server: &'a str,
    folder: TempDir,
    database: &'a BenchDatabase,
    users: u64,
}

impl Stage<'_> {
    fn command(&self, wechat: &Process, settings: &str) -> Command {
        let mut command = Command::new(self.server);
        let file = self.folder.path().join("settings.toml");
        // a folder of our own: nothing else goes wrong when writing to it does
        fs::write(&file, settings).unwrap_or_default();
        command.current_dir(self.folder.path()).env_clear().arg("--config").arg(file);
        command
            .env("LISTEN", "127.0.0.1:0")
            .env("LOG", "warn")
            .env("DATABASE_URL", &self.database.url)
            .env("WECHAT_APP_ID", "wx1")
            .env("WECHAT_APP_SECRET", "secret")
            .env("WECHAT_API_BASE", &wechat.base)
            .env("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .env("LOGIN_RATE_LIMIT", "off")
            .env("REFRESH_RATE_LIMIT", "off");
        command
    }

    /// The server with a settings file.
    async fn serve(&self, wechat: &Process, settings: &str) -> Outcome<Process> {
        Process::start(&mut self.command(wechat, settings)).await
    }

    /// Repeated `me`, with the floor beside it and the memory it takes.
    async fn remembered(&self, wechat: &Process, report: &mut Report) -> Outcome {
        let server = self.serve(wechat, "").await?;
        let tokens = self.tokens(&server).await?;
        let answer = self.folder.path().join("answer");
        fs::write(&answer, answer_of(&server, &tokens)?)?;
        let floor = Process::part(&["floor", &answer.to_string_lossy()]).await?;
        report.floor(me(&floor, &self.file("few", &tokens[..1])?).await?);

        me(&server, &self.file("few", &tokens[..100])?).await?;
        let few = server.resident()?;
        let file = self.file("tokens", &tokens)?;
        me(&server, &file).await?;
        let many = server.resident()?;
        let transactions = self.database.transactions().await?;
        let loaded = me(&server, &file).await?;
        let transactions = self.database.transactions().await? - transactions;
        report.line(Line::of(self.users, "me, remembered", loaded));
        report.note(format!(
            "{} users: {TOKENS} sessions remembered: {} KB resident, {} bytes for each beyond the first hundred; \
             {transactions} transactions during {} requests",
            self.users,
            many / 1024,
            many.saturating_sub(few) / (TOKENS - 100),
            loaded.requests,
        ));
        Ok(())
    }

    /// `me` where nothing is remembered.
    async fn missed(&self, wechat: &Process, report: &mut Report) -> Outcome {
        let server = self.serve(wechat, "sessions_cached = 1").await?;
        let tokens = self.tokens(&server).await?;
        let loaded = me(&server, &self.file("tokens", &tokens)?).await?;
        report.line(Line::of(self.users, "me, from PostgreSQL", loaded));
        Ok(())
    }

    /// Logins of known users.
    async fn logins(&self, wechat: &Process, report: &mut Report) -> Outcome {
        let server = self.serve(wechat, "sessions_per_user = 1000").await?;
        self.login(&server, "a", WARM, CONNECTIONS).await?;
        let loaded = self.login(&server, "b", SECONDS, CONNECTIONS).await?;
        report.line(Line::of(self.users, "login of a known user", loaded));
        Ok(())
    }

    /// `me` while WeChat takes its time for 256 logins at once.
    async fn slow_wechat(&self, report: &mut Report) -> Outcome {
        let wechat = Process::part(&["wechat", "100"]).await?;
        let server = self.serve(&wechat, "sessions_per_user = 1000").await?;
        let tokens = self.tokens(&server).await?;
        let file = self.file("tokens", &tokens)?;
        let alone = me(&server, &file).await?;
        let (logins, beside) = tokio::join!(self.login(&server, "c", WARM + SECONDS + 2, 256), me(&server, &file));
        let (logins, beside) = (logins?, beside?);
        let most = ureq::get(format!("{}/most", wechat.base)).call()?.into_body().read_to_string()?;
        report.note(format!(
            "{} users: WeChat takes 100 ms and 256 clients log in ({} logins): 99 of 100 `me` within {:?} (alone {:?}); \
             at most {most} calls to WeChat at once",
            self.users, logins.requests, beside.p99, alone.p99,
        ));
        Ok(())
    }

    async fn login(&self, server: &Process, run: &str, seconds: u32, connections: u32) -> Outcome<Loaded> {
        let arguments = [&self.users.to_string(), run];
        Load { script: "login.lua", arguments: &arguments, connections, seconds }.send(server).await
    }

    /// Tokens of as many sessions as are sent in turn, of users all over the table.
    async fn tokens(&self, server: &Process) -> Outcome<Vec<String>> {
        let mut logins = JoinSet::new();
        let mut tokens = Vec::new();
        for n in 0..TOKENS {
            let url = format!("{}/api/login", server.base);
            let code = format!("{}.t{n}.{}", n * (self.users / TOKENS).max(1) % self.users + 1, server.id());
            logins
                .spawn_blocking(move || post(&url, None, &json!({ "code": code })).map_err(|error| error.to_string()));
            if logins.len() >= 32 || n + 1 == TOKENS {
                while let Some(answer) = logins.join_next().await {
                    let answer = answer??.into_body().read_to_string()?;
                    let token = serde_json::from_str::<Value>(&answer)?["token"].as_str().map(str::to_owned);
                    tokens.push(token.ok_or(answer)?);
                }
            }
        }
        Ok(tokens)
    }

    fn file(&self, name: &str, tokens: &[String]) -> Outcome<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, tokens.join("\n") + "\n")?;
        Ok(path.to_string_lossy().into_owned())
    }
}

/// Repeated `me` with the tokens of a file, warmed up first.
async fn me(server: &Process, tokens: &str) -> Outcome<Loaded> {
    let load = |seconds| Load {
        script: "me.lua",
        arguments: std::slice::from_ref(&tokens),
        connections: CONNECTIONS,
        seconds,
    };
    load(WARM).send(server).await?;
    load(SECONDS).send(server).await
}

/// What the server answers to the first token, as the floor is to answer it: headers, an empty line, the body.
fn answer_of(server: &Process, tokens: &[String]) -> Outcome<String> {
    let query = json!({ "query": "{ me { id nickname avatarUrl createdAt } }" });
    let answer = post(&format!("{}/graphql", server.base), Some(&tokens[0]), &query)?;
    let mut text = String::new();
    for (name, value) in answer.headers() {
        // the server under it writes these itself
        if name != "date" && name != "content-length" {
            writeln!(text, "{name}: {}", value.to_str()?)?;
        }
    }
    Ok(text + "\n" + &answer.into_body().read_to_string()?)
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Response<Body>, ureq::Error> {
    let token = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    ureq::post(url).header("Authorization", token).send_json(body)
}
