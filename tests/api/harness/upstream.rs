//! A WeChat whose answers a test writes, on a real port, with a log of what was sent to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What is answered to a code.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A body, as WeChat sends it.
    Json(Value),
    /// Anything at all: status, content type, body.
    Raw(u16, &'static str, String),
    /// The way to another place.
    Redirect(String),
    /// Another reply, after a while.
    After(Duration, Box<Reply>),
    /// Nothing, ever.
    Hang,
}

impl Reply {
    /// A success for a user known by this openid.
    pub(crate) fn user(openid: &str) -> Self {
        Self::Json(json!({ "openid": openid, "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }))
    }

    /// The same with more of the body.
    pub(crate) fn with(self, name: &str, value: impl Into<Value>) -> Self {
        let Self::Json(mut body) = self else { panic!("only a JSON reply has members") };
        body[name] = value.into();
        Self::Json(body)
    }

    /// A failure.
    pub(crate) fn errcode(errcode: i64) -> Self {
        Self::Json(json!({ "errcode": errcode, "errmsg": "some words, rid: 6a1b2c3d-01234567-89abcdef" }))
    }
}

#[derive(Default)]
struct Inner {
    replies: HashMap<String, Reply>,
    sent: Vec<HashMap<String, String>>,
}

/// The server. It stops when dropped.
pub(crate) struct Upstream {
    pub(crate) base: String,
    inner: Arc<Mutex<Inner>>,
    serving: JoinHandle<()>,
}

impl Upstream {
    /// Starts it. A code nobody wrote an answer for is `<name>` or `<name>.<anything>`: it logs in `o_<name>`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/sns/jscode2session", get(answer)).with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, inner, serving }
    }

    /// Writes the answer to a code.
    pub(crate) fn reply(&self, code: &str, reply: Reply) {
        self.inner.lock().unwrap().replies.insert(code.to_owned(), reply);
    }

    /// The parameters of every call so far.
    pub(crate) fn sent(&self) -> Vec<HashMap<String, String>> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// How often a code was sent.
    pub(crate) fn times_sent(&self, code: &str) -> usize {
        self.sent().iter().filter(|sent| sent.get("js_code").is_some_and(|sent| sent == code)).count()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, Query(sent): Query<HashMap<String, String>>) -> Response {
    let code = sent.get("js_code").cloned().unwrap_or_default();
    let mut reply = {
        let mut inner = inner.lock().unwrap();
        inner.sent.push(sent);
        let name = code.split('.').next().unwrap_or_default();
        inner.replies.get(&code).cloned().unwrap_or_else(|| Reply::user(&format!("o_{name}")))
    };
    loop {
        reply = match reply {
            // text/plain, as WeChat has it
            Reply::Json(body) => return ([(header::CONTENT_TYPE, "text/plain")], body.to_string()).into_response(),
            Reply::Raw(status, kind, body) => {
                let status = StatusCode::from_u16(status).unwrap();
                return (status, [(header::CONTENT_TYPE, kind)], body).into_response();
            }
            Reply::Redirect(place) => {
                return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, place)]).into_response();
            }
            Reply::After(wait, then) => {
                tokio::time::sleep(wait).await;
                *then
            }
            Reply::Hang => std::future::pending().await,
        };
    }
}
