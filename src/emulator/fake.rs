//! What the pretended WeChat knows: the time, the codes it gave out, and whether it is to stop.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use entity::Timestamp;
use tokio::{sync::watch, time};

use super::{
    access_tokens::AccessTokens, codes::Codes, phone_scenario::PhoneScenario, push_target::PushTarget,
    refusal::Refusal, scenario::Scenario, session_keys::SessionKeys,
};
use crate::clock::SharedClock;

/// The state behind the routes; a clone is the same pretended WeChat.
#[derive(Clone)]
pub struct FakeWeChat(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    codes: Mutex<Codes<Scenario>>,
    phone_codes: Mutex<Codes<PhoneScenario>>,
    access_tokens: Mutex<AccessTokens>,
    session_keys: Mutex<SessionKeys>,
    push_target: OnceLock<PushTarget>,
    stop: watch::Sender<bool>,
}

impl FakeWeChat {
    /// One that has given out no code yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Inner {
            clock,
            codes: Mutex::default(),
            phone_codes: Mutex::default(),
            access_tokens: Mutex::default(),
            session_keys: Mutex::default(),
            push_target: OnceLock::new(),
            stop: watch::Sender::new(false),
        }))
    }

    /// A true one-time code, as `wx.login` would give: for one app (with an empty `app_id`, for the app that uses it
    /// first), once, for five minutes. `user` is a name or a scenario (`slow:3000:alice`, `error:40226`); with a `user`
    /// that is neither, the code is refused as invalid when it is used.
    #[must_use]
    pub fn mint(&self, app_id: &str, user: &str) -> String {
        let app = Some(app_id.to_owned()).filter(|app| !app.is_empty());
        lock(&self.0.codes).mint(app, Scenario::parse(user), self.now())
    }

    pub(super) fn redeem(&self, code: &str, app_id: &str) -> Result<Scenario, Refusal> {
        lock(&self.0.codes).redeem(code, app_id, self.now())
    }

    pub(super) fn push_to(&self, target: PushTarget) {
        // there is one server beside the emulator
        let _ = self.0.push_target.set(target);
    }

    pub(super) fn push_target(&self) -> Option<&PushTarget> {
        self.0.push_target.get()
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

    /// A true one-time code of the `getPhoneNumber` button. `number` may be a scenario as well (`slow:500:+86138…`); with a
    /// number that is neither, the code is refused as invalid when it is used. With a `user` only they may use it.
    #[must_use]
    pub fn mint_phone(&self, app_id: &str, user: Option<&str>, number: &str) -> String {
        let app = Some(app_id.to_owned()).filter(|app| !app.is_empty());
        let scenario = PhoneScenario::parse(number).map(|scenario| scenario.of(user));
        lock(&self.0.phone_codes).mint(app, scenario, self.now())
    }

    pub(super) fn redeem_phone(&self, code: &str, app_id: &str) -> Result<PhoneScenario, Refusal> {
        lock(&self.0.phone_codes).redeem(code, app_id, self.now())
    }

    pub(super) fn access_tokens(&self) -> MutexGuard<'_, AccessTokens> {
        lock(&self.0.access_tokens)
    }

    pub(super) fn session_keys(&self) -> MutexGuard<'_, SessionKeys> {
        lock(&self.0.session_keys)
    }

    /// The session key of a login: a new one.
    pub(super) fn new_session_key(&self, openid: &str) -> String {
        self.session_keys().renew(openid)
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells nothing: codes and people stay out of logs.
impl fmt::Debug for FakeWeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeWeChat").finish_non_exhaustive()
    }
}
