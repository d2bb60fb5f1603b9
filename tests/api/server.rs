//! The real program from start to end: what it makes at its first start, what it keeps, and how it stops.

mod database;
mod refusals;

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Program, Reply, Running, Upstream, folder};

/// What an orchestrator waits before it kills.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_settings_it_starts_and_keeps_what_it_makes_to_its_owner() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    assert!(server.is_up().await);
    assert_eq!(mode(&folder.path().join("miniaccount.db.key")), 0o600);
    assert!(folder.path().join("miniaccount.db").exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().filter(is_unknown).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_logs_in_through_the_emulator() {
    let folder = folder();
    let server = Program::new(folder.path(), &["serve"]).serve();
    let first = server.login("emulator:alice").await;
    assert_eq!(first["data"]["login"]["isNewUser"], true, "{first}");
    let me = server.graphql(Some(token(&first)), "{ me { id } }").await;
    assert_eq!(me["data"]["me"]["id"], first["data"]["login"]["user"]["id"]);
    let classic = server.post("/api/login", &json!({ "code": "emulator:alice", "AppID": "" })).await.unwrap();
    assert_eq!((&classic["isNewUser"], &classic["user"]["id"]), (&json!(false), &me["data"]["me"]["id"]), "{classic}");
    let me = server.graphql(classic["token"].as_str(), "{ me { id } serverInfo { emulator } }").await;
    assert_eq!(
        (&me["data"]["me"]["id"], &me["data"]["serverInfo"]["emulator"]),
        (&classic["user"]["id"], &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_true_code_is_good_once() {
    let folder = folder();
    std::fs::write(folder.path().join("miniaccount.toml"), "login_repeat_window = \"1s\"\n").unwrap();
    let server = Program::new(folder.path(), &[]).serve();
    let emulator = server.emulator();
    let code = mint(&server, &emulator, "bob").await;
    let first = server.login(&code).await;
    assert_eq!(first["data"]["login"]["isNewUser"], true, "{first}");
    // one that comes soon after is the same client, which lost its answer
    let repeated = server.login(&code).await;
    assert_eq!(repeated["data"]["login"]["user"], first["data"]["login"]["user"], "{repeated}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(code_of(&server.login(&code).await), "CODE_USED");
    let other = server.login(&mint(&server, &emulator, "bob").await).await;
    assert_eq!(other["data"]["login"]["user"], first["data"]["login"]["user"], "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_outlive_a_restart() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let login = server.login("emulator:alice").await;
    server.terminate();
    assert_eq!(server.end(PATIENCE).await, Some(0));
    let server = Program::new(folder.path(), &[]).serve();
    let me = server.graphql(Some(token(&login)), "{ me { id } }").await;
    assert_eq!(me["data"]["me"]["id"], login["data"]["login"]["user"]["id"], "{me}");
    let again = server.login("emulator:alice").await;
    assert_eq!(again["data"]["login"]["isNewUser"], false, "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_stops() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    server.login("emulator:alice").await;
    server.terminate();
    assert_eq!(server.end(PATIENCE).await, Some(0));
    // SQLite's log has been folded into the one file a person copies
    assert!(!folder.path().join("miniaccount.db-wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_answers_those_who_wait() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let logins: Vec<_> = (0..20).map(|n| server.login_later(&format!("emulator:slow:1500:bob{n}"))).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.terminate();
    for login in logins {
        let answer = login.await.unwrap().expect("a login was cut off");
        assert_eq!(answer["data"]["login"]["isNewUser"], true, "{answer}");
    }
    assert_eq!(server.end(PATIENCE).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_waits_for_ever_does_not_keep_it_from_stopping() {
    let (folder, wechat) = (folder(), Upstream::start().await);
    wechat.reply("alice", Reply::Hang);
    std::fs::write(folder.path().join("miniaccount.toml"), "wechat_timeout = \"60s\"\n").unwrap();
    let program =
        Program::new(folder.path(), &[]).set("WECHAT_APPS", "wx1:secret").set("WECHAT_API_BASE", &wechat.base);
    let server = program.set("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").serve();
    let login = server.login_later("alice");
    while wechat.sent().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.terminate();
    assert_eq!(server.end(PATIENCE).await, Some(0));
    assert!(login.await.unwrap().is_err(), "a login that hangs was answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_keeps_its_connection_open_does_not_either() {
    let folder = folder();
    let server = Program::new(folder.path(), &[]).serve();
    let address = server.api.trim_start_matches("http://").to_owned();
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    assert!(server.is_up().await);
    server.terminate();
    assert_eq!(server.end(PATIENCE).await, Some(0));
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_one_on_the_same_port_says_so_in_one_sentence() {
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

/// A true code, as `wx.login` would give.
async fn mint(server: &Running, emulator: &str, user: &str) -> String {
    let minted = server.mint(emulator, user).await;
    minted["code"].as_str().unwrap_or_else(|| panic!("no code in {minted}")).to_owned()
}
