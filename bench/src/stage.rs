//! What the measurements play on: a filled database, servers with it, tokens, and the floor.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinSet};
use ureq::{Body, http::Response};

use crate::{Outcome, database::BenchDatabase, process::Process};

/// Sessions whose tokens are sent in turn.
pub(crate) const TOKENS: u64 = 10_000;

/// Logins under way at once while those are fetched.
const AT_ONCE: usize = 32;

/// What all measurements with one number of users share.
pub(crate) struct Stage<'a> {
    server: &'a str,
    folder: TempDir,
    pub(crate) database: &'a BenchDatabase,
    pub(crate) users: u64,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(server: &'a str, database: &'a BenchDatabase, users: u64) -> Outcome<Self> {
        Ok(Self { server, folder: TempDir::new()?, database, users })
    }

    /// Makes the tables and fills them.
    pub(crate) async fn fill(&self, wechat: &Process) -> Outcome {
        let migrated = self.command(wechat, "")?.arg("migrate").output().await?;
        if !migrated.status.success() {
            return Err(String::from_utf8_lossy(&migrated.stderr).into());
        }
        self.database.seed(self.users).await
    }

    fn command(&self, wechat: &Process, settings: &str) -> Outcome<Command> {
        let mut command = Command::new(self.server);
        let file = self.file("settings.toml", &[settings.to_owned()])?;
        command.current_dir(self.folder.path()).env_clear().args(["--config", &file]);
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
        Ok(command)
    }

    /// The server with a settings file.
    pub(crate) async fn serve(&self, wechat: &Process, settings: &str) -> Outcome<Process> {
        Process::start(&mut self.command(wechat, settings)?).await
    }

    /// A handler that does nothing but answer what the server does, and a file with the token it is sent.
    pub(crate) async fn floor(&self, wechat: &Process) -> Outcome<(Process, String)> {
        let server = self.serve(wechat, "").await?;
        let token = token(post(&format!("{}/api/login", server.base), None, &json!({ "code": "1.floor" }))?)?;
        let answer = self.file("answer", &[answer_of(&server, &token)?])?;
        Ok((Process::part(&["floor", &answer]).await?, self.file("one", &[token])?))
    }

    /// Tokens of as many sessions as are sent in turn, of users all over the table.
    pub(crate) async fn tokens(&self, server: &Process) -> Outcome<Vec<String>> {
        let mut logins = JoinSet::new();
        let mut tokens = Vec::new();
        for n in 0..TOKENS {
            let url = format!("{}/api/login", server.base);
            let code = format!("{}.t{n}.{}", n * (self.users / TOKENS).max(1) % self.users + 1, server.id());
            let login = move || post(&url, None, &json!({ "code": code })).map_err(|error| error.to_string());
            logins.spawn_blocking(login);
            if logins.len() >= AT_ONCE || n + 1 == TOKENS {
                while let Some(answer) = logins.join_next().await {
                    tokens.push(token(answer??)?);
                }
            }
        }
        Ok(tokens)
    }

    /// A file with these lines, in a folder that is removed at the end.
    pub(crate) fn file(&self, name: &str, lines: &[String]) -> Outcome<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, lines.join("\n") + "\n")?;
        Ok(path.to_string_lossy().into_owned())
    }
}

/// What the server answers to a token, as the floor is to answer it: headers, an empty line, the body.
fn answer_of(server: &Process, token: &str) -> Outcome<String> {
    let query = json!({ "query": "{ me { id nickname avatarUrl createdAt } }" });
    let answer = post(&format!("{}/graphql", server.base), Some(token), &query)?;
    let mut text = String::new();
    for (name, value) in answer.headers() {
        // the server under it writes these itself
        if name != "date" && name != "content-length" {
            writeln!(text, "{name}: {}", value.to_str()?)?;
        }
    }
    Ok(text + "\n" + &answer.into_body().read_to_string()?)
}

fn token(login: Response<Body>) -> Outcome<String> {
    let answer = login.into_body().read_to_string()?;
    let token = serde_json::from_str::<Value>(&answer)?["token"].as_str().map(str::to_owned);
    Ok(token.ok_or(answer)?)
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Response<Body>, ureq::Error> {
    let token = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    ureq::post(url).header("Authorization", token).send_json(body)
}
