//! Benchmarks of `me` and `login` through the whole server in process, on SQLite. WeChat is the emulator on the
//! loopback, so that `login` includes a round trip to it. `floor` sends a fixed response, for comparison.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

mod environment;

use std::{hint::black_box, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
    routing::post,
};
use criterion::{Criterion, criterion_group, criterion_main};
use environment::Environment;
use http_body_util::BodyExt;
use miniaccount::http::{App, HttpService};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// The service, and the handler for comparison.
struct Bench {
    service: HttpService,
    floor: Router,
    environment: Environment,
}

impl Bench {
    async fn start() -> Self {
        let environment = Environment::start().await;
        let service = App::new(Arc::clone(&environment.accounts), &environment.config).service();
        let floor = Router::new().route("/floor", post(async || r#"{"data":null}"#));
        Self { service, floor, environment }
    }

    async fn send(&self, path: &str, token: &str, body: String) -> Value {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(body))
            .expect("a request");
        let response = match path {
            "/floor" => self.floor.clone().oneshot(request).await.expect("a response"),
            _ => self.service.clone().handle(Ipv4Addr::LOCALHOST.into(), request).await,
        };
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Logs in with a new code, as a mini program does.
    async fn login(&self) -> String {
        let code = self.environment.code();
        let query = "mutation($code: String!) { login(code: $code) { token } }";
        let body = json!({ "query": query, "variables": { "code": code } }).to_string();
        let response = self.send("/graphql", "", body).await;
        response["data"]["login"]["token"].as_str().expect("a token").to_owned()
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
