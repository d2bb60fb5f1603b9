//! A pretended WeChat for newcomers and tests: an HTTP server on loopback that plays `sns/jscode2session` and the calls with
//! an access token, with codes a person can type and true one-time codes. It knows nothing of the rest of the house but the
//! clock and randomness.

mod access_tokens;
mod api;
mod check_session;
mod code_session;
mod codes;
mod content_check;
mod encrypt;
mod fake;
mod mint;
mod people;
mod phone_number;
mod phone_scenario;
mod push;
mod push_target;
mod refusal;
mod reply;
mod scenario;
mod session_keys;
mod stable_token;
#[cfg(test)]
mod tests;
mod welcome;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{net::TcpListener, task::JoinHandle, time};

pub use self::fake::FakeWeChat;
use self::push_target::PushTarget;
use crate::{clock::SharedClock, random};

/// The largest body anybody has reason to send here.
const MAX_BODY: usize = 8 * 1024;

/// How long `stop` waits for answers under way; a client that reads nothing would hold it for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// A running emulator; it stops when dropped or by [`Emulator::stop`].
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    fake: FakeWeChat,
    server: JoinHandle<io::Result<()>>,
}

impl Emulator {
    /// Serves on `listener`, telling the time by `clock`.
    ///
    /// # Errors
    /// When the listener is not on loopback: the emulator logs anybody in as anybody, so no network may reach it.
    #[expect(clippy::unused_async, reason = "it spawns a task, and only async code is sure to have a runtime")]
    pub async fn start(listener: TcpListener, clock: SharedClock) -> io::Result<Self> {
        let address = listener.local_addr()?;
        refuse_networks(address.ip())?;
        let fake = FakeWeChat::new(clock);
        let server = axum::serve(listener, router(fake.clone())).with_graceful_shutdown(fake.stopping());
        Ok(Self { address, fake, server: tokio::spawn(server.into_future()) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What takes the place of `https://api.weixin.qq.com`, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Pushes events to a server from now on, signed with a token; see [`new_push_token`].
    pub fn push_to(&self, server: SocketAddr, token: &SecretString) {
        self.fake.push_to(PushTarget::new(server, token.expose_secret().to_owned()));
    }

    /// A true one-time code, as `wx.login` would give; see [`FakeWeChat::mint`].
    #[must_use]
    pub fn mint(&self, app_id: &str, user: &str) -> String {
        self.fake.mint(app_id, user)
    }

    /// Serves until `signal` is there, then stops.
    ///
    /// # Errors
    /// When the server ends by itself, which it should not.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            () = signal => { self.stop().await; Ok(()) }
            ended = &mut self.server => ended.map_err(io::Error::other)?,
        }
    }

    /// Takes no more calls, ends those that wait on purpose, and gives the others a moment to end.
    pub async fn stop(mut self) {
        self.fake.stop();
        if time::timeout(PATIENCE, &mut self.server).await.is_err() {
            tracing::debug!("a client of the emulator did not take its answer in time");
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.fake.stop();
    }
}

/// A token to sign pushed events with.
#[must_use]
pub fn new_push_token() -> SecretString {
    hex::encode(random::bytes::<16>()).into()
}

/// The emulator's routes, for calls in process.
pub fn router(fake: FakeWeChat) -> Router {
    Router::new()
        .route("/", get(welcome::page))
        .route("/sns/jscode2session", get(code_session::answer).fallback(code_session::refuse_method))
        .route("/cgi-bin/stable_token", post(stable_token::answer).fallback(api::refuse_method))
        .route("/wxa/business/getuserphonenumber", post(phone_number::answer).fallback(api::refuse_method))
        .route("/wxa/msg_sec_check", post(content_check::text).fallback(api::refuse_method))
        .route("/wxa/media_check_async", post(content_check::picture).fallback(api::refuse_method))
        .route("/wxa/checksession", get(check_session::answer).fallback(code_session::refuse_method))
        .route("/emulator/code", post(mint::answer))
        .route("/emulator/encrypt", post(encrypt::answer))
        .route("/emulator/phone-code", post(mint::answer_phone))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(fake)
}

fn refuse_networks(ip: IpAddr) -> io::Result<()> {
    if ip.to_canonical().is_loopback() {
        return Ok(());
    }
    let why = format!("the emulator logs anybody in, so it listens on loopback only (127.0.0.1 or ::1), not on {ip}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}
