//! The emulator through real HTTP, as a backend and a person with curl meet it.

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

/// A clock that a test sets.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl HandClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// An emulator, its clock, and a client that hides nothing.
struct Trial {
    emulator: Emulator,
    clock: Arc<HandClock>,
    client: Client,
}

impl Trial {
    async fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(0x6a1b_2c3d * 1000)));
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

    fn asking(&self, app_id: &str, code: &str) -> RequestBuilder {
        self.get(&session_path(app_id, code))
    }

    async fn exchange(&self, app_id: &str, code: &str) -> Value {
        json(self.asking(app_id, code)).await
    }

    async fn openid(&self, app_id: &str, code: &str) -> String {
        self.exchange(app_id, code).await["openid"].as_str().expect("the code logs somebody in").to_owned()
    }

    async fn errcode(&self, app_id: &str, code: &str) -> i64 {
        errcode(&self.exchange(app_id, code).await)
    }
}

fn session_path(app_id: &str, code: &str) -> String {
    format!("/sns/jscode2session?appid={app_id}&secret=s&js_code={code}&grant_type=authorization_code")
}

async fn json(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

fn errcode(answer: &Value) -> i64 {
    answer["errcode"].as_i64().expect("the answer is a refusal")
}
