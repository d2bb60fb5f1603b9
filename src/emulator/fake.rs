//! What the pretended WeChat knows: the time, the codes it gave out, and whether it is to stop.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::Timestamp;
use tokio::{sync::watch, time};

use super::{codes::Codes, refusal::Refusal, scenario::Scenario};
use crate::clock::SharedClock;

/// The state behind the routes; a clone is the same pretended WeChat.
#[derive(Clone)]
pub struct FakeWeChat(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    codes: Mutex<Codes>,
    stop: watch::Sender<bool>,
}

impl FakeWeChat {
    /// One that has given out no code yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Inner { clock, codes: Mutex::default(), stop: watch::Sender::new(false) }))
    }

    /// A true one-time code, as `wx.login` would give: for one app (with an empty `app_id`, for the app that uses it
    /// first), once, for five minutes. `user` is a name or a scenario (`slow:3000:alice`, `error:40226`); with a `user`
    /// that is neither, the code is refused as invalid when it is used.
    #[must_use]
    pub fn mint(&self, app_id: &str, user: &str) -> String {
        let app = Some(app_id.to_owned()).filter(|app| !app.is_empty());
        self.codes().mint(app, Scenario::parse(user), self.now())
    }

    pub(super) fn redeem(&self, code: &str, app_id: &str) -> Result<Scenario, Refusal> {
        self.codes().redeem(code, app_id, self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Ends when the emulator is told to stop.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.0.stop.subscribe();
        async move {
            // an error means that nobody is left to say stop, which is the same
            stop.wait_for(|&stop| stop).await.ok();
        }
    }

    /// Waits, but not beyond the emulator's own end: a slow answer must not keep it alive.
    pub(super) async fn wait(&self, delay: Duration) {
        tokio::select! {
            () = time::sleep(delay) => {}
            () = self.stopping() => {}
        }
    }

    fn codes(&self) -> MutexGuard<'_, Codes> {
        self.0.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells nothing: codes and people stay out of logs.
impl fmt::Debug for FakeWeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeWeChat").finish_non_exhaustive()
    }
}
