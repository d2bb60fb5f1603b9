//! Tests of the client with a scripted WeChat: what it sends, how often, and the outcome of each response.

mod call;
mod code_sent_once;
mod load;
mod misconfiguration;
mod next_host;
mod only_host;
mod response;
mod secrets;
mod upstream;

use std::{
    io,
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use entity::{OpenId, Timestamp, UnionId};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

use self::upstream::{Reply, SESSION, Upstream, refusal};
use super::{CodeSession, LoginCode, Wechat};
use crate::{
    clock::{Clock, SharedClock, SystemClock},
    config,
    error::{ApiError, Code},
};

/// A clock that moves only when a test sets it.
#[derive(Debug)]
pub(super) struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

impl ManualClock {
    pub(super) fn advance(&self, by: Duration) {
        let now = self.now() + by;
        self.0.store(now.0, SeqCst);
    }

    pub(super) fn set_back(&self, by: Duration) {
        let now = self.now() - by;
        self.0.store(now.0, SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

fn settings(hosts: &[&str]) -> config::Wechat {
    let app = |id: &str, secret: &str| config::App {
        id: id.to_owned(),
        secret: secret.into(),
        open_platform: "main".to_owned(),
    };
    config::Wechat {
        apps: vec![app("wxdefault", "FirstAppsecret&=+"), app("wxother", "OtherAppsecret")],
        hosts: hosts.iter().map(ToString::to_string).collect(),
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
        calls_in_flight: 64,
        repeat_window: Duration::from_mins(1),
    }
}

fn client(hosts: &[&str]) -> Wechat {
    client_of(&settings(hosts))
}

fn client_of(settings: &config::Wechat) -> Wechat {
    Wechat::new(settings, Arc::new(SystemClock)).unwrap()
}

fn with_short_timeout(hosts: &[&str]) -> config::Wechat {
    config::Wechat { timeout: Duration::from_secs(1), ..settings(hosts) }
}

async fn exchange(wechat: &Wechat, code: &str) -> Result<CodeSession, ApiError> {
    exchange_for(wechat, None, code).await
}

async fn exchange_for(wechat: &Wechat, app: Option<&str>, code: &str) -> Result<CodeSession, ApiError> {
    wechat.code_session(wechat.app(app)?, &LoginCode::parse(code)?).await
}

async fn error_code_of(wechat: &Wechat, code: &str) -> Code {
    exchange(wechat, code).await.unwrap_err().code
}

/// A host that refuses connections: its listener was dropped.
fn unreachable_host() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// The error and all its causes, as a log would show them.
fn error_chain(error: &ApiError) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.map(|error| format!("{error} {error:?}")).collect::<Vec<_>>().join(" ")
}
