//! What `me` and `login` cost, through the router in process, on SQLite. WeChat is the emulator on loopback, so `login`
//! holds a round trip to it; `floor` answers fixed bytes and is what to compare with.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

use std::{env::VarError, hint::black_box, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::post,
};
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::BodyExt;
use miniaccount::{clock::SystemClock, config, emulator::Emulator, http::App, server, store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tower::ServiceExt;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// What the benchmarks run on. The folder holds the database, the emulator plays WeChat until it is dropped.
struct Bench {
    router: Router,
    emulator: Emulator,
    _folder: TempDir,
}

impl Bench {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}/bench.db?mode=rwc", folder.path().display());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let emulator = Emulator::start(listener, Arc::new(SystemClock)).await.expect("the emulator");
        let base = emulator.base();
        let environment = |name: &str| match name {
            "DATABASE_URL" => Ok(url.clone()),
            "LOGIN_RATE_LIMIT" => Ok("off".to_owned()),
            "WECHAT_APP_ID" => Ok("wx1".to_owned()),
            "WECHAT_APP_SECRET" => Ok("secret".to_owned()),
            "WECHAT_API_BASE" => Ok(base.clone()),
            "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        let (config, _) = config::read(&environment, None).expect("good settings");
        let store = store::connect(&config.database_url, config.database_connections).await.expect("a database");
        store.migrate().await.expect("tables");
        let accounts = Arc::new(server::accounts(&config, store, Arc::new(SystemClock)).expect("accounts"));
        let router = App::new(accounts, &config).router().route("/floor", post(async || r#"{"data":null}"#));
        Self { router, emulator, _folder: folder }
    }

    async fn send(&self, path: &str, token: &str, body: String) -> Value {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(body))
            .expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Logs in with a true one-time code, as a mini program does: a repeated code would be answered from memory.
    async fn login(&self) -> String {
        let code = self.emulator.mint("wx1", "alice");
        let query = "mutation($code: String!) { login(code: $code) { token } }";
        let body = json!({ "query": query, "variables": { "code": code } }).to_string();
        let answer = self.send("/graphql", "", body).await;
        answer["data"]["login"]["token"].as_str().expect("a token").to_owned()
    }
}

fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let bench = runtime.block_on(Bench::start());
    let token = runtime.block_on(bench.login());
    let me = json!({ "query": ME }).to_string();
    criterion.bench_function("floor", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(bench.send("/floor", &token, me.clone()).await));
    });
    criterion.bench_function("me", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(bench.send("/graphql", &token, me.clone()).await));
    });
    criterion.bench_function("login of a known user", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(bench.login().await));
    });
}

criterion_group!(benches, requests);
criterion_main!(benches);
