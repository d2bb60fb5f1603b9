//! What `me` and `login` cost, through all of the server in process, on SQLite. WeChat is the emulator on loopback, so
//! `login` holds a round trip to it; `floor` answers fixed bytes and is what to compare with.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

mod stage;

use std::{hint::black_box, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::post,
};
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::BodyExt;
use miniaccount::http::{App, Site};
use serde_json::{Value, json};
use stage::Stage;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// The server's inside, on a stage of its own, and the floor.
struct Bench {
    site: Site,
    floor: Router,
    stage: Stage,
}

impl Bench {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let site = App::new(Arc::clone(&stage.accounts), &stage.config).site();
        let floor = Router::new().route("/floor", post(async || r#"{"data":null}"#));
        Self { site, floor, stage }
    }

    async fn send(&self, path: &str, token: &str, body: String) -> Value {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(body))
            .expect("a request");
        let response = match path {
            "/floor" => self.floor.clone().oneshot(request).await.expect("an answer"),
            _ => self.site.clone().answer(Ipv4Addr::LOCALHOST.into(), request).await,
        };
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Logs in with a true one-time code, as a mini program does.
    async fn login(&self) -> String {
        let code = self.stage.code();
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
