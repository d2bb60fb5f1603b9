//! Secrets appear neither in the log, nor in `Debug`, nor in a response.

mod mutations;

use std::time::Duration;

use entity::{OpenId, union_link};
use miniaccount::{server::Server, store};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client, DatabaseKind, Log, Reply, Settings, TestApp, config};

const SETTINGS: Settings = &[("WECHAT_APP_SECRET", "TheAppSecret"), ("FILE", "wechat_timeout = \"300ms\"")];

/// The same with an unreachable database.
const WITHOUT_DATABASE: Settings =
    &[SETTINGS[0], ("DATABASE_URL", "postgres://me:TheDatabasePassword@127.0.0.1:1/none"), ("LISTEN", "127.0.0.1:0")];

/// What no log and no response contains: secrets of the settings, and data of WeChat about a user.
const SECRETS: [&str; 10] = [
    "TheAppSecret",
    "secret-of-wx2",
    "AAAAAAAAAAAAAAAA",
    "TheDatabasePassword",
    "TheOpenid",
    "TheUnionid",
    "TheSessionKey",
    "TheCode",
    "TheErrmsg",
    "TheToken",
];

/// The responses to all that clients and WeChat can do.
struct Transcript {
    answers: Vec<ApiResponse>,
    /// Every token that a client received.
    tokens: Vec<String>,
}

// One thread, so that this test captures the whole log of a request.
#[tokio::test]
async fn secrets_are_in_no_log_and_no_response() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres, DatabaseKind::MySql] {
        crate::harness::run(kind, SETTINGS, |app| async move {
            let log = Log::default();
            let capturing = log.capture();
            let mut transcript = record(&app).await;
            db_drop_sessions(&app).await;
            transcript.answers.push(app.anonymous().login("TheCode.broken").await);
            transcript.answers.push(app.with_token(&transcript.tokens[0]).me().await);
            transcript.answers.push(app.anonymous().get("/readyz").await);
            app.store.clone().close().await.unwrap();
            transcript.answers.push(app.anonymous().login("TheCode.closed").await);
            // the result of a ping is reused for a second
            tokio::time::sleep(Duration::from_millis(1100)).await;
            transcript.answers.push(app.anonymous().get("/readyz").await);
            drop(capturing);
            let log = log.text();
            assert_contains(&log, &["logged in", "40125", "request failed", "the database does not answer"]);
            assert_contains_none(&log, &SECRETS);
            assert_contains_none(&log, &transcript.tokens);
            for answer in &transcript.answers {
                assert_contains_none(&format!("{} {:?}", answer.text, answer.headers), &SECRETS);
            }
        })
        .await;
    }
}

// Clients receive tokens in these two fields only.
#[tokio::test]
async fn tokens_are_only_in_their_fields() {
    crate::harness::run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        let transcript = record(&app).await;
        assert!(transcript.tokens.len() >= 6);
        for answer in transcript.answers {
            let mut body = answer.body;
            hide_tokens(&mut body);
            assert_contains_none(&format!("{body} {:?}", answer.headers), &transcript.tokens);
        }
    })
    .await;
}

on_each_database! {
    async fn debug_output_contains_no_secret(app: TestApp, [("WECHAT_APP_SECRET", "TheAppSecret")]) {
        log_in(&app).await;
        let openid = OpenId("TheOpenid".to_owned());
        let rows = app.store.identity_by_openid("wx1", &openid).await.unwrap().unwrap();
        let db = app.db().await;
        let links = union_link::Entity::find().all(&db).await.unwrap();
        db.close().await.unwrap();
        assert_eq!(links.len(), 1);
        assert_contains_none(
            &format!("{:?} {:#?} {rows:?} {links:?} {openid:?}", app.accounts, app.accounts),
            &SECRETS,
        );
        assert_contains_none(&format!("{rows:?}"), &["TheSessionKey", &format!("{:?}", rows.0.session_key.0)]);
    }
}

#[tokio::test]
async fn debug_output_of_the_settings_contains_no_secret() {
    let config = config("http://127.0.0.1:1", WITHOUT_DATABASE);
    assert_contains_none(&format!("{config:?} {config:#?}"), &SECRETS);
}

#[tokio::test]
async fn unreachable_database_does_not_reveal_its_password() {
    let log = Log::default();
    let capturing = log.capture();
    for url in ["postgres://me:TheDatabasePassword@127.0.0.1:1/none", "mysql://me:TheDatabasePassword@127.0.0.1:1/none"]
    {
        let error = store::connect(&url.parse().unwrap(), 1).await.unwrap_err();
        assert_contains_none(&format!("{error} {error:?}"), &SECRETS);
    }
    let error = Server::start(config("http://127.0.0.1:1", WITHOUT_DATABASE)).await.unwrap_err();
    assert_contains_none(&format!("{error} {error:?}"), &SECRETS);
    drop(capturing);
    assert_contains_none(&log.text(), &SECRETS);
}

