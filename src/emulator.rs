//! The WeChat emulator, for development and tests: an HTTP server on loopback that emulates `sns/jscode2session` and
//! the calls with an access token. It accepts scenario codes that a developer types (`emulator:alice`) and one-time
//! codes like those of `wx.login`. Of the other components it uses only the clock and the random bytes.

mod access_tokens;
mod api;
mod check_session;
mod code_session;
mod codes;
mod content_check;
mod encrypt;
mod mint;
mod phone_number;
mod phone_scenario;
mod push;
mod push_target;
mod refusal;
mod reply;
mod scenario;
mod session_keys;
mod stable_token;
mod state;
#[cfg(test)]
mod tests;
mod users;
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

use self::push_target::PushTarget;
pub use self::state::EmulatorState;
use crate::{clock::SharedClock, random};

/// The largest request body, in bytes.
const MAX_BODY: usize = 8 * 1024;

/// How long `stop` waits for running requests. Without a limit, a client that does not read would block it forever.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// A running emulator. It stops when it is dropped, or by [`Emulator::stop`].
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    state: EmulatorState,
    server: JoinHandle<io::Result<()>>,
}

impl Emulator {
    /// Serves on `listener`, with the time of `clock`.
    ///
    /// # Errors
    /// When the listener is not on loopback: the emulator lets anyone log in as any user, so no other machine may reach
    /// it.
    #[expect(clippy::unused_async, reason = "it spawns a task, and only async code is sure to have a runtime")]
    pub async fn start(listener: TcpListener, clock: SharedClock) -> io::Result<Self> {
        let address = listener.local_addr()?;
        refuse_networks(address.ip())?;
        let state = EmulatorState::new(clock);
        let server = axum::serve(listener, router(state.clone())).with_graceful_shutdown(state.stopping());
        Ok(Self { address, state, server: tokio::spawn(server.into_future()) })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL in place of `https://api.weixin.qq.com`, without a trailing slash.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the server that events are pushed to, and the token that signs them; see [`new_push_token`].
    pub fn push_to(&self, server: SocketAddr, token: &SecretString) {
        self.state.push_to(PushTarget::new(server, token.expose_secret().to_owned()));
    }

    /// A one-time code like those of `wx.login`; see [`EmulatorState::mint`].
    #[must_use]
    pub fn mint(&self, app_id: &str, user: &str) -> String {
        self.state.mint(app_id, user)
    }

    /// Serves until `signal` completes, then stops.
    ///
    /// # Errors
    /// When the server ends by itself, which is a bug.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            () = signal => { self.stop().await; Ok(()) }
            ended = &mut self.server => ended.map_err(io::Error::other)?,
        }
    }

    /// Accepts no more calls, ends those that only wait, and gives the others a short time to finish.
    pub async fn stop(mut self) {
        self.state.stop();
        if time::timeout(STOP_TIMEOUT, &mut self.server).await.is_err() {
            tracing::debug!("a client of the emulator did not read its response in time");
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.state.stop();
    }
}

/// A new token that signs pushed events.
#[must_use]
pub fn new_push_token() -> SecretString {
    hex::encode(random::bytes::<16>()).into()
}

/// The emulator's routes, for calls within the process.
pub fn router(state: EmulatorState) -> Router {
    Router::new()
        .route("/", get(welcome::page))
        .route("/sns/jscode2session", get(code_session::handle).fallback(code_session::refuse_method))
        .route("/cgi-bin/stable_token", post(stable_token::handle).fallback(api::refuse_method))
        .route("/wxa/business/getuserphonenumber", post(phone_number::handle).fallback(api::refuse_method))
        .route("/wxa/msg_sec_check", post(content_check::text).fallback(api::refuse_method))
        .route("/wxa/media_check_async", post(content_check::picture).fallback(api::refuse_method))
        .route("/wxa/checksession", get(check_session::handle).fallback(code_session::refuse_method))
        .route("/emulator/code", post(mint::handle))
        .route("/emulator/encrypt", post(encrypt::handle))
        .route("/emulator/phone-code", post(mint::handle_phone))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state)
}

fn refuse_networks(ip: IpAddr) -> io::Result<()> {
    if ip.to_canonical().is_loopback() {
        return Ok(());
    }
    let reason = format!(
        "the emulator lets anyone log in as any user, so it listens only on loopback (127.0.0.1 or ::1), not on {ip}"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}
