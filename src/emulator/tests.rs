//! Tests of the emulator over HTTP.

mod api_calls;
mod code_session;
mod minted_codes;
mod replies;
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use entity::Timestamp;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::Value;
use tokio::net::TcpListener;

use super::Emulator;
use crate::clock::Clock;

/// A clock that moves only when a test advances it.
#[derive(Debug)]
struct ManualClock(AtomicI64);

impl ManualClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// An emulator, its clock, and a client that follows no redirects.
struct Harness {
    emulator: Emulator,
    clock: Arc<ManualClock>,
    client: Client,
}

impl Harness {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock(AtomicI64::new(0x6a1b_2c3d * 1000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let emulator = Emulator::start(listener, clock.clone()).await.unwrap();
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(20));
        Self { emulator, clock, client: client.build().unwrap() }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.emulator.base() + path)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.emulator.base() + path)
    }

    fn exchange_request(&self, app_id: &str, code: &str) -> RequestBuilder {
        self.get(&session_path(app_id, code))
    }

    async fn exchange(&self, app_id: &str, code: &str) -> Value {
        json(self.exchange_request(app_id, code)).await
    }

    async fn openid(&self, app_id: &str, code: &str) -> String {
        self.exchange(app_id, code).await["openid"].as_str().expect("the code logs a user in").to_owned()
    }

    async fn errcode(&self, app_id: &str, code: &str) -> i64 {
        errcode(&self.exchange(app_id, code).await)
    }
}

fn session_path(app_id: &str, code: &str) -> String {
    format!("/sns/jscode2session?appid={app_id}&secret=s&js_code={code}&grant_type=authorization_code")
}

async fn json(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn errcode(response: &Value) -> i64 {
    response["errcode"].as_i64().expect("the response is a refusal")
}
