//! A fake WeChat on a real port, whose replies each test sets, and which records its calls.

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

/// The path for access tokens.
pub(crate) const TOKEN: &str = "/cgi-bin/stable_token";
/// The path for telephone numbers.
pub(crate) const PHONE: &str = "/wxa/business/getuserphonenumber";
/// The parameter in which the path of a call is recorded.
const PATH: &str = "(path)";

/// The reply to a code.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A JSON body, as WeChat sends it.
    Json(Value),
    /// Any response: status, content type, body.
    Raw(u16, &'static str, String),
    /// A redirect to a URL.
    Redirect(String),
    /// Another reply, after a delay.
    After(Duration, Box<Reply>),
    /// No reply, ever.
    Hang,
}

impl Reply {
    /// A success for the user with this openid.
    pub(crate) fn user(openid: &str) -> Self {
        Self::Json(json!({ "openid": openid, "session_key": "tiihtNczf5v6AKRyjwEUhQ==" }))
    }

    /// The same with another member in the body.
    pub(crate) fn with(self, name: &str, value: impl Into<Value>) -> Self {
        let Self::Json(mut body) = self else { panic!("only a JSON reply has members") };
        body[name] = value.into();
        Self::Json(body)
    }

    /// A telephone number, such as `86-13800000000`.
    pub(crate) fn phone(number: &str, appid: &str) -> Self {
        let (country, national) = number.split('.').next().unwrap().split_once('-').unwrap_or_default();
        // WeChat sends the country as a number, although its documentation says string
        let country: Value = country.parse::<u32>().map_or(Value::Null, Value::from);
        Self::Json(json!({ "errcode": 0, "errmsg": "ok", "phone_info": {
            "phoneNumber": national, "purePhoneNumber": national, "countryCode": country,
            "watermark": { "timestamp": 1, "appid": appid },
        } }))
    }

    /// An error.
    pub(crate) fn errcode(errcode: i64) -> Self {
        Self::Json(json!({ "errcode": errcode, "errmsg": "some words, rid: 6a1b2c3d-01234567-89abcdef" }))
    }
}

#[derive(Default)]
struct Inner {
    replies: HashMap<String, Reply>,
    sent: Vec<HashMap<String, String>>,
    /// The access token that is refused.
    refused: Option<String>,
}

/// The server, until it is dropped.
pub(crate) struct FakeWechat {
    pub(crate) base: String,
    inner: Arc<Mutex<Inner>>,
    serving: JoinHandle<()>,
}

impl FakeWechat {
    /// Starts the server. A code without its own reply is `<name>` or `<name>.<anything>`, and logs in `o_<name>`. A
    /// phone code without one is a number, as `86-13800000000` or `86-13800000000.<anything>`. Replies to other calls
    /// are set by path.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().route("/sns/jscode2session", get(code_session)).fallback(api_call);
        let router = router.with_state(Arc::clone(&inner));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, inner, serving }
    }

    /// Sets the reply to a code or a path.
    pub(crate) fn reply(&self, code: &str, reply: Reply) {
        self.inner.lock().unwrap().replies.insert(code.to_owned(), reply);
    }

    /// The parameters of all calls so far.
    pub(crate) fn sent(&self) -> Vec<HashMap<String, String>> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// The parameters of the calls of a path, in order.
    pub(crate) fn calls_of(&self, path: &str) -> Vec<HashMap<String, String>> {
        self.sent().into_iter().filter(|sent| sent.get(PATH).is_some_and(|sent| sent == path)).collect()
    }

    /// Deletes the recorded calls.
    pub(crate) fn clear_calls(&self) {
        self.inner.lock().unwrap().sent.clear();
    }

    /// Refuses an access token from now on.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.inner.lock().unwrap().refused = Some(token.to_owned());
    }

    /// The number of calls with a phone code.
    pub(crate) fn phone_code_sent(&self, code: &str) -> usize {
        self.calls_of(PHONE).iter().filter(|sent| sent["code"] == code).count()
    }

    /// The number of calls with a login code.
    pub(crate) fn times_sent(&self, code: &str) -> usize {
        self.sent().iter().filter(|sent| sent.get("js_code").is_some_and(|sent| sent == code)).count()
    }
}

impl Drop for FakeWechat {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn code_session(State(inner): State<Arc<Mutex<Inner>>>, Query(sent): Query<HashMap<String, String>>) -> Response {
    let code = sent.get("js_code").cloned().unwrap_or_default();
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.sent.push(sent);
        let name = code.split('.').next().unwrap_or_default();
        inner.replies.get(&code).cloned().unwrap_or_else(|| Reply::user(&format!("o_{name}")))
    };
    send(reply).await
}

/// Replies to the calls that need an access token, and to the one that returns it.
async fn api_call(
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
        if is_refused { Reply::errcode(40001) } else { written.unwrap_or_else(|| default_reply(&sent, tokens)) }
    };
    send(reply).await
}

/// The reply to a call without its own reply.
fn default_reply(sent: &HashMap<String, String>, tokens: usize) -> Reply {
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
            // WeChat sends JSON as text/plain
            Reply::Json(body) => return ([(header::CONTENT_TYPE, "text/plain")], body.to_string()).into_response(),
            Reply::Raw(status, kind, body) => {
                let status = StatusCode::from_u16(status).unwrap();
                return (status, [(header::CONTENT_TYPE, kind)], body).into_response();
            }
            Reply::Redirect(url) => {
                return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response();
            }
            Reply::After(wait, then) => {
                tokio::time::sleep(wait).await;
                *then
            }
            Reply::Hang => std::future::pending().await,
        };
    }
}
