//! The state of the emulator: the clock, the issued codes and tokens, the session keys, and the signal to stop.

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

/// The state of the routes. Clones share it.
#[derive(Clone)]
pub struct EmulatorState(Arc<Inner>);

struct Inner {
    clock: SharedClock,
    codes: Mutex<Codes<Scenario>>,
    phone_codes: Mutex<Codes<PhoneScenario>>,
    access_tokens: Mutex<AccessTokens>,
    session_keys: Mutex<SessionKeys>,
    push_target: OnceLock<PushTarget>,
    stop: watch::Sender<bool>,
}

impl EmulatorState {
    /// An empty state.
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

    /// A one-time code like those of `wx.login`. It is valid once, for five minutes, and for one app: if `app_id` is
    /// empty, for the first app that uses it. `user` is a name or a scenario (`slow:3000:alice`, `error:40226`). If it
    /// is neither, the code is refused as invalid when it is used.
    #[must_use]
    pub fn mint(&self, app_id: &str, user: &str) -> String {
        let app = Some(app_id.to_owned()).filter(|app| !app.is_empty());
        lock(&self.0.codes).mint(app, Scenario::parse(user), self.now())
    }

    pub(super) fn redeem(&self, code: &str, app_id: &str) -> Result<Scenario, Refusal> {
        lock(&self.0.codes).redeem(code, app_id, self.now())
    }

    pub(super) fn push_to(&self, target: PushTarget) {
        // the emulator belongs to one server, so this is set once
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

    /// Completes when the emulator is stopped.
    pub(super) fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.0.stop.subscribe();
        async move {
            // an error means that the sender was dropped, so the emulator has stopped as well
            stop.wait_for(|&stop| stop).await.ok();
        }
    }

    /// Waits for `delay`, or until the emulator is stopped.
    pub(super) async fn wait(&self, delay: Duration) {
        tokio::select! {
            () = time::sleep(delay) => {}
            () = self.stopping() => {}
        }
    }

    /// A one-time code like those of the `getPhoneNumber` button. `number` is a phone number or a scenario
    /// (`slow:500:+86138…`). If it is neither, the code is refused as invalid when it is used. With a `user`, the code
    /// is refused for any other user.
    #[must_use]
    pub fn mint_phone(&self, app_id: &str, user: Option<&str>, number: &str) -> String {
        let app = Some(app_id.to_owned()).filter(|app| !app.is_empty());
        let scenario = PhoneScenario::parse(number).map(|scenario| scenario.for_user(user));
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

    /// A new session key for a login.
    pub(super) fn new_session_key(&self, openid: &str) -> String {
        self.session_keys().renew(openid)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows no fields: codes and users must not reach a log.
impl fmt::Debug for EmulatorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorState").finish_non_exhaustive()
    }
}
