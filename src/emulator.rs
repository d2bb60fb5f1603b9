//! A pretended WeChat for newcomers and tests: an HTTP server on loopback that plays `sns/jscode2session`, with codes
//! a person can type and true one-time codes. It knows nothing of the rest of the house but the clock and randomness.

mod code_session;
mod codes;
mod fake;
mod mint;
mod people;
mod refusal;
mod reply;
mod scenario;
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
use tokio::{net::TcpListener, task::JoinHandle, time};

pub use self::fake::FakeWeChat;
use crate::clock::SharedClock;

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

/// The emulator's routes, for calls in process.
pub fn router(fake: FakeWeChat) -> Router {
    Router::new()
        .route("/", get(welcome::page))
        .route("/sns/jscode2session", get(code_session::answer).fallback(code_session::refuse_method))
        .route("/emulator/code", post(mint::answer))
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
