//! The two that stand in: a handler that does nothing, which is the floor no server gets under, and a WeChat that answers
//! at once, or after as long as it is told.

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

use crate::Outcome;

/// Answers every request with the answer in a file: header lines, an empty line, the body.
pub(crate) async fn floor(answer: &str) -> Outcome {
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

/// How many requests WeChat has at once.
#[derive(Debug, Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[derive(Clone)]
struct Wechat {
    delay: Duration,
    busy: Arc<Busy>,
}

/// Answers `sns/jscode2session`: whatever stands before the first dot of a code is who logs in.
pub(crate) async fn wechat(delay: u64) -> Outcome {
    let state = Wechat { delay: Duration::from_millis(delay), busy: Arc::default() };
    let routes = Router::new()
        .route("/sns/jscode2session", get(code_session))
        .route("/most", get(async |State(state): State<Wechat>| state.busy.most.load(Ordering::SeqCst).to_string()));
    serve(routes.with_state(state)).await
}

async fn code_session(State(state): State<Wechat>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let now = state.busy.now.fetch_add(1, Ordering::SeqCst) + 1;
    state.busy.most.fetch_max(now, Ordering::SeqCst);
    if !state.delay.is_zero() {
        sleep(state.delay).await;
    }
    state.busy.now.fetch_sub(1, Ordering::SeqCst);
    let code = query.iter().find(|(name, _)| name == "js_code").map_or("", |(_, code)| code);
    let user = code.split('.').next().unwrap_or_default();
    let answer = format!(r#"{{"openid":"o_{user}","session_key":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#);
    ([("content-type", "text/plain")], answer).into_response()
}

/// Serves on a free port, and says which.
async fn serve(router: Router) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}
