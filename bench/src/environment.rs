//! The environment of the measurements: a filled database, servers that use it, tokens, and the empty handler.

use std::{fmt::Write as _, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinSet};
use ureq::{Body, http::Response};

use crate::{BenchResult, database::BenchDatabase, process::Process};

/// The number of sessions whose tokens are sent in turn.
pub(crate) const TOKENS: u64 = 10_000;

/// Concurrent logins while the tokens are fetched.
const CONCURRENCY: usize = 32;

/// The environment for one number of users.
pub(crate) struct Environment<'a> {
    server: &'a str,
    folder: TempDir,
    pub(crate) database: &'a BenchDatabase,
    pub(crate) users: u64,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(server: &'a str, database: &'a BenchDatabase, users: u64) -> BenchResult<Self> {
        Ok(Self { server, folder: TempDir::new()?, database, users })
    }

    /// Creates the tables and fills them.
    pub(crate) async fn fill(&self, wechat: &Process) -> BenchResult {
        let migrated = self.command(wechat, "")?.arg("migrate").output().await?;
        if !migrated.status.success() {
            return Err(String::from_utf8_lossy(&migrated.stderr).into());
        }
        self.database.seed(self.users).await
    }

    fn command(&self, wechat: &Process, settings: &str) -> BenchResult<Command> {
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

    /// Starts the server with a settings file.
    pub(crate) async fn serve(&self, wechat: &Process, settings: &str) -> BenchResult<Process> {
        Process::start(&mut self.command(wechat, settings)?).await
    }

    /// Starts the empty handler, which sends a recorded response of the server. Also returns a file with a token for
    /// it.
    pub(crate) async fn floor(&self, wechat: &Process) -> BenchResult<(Process, String)> {
        let server = self.serve(wechat, "").await?;
        let (token, _) = tokens_of(post(&format!("{}/api/login", server.base), None, &json!({ "code": "1.floor" }))?)?;
        let answer = self.file("answer", &[answer_of(&server, &token)?])?;
        Ok((Process::part(&["floor", &answer]).await?, self.file("one", &[token])?))
    }

    /// Logs in [`TOKENS`] users spread over the table, and returns their access and refresh tokens.
    pub(crate) async fn tokens(&self, server: &Process) -> BenchResult<(Vec<String>, Vec<String>)> {
        let mut logins = JoinSet::new();
        let mut tokens = Vec::new();
        for n in 0..TOKENS {
            let url = format!("{}/api/login", server.base);
            let code = format!("{}.t{n}.{}", n * (self.users / TOKENS).max(1) % self.users + 1, server.id());
            let login = move || post(&url, None, &json!({ "code": code })).map_err(|error| error.to_string());
            logins.spawn_blocking(login);
            if logins.len() >= CONCURRENCY || n + 1 == TOKENS {
                while let Some(answer) = logins.join_next().await {
                    tokens.push(tokens_of(answer??)?);
                }
            }
        }
        Ok(tokens.into_iter().unzip())
    }

    /// Writes a file in a folder that is removed at the end.
    pub(crate) fn file(&self, name: &str, lines: &[String]) -> BenchResult<String> {
        let path = self.folder.path().join(name);
        fs::write(&path, lines.join("\n") + "\n")?;
        Ok(path.to_string_lossy().into_owned())
    }
}

/// Records the server's response to `me`: headers, an empty line, the body.
fn answer_of(server: &Process, token: &str) -> BenchResult<String> {
    let query = json!({ "query": "{ me { id nickname avatarUrl createdAt } }" });
    let answer = post(&format!("{}/graphql", server.base), Some(token), &query)?;
    let mut text = String::new();
    for (name, value) in answer.headers() {
        // the HTTP library writes these itself
        if name != "date" && name != "content-length" {
            writeln!(text, "{name}: {}", value.to_str()?)?;
        }
    }
    Ok(text + "\n" + &answer.into_body().read_to_string()?)
}

/// The access token and the refresh token of a login.
fn tokens_of(login: Response<Body>) -> BenchResult<(String, String)> {
    let answer = login.into_body().read_to_string()?;
    let body = serde_json::from_str::<Value>(&answer)?;
    let token = |name: &str| body[name].as_str().map(str::to_owned).ok_or_else(|| answer.clone());
    Ok((token("token")?, token("refreshToken")?))
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Response<Body>, ureq::Error> {
    let token = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    ureq::post(url).header("Authorization", token).send_json(body)
}
