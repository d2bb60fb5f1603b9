//! The real program: its first start, its files, and its shutdown.

mod abandoned;
mod database;
mod pushes;
mod refusals;

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::harness::{FakeWechat, Program, Reply, ServerProcess, folder, wait_until};

/// How long an orchestrator waits before it kills the process.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_starts_without_settings_and_its_files_are_private() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    assert!(server.is_up().await);
    server.login("emulator:alice").await;
    for name in ["miniaccount.db.key", "miniaccount.db", "miniaccount.db-wal", "miniaccount.db-shm"] {
        assert_eq!(mode(&folder.path().join(name)), 0o600, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().filter(is_unknown).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permissions_of_existing_sqlite_files_are_restricted() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let migrated = Program::new(folder.path(), &["migrate"]).run();
    assert_eq!((migrated.code, mode(&path("miniaccount.db"))), (Some(0), 0o600), "{migrated:?}");
    // a write-ahead log after a crash, and a symbolic link to the database
    std::fs::write(path("miniaccount.db-wal"), "").unwrap();
    for name in ["miniaccount.db", "miniaccount.db-wal"] {
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    std::os::unix::fs::symlink("miniaccount.db", path("link.db")).unwrap();
    let server = Program::new(folder.path(), &[]).set("DATABASE_URL", "sqlite://link.db").serve();
    server.login("emulator:alice").await;
    for name in ["miniaccount.db", "miniaccount.db-wal", "miniaccount.db-shm"] {
        assert_eq!(mode(&path(name)), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requested_emulator_listens_on_the_loopback_alone() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).set("EMULATOR", "true").set("TRUSTED_PROXIES", "127.0.0.0/8");
    let server = server.serve_at("0.0.0.0:0");
    assert!(server.emulator().starts_with("http://127.0.0.1:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_user_logs_in_through_the_emulator() {
    let folder = folder();
    let server = Program::new(folder.path(), &["serve"]).serve();
    let first = server.login("emulator:alice").await;
    assert_eq!(first["data"]["login"]["isNewUser"], true, "{first}");
    let me = server.graphql(Some(token(&first)), "{ me { id } }").await;
    assert_eq!(me["data"]["me"]["id"], first["data"]["login"]["user"]["id"]);
    let classic = server.post("/api/login", &json!({ "code": "emulator:nounion:alice", "AppID": "" })).await.unwrap();
    assert_eq!((&classic["isNewUser"], &classic["user"]["id"]), (&json!(false), &me["data"]["me"]["id"]), "{classic}");
    let me = server.graphql(classic["token"].as_str(), "{ me { id } serverInfo { emulator } }").await;
    assert_eq!(
        (&me["data"]["me"]["id"], &me["data"]["serverInfo"]["emulator"]),
        (&classic["user"]["id"], &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn minted_code_is_accepted_once() {
    let folder = folder();
    std::fs::write(folder.path().join("miniaccount.toml"), "login_repeat_window = \"1s\"\n").unwrap();
    let server = Program::new(folder.path(), &[]).serve();
    let emulator = server.emulator();
    let code = mint_code(&server, &emulator, "bob").await;
    let first = server.login(&code).await;
    assert_eq!(first["data"]["login"]["isNewUser"], true, "{first}");
    // a repeat soon after is the same client, which lost the response
    let repeated = server.login(&code).await;
    assert_eq!(repeated["data"]["login"]["user"], first["data"]["login"]["user"], "{repeated}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(code_of(&server.login(&code).await), "CODE_USED");
    let other = server.login(&mint_code(&server, &emulator, "bob").await).await;
    assert_eq!(other["data"]["login"]["user"], first["data"]["login"]["user"], "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_outlive_a_restart() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let login = server.login("emulator:alice").await;
    server.terminate();
    assert_eq!(server.wait_for_exit(GRACE_PERIOD).await, Some(0));
    let server = Program::new(folder.path(), &[]).serve();
    let me = server.graphql(Some(token(&login)), "{ me { id } }").await;
    assert_eq!(me["data"]["me"]["id"], login["data"]["login"]["user"]["id"], "{me}");
    let again = server.login("emulator:nounion:alice").await;
    assert_eq!(again["data"]["login"]["isNewUser"], false, "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_signal_ends_the_program() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    server.login("emulator:alice").await;
    server.terminate();
    assert_eq!(server.wait_for_exit(GRACE_PERIOD).await, Some(0));
    // SQLite has merged its log into the database file
    assert!(!folder.path().join("miniaccount.db-wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_requests_finish_at_shutdown() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let logins: Vec<_> = (0..20).map(|n| server.spawn_login(&format!("emulator:slow:1500:bob{n}"))).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.terminate();
    for login in logins {
        let answer = login.await.unwrap().expect("a login was cut off");
        assert_eq!(answer["data"]["login"]["isNewUser"], true, "{answer}");
    }
    assert_eq!(server.wait_for_exit(GRACE_PERIOD).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_that_never_ends_does_not_prevent_shutdown() {
    let (folder, wechat) = (folder(), FakeWechat::start().await);
    wechat.reply("alice", Reply::Hang);
    std::fs::write(folder.path().join("miniaccount.toml"), "wechat_timeout = \"60s\"\n").unwrap();
    let program =
        Program::new(folder.path(), &[]).set("WECHAT_APPS", "wx1:secret").set("WECHAT_API_BASE", &wechat.base);
    let server = program.set("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").serve();
    let login = server.spawn_login("alice");
    wait_until(|| !wechat.sent().is_empty()).await;
    server.terminate();
    assert_eq!(server.wait_for_exit(GRACE_PERIOD).await, Some(0));
    assert!(login.await.unwrap().is_err(), "a login without a reply of WeChat got a response");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_connection_does_not_prevent_shutdown() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let address = server.api.trim_start_matches("http://").to_owned();
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    assert!(server.is_up().await);
    server.terminate();
    assert_eq!(server.wait_for_exit(GRACE_PERIOD).await, Some(0));
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_server_on_the_same_port_fails_with_one_message() {
    let (folder, other) = (folder(), folder());
    let server = Program::new(folder.path(), &[]).serve();
    let address = server.api.trim_start_matches("http://").to_owned();
    let path = other.path().to_owned();
    let taken = address.clone();
    let second = move || Program::new(&path, &[]).set("LISTEN", &taken).run();
    let second = tokio::task::spawn_blocking(second).await.unwrap();
    assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""), "{second:?}");
    assert_eq!(second.stderr.lines().count(), 1, "{second:?}");
    assert!(second.stderr.starts_with(&format!("cannot listen on {address}: ")), "{second:?}");
    assert!(server.is_up().await);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Whether a file is neither the key nor one of SQLite's.
fn is_unknown(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
    !["miniaccount.db", "miniaccount.db-shm", "miniaccount.db-wal", "miniaccount.db.key"].contains(&name.as_str())
}

fn token(login: &Value) -> &str {
    login["data"]["login"]["token"].as_str().unwrap_or_else(|| panic!("no token in {login}"))
}

fn code_of(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error in {answer}"))
}

/// A code as from `wx.login`.
async fn mint_code(server: &ServerProcess, emulator: &str, user: &str) -> String {
    let minted = server.mint_code(emulator, user).await;
    minted["code"].as_str().unwrap_or_else(|| panic!("no code in {minted}")).to_owned()
}
