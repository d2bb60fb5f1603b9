//! A mini program: its settings, and the bulkheads of its calls.

use std::fmt;

use secrecy::SecretString;

use super::bulkhead::Bulkhead;
use crate::{clock::SharedClock, config};

/// A configured mini program.
pub struct App {
    settings: config::App,
    /// For code exchanges.
    pub(super) login: Bulkhead,
    /// For calls with an access token, and for fetching one.
    pub(super) api: Bulkhead,
}

impl App {
    pub(super) fn new(app: &config::App, settings: &config::Wechat, clock: &SharedClock) -> Self {
        Self { settings: app.clone(), login: Bulkhead::new(settings, clock), api: Bulkhead::new(settings, clock) }
    }

    /// The appid.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// Name of the open-platform account that the mini program is bound to: the scope of its unionids.
    #[must_use]
    pub fn open_platform(&self) -> &str {
        &self.settings.open_platform
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.settings.secret
    }

    pub(super) fn misconfiguration(&self) -> Option<String> {
        self.login.misconfiguration().or_else(|| self.api.misconfiguration())
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.settings.id).finish_non_exhaustive()
    }
}