/// Logs in, succeeds and fails in every way, refreshes, reuses a token, logs out.
async fn record(app: &TestApp) -> Transcript {
    let mut answers = vec![log_in(app).await];
    let login = answers[0].data()["login"].clone();
    let (token, refresh) = (login["token"].as_str().unwrap(), login["refreshToken"].as_str().unwrap());
    let client = app.with_token(token);
    answers.push(app.anonymous().post("/api/login", &json!({ "code": "TheCode.1" })).await);
    for (n, reply) in failures().into_iter().enumerate() {
        let code = format!("TheCode.bad{n}");
        app.wechat.reply(&code, reply);
        answers.push(app.anonymous().login(&code).await);
        answers.push(app.anonymous().post("/api/login", &json!({ "code": code })).await);
    }
    answers.push(app.anonymous().login("TheCode &odd").await);
    answers.push(app.anonymous().login_with(json!({ "code": "TheCode", "appId": "wx9" })).await);
    answers.push(app.anonymous().graphql("mutation { login(code: \"TheCode\") { toke } }", json!({})).await);
    let all_fields = "{ me { id nickname identities { id } sessions(first: 5) { nodes { id userAgent } } } }";
    answers.push(client.graphql(all_fields, json!({})).await);
    refresh_and_reuse(app, refresh, &mut answers).await;
    answers.push(client.me().await);
    answers.push(app.with_token("TheCode.not.a.token").me().await);
    answers.push(client.graphql("mutation { logout { endedSessions } }", json!({})).await);
    answers.push(app.anonymous().get("/readyz").await);
    let mut tokens = Vec::new();
    for answer in &answers {
        collect_tokens(&answer.body, &mut tokens);
    }
    Transcript { answers, tokens }
}

async fn refresh_and_reuse(app: &TestApp, refresh: &str, answers: &mut Vec<ApiResponse>) {
    let second = app.anonymous().refresh(refresh).await;
    let successor = second.data()["refreshSession"]["refreshToken"].as_str().unwrap().to_owned();
    answers.extend([second, app.anonymous().refresh(&successor).await, app.anonymous().refresh(refresh).await]);
    assert_eq!(answers.last().unwrap().error()["reason"], json!("REUSED"));
}

fn failures() -> Vec<Reply> {
    let errmsg = |errcode: i64| Reply::Json(json!({ "errcode": errcode, "errmsg": "TheErrmsg TheCode TheAppSecret" }));
    let broken = "{\"openid\":\"TheOpenid\",\"session_key\":\"TheSessionKey\"";
    let odd = "{\"openid\":\"TheOpenid TheOpenid\",\"session_key\":\"TheSessionKey\"}";
    let mut failures: Vec<_> = [-1, 40029, 40163, 40226, 45011, 45009, 40013, 40125, 77777].map(errmsg).into();
    failures.extend([
        Reply::Raw(200, "text/html", format!("<html>{broken}</html>")),
        Reply::Raw(200, "application/json", broken.to_owned()),
        Reply::Raw(200, "application/json", odd.to_owned()),
        Reply::Raw(500, "application/json", broken.to_owned()),
        Reply::Redirect("http://127.0.0.1:1/TheErrmsg?secret=TheAppSecret".to_owned()),
        Reply::After(Duration::from_millis(1), Box::new(errmsg(-1))),
        Reply::Hang,
    ]);
    failures
}

async fn log_in(app: &TestApp) -> ApiResponse {
    let reply = Reply::user("TheOpenid").with("unionid", "TheUnionid").with("session_key", "TheSessionKey");
    app.wechat.reply("TheCode.1", reply);
    device_of(app).login_with(json!({ "code": "TheCode.1", "device": { "id": "d1", "name": "phone" } })).await
}

fn device_of(app: &TestApp) -> Client {
    app.anonymous().header("user-agent", "MicroMessenger")
}

/// Drops a table while the server runs.
async fn db_drop_sessions(app: &TestApp) {
    let db = app.db().await;
    db.execute_unprepared("DROP TABLE sessions").await.unwrap();
    db.close().await.unwrap();
}

fn collect_tokens(body: &Value, tokens: &mut Vec<String>) {
    match body {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(token) if is_token(name) => tokens.push(token.clone()),
            value => collect_tokens(value, tokens),
        }),
        Value::Array(items) => items.iter().for_each(|item| collect_tokens(item, tokens)),
        _ => {}
    }
}

fn hide_tokens(body: &mut Value) {
    if let Value::Object(members) = body {
        for (name, value) in members.iter_mut() {
            if is_token(name) { *value = Value::Null } else { hide_tokens(value) }
        }
    }
}

fn is_token(name: &str) -> bool {
    matches!(name, "token" | "refreshToken")
}

#[track_caller]
fn assert_contains_none<S: AsRef<str>>(text: &str, secrets: &[S]) {
    for secret in secrets {
        assert!(!text.contains(secret.as_ref()), "{} in {text}", secret.as_ref());
    }
}

#[track_caller]
fn assert_contains(log: &str, words: &[&str]) {
    for word in words {
        assert!(log.contains(word), "no {word} in {log}");
    }
}
