//! The real program as a process, in its own folder, with only the settings of the test.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::header;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The limit for a start or a run, also on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The program before its start.
pub(crate) struct Program {
    command: Command,
}

/// The exit code and the output of the program.
#[derive(Debug)]
pub(crate) struct ProgramOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The program in a folder, which contains `miniaccount.toml` and its files.
    pub(crate) fn new(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_miniaccount"));
        command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self { command }
    }

    /// The program with a limit of open files.
    pub(crate) fn with_files(folder: &Path, files: u32) -> Self {
        let mut program = Self::new(folder, &[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -n \"$1\" && exec \"$0\"", env!("CARGO_BIN_EXE_miniaccount"), &files.to_string()]);
        shell.current_dir(folder).env_clear().stdin(Stdio::null());
        shell.envs(program.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        program.command = shell;
        program
    }

    /// The same with a setting.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the program to its end. If it does not end in time, it is killed and the test fails.
    pub(crate) fn run(mut self) -> ProgramOutput {
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut child = KillOnDrop(child);
        let stdout = read_all(child.0.stdout.take().unwrap());
        let stderr = read_all(child.0.stderr.take().unwrap());
        let status = child.wait(START_TIMEOUT).expect("the program did not end");
        ProgramOutput { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    /// Starts a server on a free port, and waits until it prints its URL.
    pub(crate) fn serve(self) -> ServerProcess {
        self.serve_at("127.0.0.1:0")
    }

    /// The same on an address.
    pub(crate) fn serve_at(self, address: &str) -> ServerProcess {
        let mut command = self.set("LISTEN", address).command;
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut child = KillOnDrop(child);
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.0.stdout.take().unwrap());
        // read to the end even without a receiver, so that the program never blocks on a full pipe
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let api = announced_url(&lines, "GraphQL").trim_end_matches("/graphql").to_owned();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        ServerProcess { api, lines: Mutex::new(lines), child, client }
    }
}

/// Reads lines up to the one that begins with `name`, and returns the URL in it.
fn announced_url(lines: &Receiver<String>, name: &str) -> String {
    let until = Instant::now() + START_TIMEOUT;
    loop {
        let line = lines.recv_timeout(until - Instant::now()).expect("the program did not say where it listens");
        let is_named = line.trim_start().starts_with(name);
        if let Some((_, address)) = line.split_once("http://").filter(|_| is_named) {
            return format!("http://{address}");
        }
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

/// The program as a server. It is killed when dropped.
pub(crate) struct ServerProcess {
    pub(crate) api: String,
    lines: Mutex<Receiver<String>>,
    child: KillOnDrop,
    client: reqwest::Client,
}

impl ServerProcess {
    /// The URL of the emulator that the server started.
    pub(crate) fn emulator(&self) -> String {
        announced_url(&self.lines.lock().unwrap(), "WeChat")
    }

    /// Requests a code for a user from the emulator, and returns the response.
    pub(crate) async fn mint_code(&self, emulator: &str, user: &str) -> Value {
        let url = format!("{emulator}/emulator/code");
        let answer = self.client.post(url).body(format!("user={user}")).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        post(&self.client, &format!("{}{path}", self.api), None, body).await
    }

    /// Sends a GraphQL request.
    pub(crate) async fn graphql(&self, token: Option<&str>, query: &str) -> Value {
        post(&self.client, &format!("{}/graphql", self.api), token, &json!({ "query": query })).await.unwrap()
    }

    /// Logs in, and returns the response.
    pub(crate) async fn login(&self, code: &str) -> Value {
        self.graphql(None, &login(code)).await
    }

    /// Sends a login without waiting for the response.
    pub(crate) fn spawn_login(&self, code: &str) -> tokio::task::JoinHandle<Result<Value, reqwest::Error>> {
        let (client, url, query) = (self.client.clone(), format!("{}/graphql", self.api), login(code));
        tokio::spawn(async move { post(&client, &url, None, &json!({ "query": query })).await })
    }

    /// The resident memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Whether the server responds.
    pub(crate) async fn is_up(&self) -> bool {
        self.client.get(format!("{}/livez", self.api)).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    /// Sends SIGTERM, as an orchestrator does.
    pub(crate) fn terminate(&self) {
        let id = self.child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for the end, and returns the exit code; `None` after the timeout.
    pub(crate) async fn wait_for_exit(mut self, timeout: Duration) -> Option<i32> {
        let waited = tokio::task::spawn_blocking(move || self.child.wait(timeout));
        waited.await.unwrap().and_then(|status| status.code())
    }
}

fn login(code: &str) -> String {
    format!("mutation {{ login(code: {code:?}) {{ token isNewUser user {{ id }} }} }}")
}

async fn post(client: &reqwest::Client, url: &str, token: Option<&str>, body: &Value) -> Result<Value, reqwest::Error> {
    let mut request = client.post(url).header(header::CONTENT_TYPE, "application/json").body(body.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let text = request.send().await?.text().await?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A process that does not outlive its test.
struct KillOnDrop(Child);

impl KillOnDrop {
    fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + timeout;
        loop {
            match self.0.try_wait().unwrap() {
                None if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
                ended => return ended,
            }
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A new folder.
pub(crate) fn folder() -> TempDir {
    TempDir::new().unwrap()
}
