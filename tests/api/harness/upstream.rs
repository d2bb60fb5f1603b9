//! A WeChat whose answers a test writes, on a real port, with a log of what was sent to it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Where access tokens come from.
pub(crate) const TOKEN: &str = "/cgi-bin/stable_token";
/// Where telephone numbers come from.
pub(crate) const PHONE: &str = "/wxa/business/getuserphonenumber";
/// The name under which the path of a call is noted.
const PATH: &str = "(path)";

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

    /// A telephone number, such as `86-13800000000`.
    pub(crate) fn phone(number: &str, appid: &str) -> Self {
        let (country, national) = number.split('.').next().unwrap().split_once('-').unwrap_or_default();
        // the country is a number, whatever the description says
        let country: Value = country.parse::<u32>().map_or(Value::Null, Value::from);
        Self::Json(json!({ "errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": national, "purePhoneNumber": national, "countryCode": country,
            "watermark": { "timestamp": 1, "appid": appid },
        } }))
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
    /// An access token that is not known.
    refused: Option<String>,
}

/// The server. It stops when dropped.
pub(crate) struct Upstream {
    pub(crate) base: String,
    inner: Arc<Mutex<Inner>>,
    serving: JoinHandle<()>,
}

impl Upstream {
    /// Starts it. A code nobody wrote an answer for is `<name>` or `<name>.<anything>`: it logs in `o_<name>`. A phone code
    /// likewise is the number, as `86-13800000000` or `86-13800000000.<anything>`. Answers to other calls with an access
    /// token are written under their path.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/sns/jscode2session", get(answer)).fallback(answer_call);
        let router = router.with_state(Arc::clone(&inner));
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

    /// What calls of a path had sent, in their order.
    pub(crate) fn calls_of(&self, path: &str) -> Vec<HashMap<String, String>> {
        self.sent().into_iter().filter(|sent| sent.get(PATH).is_some_and(|sent| sent == path)).collect()
    }

    /// Forgets what was sent.
    pub(crate) fn forget(&self) {
        self.inner.lock().unwrap().sent.clear();
    }

    /// From now on an access token is one that WeChat does not know.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.inner.lock().unwrap().refused = Some(token.to_owned());
    }

    /// How often a phone code was sent.
    pub(crate) fn phone_code_sent(&self, code: &str) -> usize {
        self.calls_of(PHONE).iter().filter(|sent| sent["code"] == code).count()
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
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.sent.push(sent);
        let name = code.split('.').next().unwrap_or_default();
        inner.replies.get(&code).cloned().unwrap_or_else(|| Reply::user(&format!("o_{name}")))
    };
    send(reply).await
}

/// Answers the calls that need an access token, and the one that gives it.
async fn answer_call(
    State(inner): State<Arc<Mutex<Inner>>>,
    uri: Uri,
    Query(mut sent): Query<HashMap<String, String>>,
    body: String,
) -> Response {
    let body: HashMap<String, Value> = serde_json::from_str(&body).unwrap_or_default();
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    sent.extend(body.into_iter().map(|(name, value)| (name, text(value))));
    sent.insert(PATH.to_owned(), uri.path().to_owned());
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.sent.push(sent.clone());
        let tokens = inner.sent.iter().filter(|sent| sent.get(PATH).is_some_and(|path| path == TOKEN)).count();
        let is_refused = inner.refused.is_some() && sent.get("access_token") == inner.refused.as_ref();
        let named = sent.get("code").and_then(|code| inner.replies.get(code));
        let written = named.or_else(|| inner.replies.get(uri.path())).cloned();
        if is_refused { Reply::errcode(40001) } else { written.unwrap_or_else(|| usual(&sent, tokens)) }
    };
    send(reply).await
}

/// What WeChat answers where a test says nothing else.
fn usual(sent: &HashMap<String, String>, tokens: usize) -> Reply {
    let field = |name: &str| sent.get(name).cloned().unwrap_or_default();
    Reply::Json(match &*sent[PATH] {
        TOKEN => json!({ "access_token": format!("TheToken.{}.{tokens}", sent["appid"]), "expires_in": 7200 }),
        PHONE => return Reply::phone(&field("code"), field("access_token").split('.').nth(1).unwrap_or_default()),
        _ => {
            json!({ "errcode": 0, "errmsg": "ok", "result": { "suggest": "pass", "label": 100 }, "trace_id": "trace" })
        }
    })
}

async fn send(mut reply: Reply) -> Response {
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
