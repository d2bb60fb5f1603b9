//! The empty handler, which is the lower bound for any server with this HTTP library, and a fake WeChat with a fixed
//! delay.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::TcpListener, time::sleep};

use crate::BenchResult;

/// Sends the response in a file to every request: header lines, an empty line, the body.
pub(crate) async fn floor(answer: &str) -> BenchResult {
    let answer = fs::read_to_string(answer)?;
    let (head, body) = answer.split_once("\n\n").ok_or("no empty line in the answer")?;
    let mut headers = Vec::new();
    for line in head.lines() {
        let (name, value) = line.split_once(": ").ok_or("a header without a value")?;
        headers.push((name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?));
    }
    let (headers, body) = (Arc::new(headers), Bytes::from(body.trim_end().to_owned()));
    let handler = async move || {
        let mut response = Response::new(Body::from(body.clone()));
        response.headers_mut().extend(headers.iter().cloned());
        response
    };
    serve(Router::new().route("/graphql", post(handler))).await
}

/// Counts the concurrent requests.
#[derive(Debug, Default)]
struct InFlight {
    now: AtomicUsize,
    max: AtomicUsize,
}

#[derive(Clone)]
struct Wechat {
    delay: Duration,
    in_flight: Arc<InFlight>,
}

/// Serves `sns/jscode2session`. The user is the part of the code before the first dot.
pub(crate) async fn wechat(delay: u64) -> BenchResult {
    let state = Wechat { delay: Duration::from_millis(delay), in_flight: Arc::default() };
    let routes = Router::new().route("/sns/jscode2session", get(code_session)).route(
        "/max-in-flight",
        get(async |State(state): State<Wechat>| state.in_flight.max.load(Ordering::SeqCst).to_string()),
    );
    serve(routes.with_state(state)).await
}

async fn code_session(State(state): State<Wechat>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let now = state.in_flight.now.fetch_add(1, Ordering::SeqCst) + 1;
    state.in_flight.max.fetch_max(now, Ordering::SeqCst);
    if !state.delay.is_zero() {
        sleep(state.delay).await;
    }
    state.in_flight.now.fetch_sub(1, Ordering::SeqCst);
    let code = query.iter().find(|(name, _)| name == "js_code").map_or("", |(_, code)| code);
    let user = code.split('.').next().unwrap_or_default();
    let answer = format!(r#"{{"openid":"o_{user}","session_key":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#);
    ([("content-type", "text/plain")], answer).into_response()
}

/// Serves on a free port, and prints the URL.
async fn serve(router: Router) -> BenchResult {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}
