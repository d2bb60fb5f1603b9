//! The mini programs that are configured, and the hosts of WeChat's API.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use super::{
    App, credential,
    declarations::{OPEN_PLATFORMS, WECHAT_API_BASE, WECHAT_APP_ID, WECHAT_APP_SECRET, WECHAT_APPS},
    raw::RawSettings,
    setting::Declaration,
};
use crate::random;

/// The open-platform account of every mini program that `OPEN_PLATFORMS` does not name.
const SHARED_PLATFORM: &str = "default";

/// The appid of the mini program that the emulator serves.
const EMULATED_APP: &str = "wx0000000000000000";

/// The settings that configure a mini program.
fn declarations() -> [&'static Declaration; 3] {
    [&WECHAT_APP_ID.declaration, &WECHAT_APP_SECRET.declaration, &WECHAT_APPS.declaration]
}

/// Whether no mini program is configured. A secret without an appid is a mistake, and does not start the emulator.
pub(super) fn is_emulated(raw: &RawSettings) -> bool {
    !declarations().into_iter().any(|declaration| raw.is_set(declaration))
}

/// Whether a mini program is configured, validly or not. A blank one does not count: it has its own error.
pub(super) fn is_configured(raw: &RawSettings) -> bool {
    declarations().into_iter().any(|declaration| raw.has_text(declaration))
}

/// Refuses an appid without a secret, a secret without an appid, and an appid that is configured twice.
pub(super) fn check(raw: &mut RawSettings) {
    if is_emulated(raw) {
        return;
    }
    require_both(raw);
    let mut ids: BTreeSet<String> = raw.get(&WECHAT_APP_ID).flatten().into_iter().collect();
    let apps: Vec<_> = raw.entries(&WECHAT_APPS.declaration).map(credential::app).collect();
    let label = raw.label(&WECHAT_APPS.declaration);
    for (position, app) in (1..).zip(apps) {
        if app.is_ok_and(|(id, _)| !ids.insert(id)) {
            raw.problems.error(format!("{label}, entry {position}: the appid is configured already"));
        }
    }
    warn_of_unknown_apps(raw, &ids);
}

fn require_both(raw: &mut RawSettings) {
    let (id, secret) = (&WECHAT_APP_ID.declaration, &WECHAT_APP_SECRET.declaration);
    let (present, missing) = match (raw.is_set(id), raw.is_set(secret)) {
        (true, false) => (id, secret),
        (false, true) => (secret, id),
        _ => return,
    };
    if raw.has_text(present) {
        raw.refuse(present, &format!("is set, but {} is not: a mini program needs both", missing.name));
    }
}

/// A misspelt appid in `OPEN_PLATFORMS` would silently leave its mini program with the shared account.
fn warn_of_unknown_apps(raw: &mut RawSettings, known: &BTreeSet<String>) {
    for id in raw.get(&OPEN_PLATFORMS).unwrap_or_default().keys().filter(|id| !known.contains(*id)) {
        let name = "open_platforms names the appid";
        raw.problems.warn(format!("{name} {}, which is not configured", id.escape_debug()));
    }
}

/// The mini programs; the first is the default one.
pub(super) fn apps(raw: &RawSettings) -> Option<Vec<App>> {
    let credentials = if is_emulated(raw) { vec![emulated()] } else { configured(raw)? };
    let platforms = raw.get(&OPEN_PLATFORMS)?;
    let platform = |id: &str| platforms.get(id).map_or(SHARED_PLATFORM, String::as_str).to_owned();
    Some(credentials.into_iter().map(|(id, secret)| App { open_platform: platform(&id), id, secret }).collect())
}

/// The emulator's mini program. Its secret protects nothing, so it need not be the same after a restart.
fn emulated() -> (String, SecretString) {
    (EMULATED_APP.to_owned(), URL_SAFE_NO_PAD.encode(random::bytes::<16>()).into())
}

fn configured(raw: &RawSettings) -> Option<Vec<(String, SecretString)>> {
    let first = raw.get(&WECHAT_APP_ID)?.zip(raw.get(&WECHAT_APP_SECRET)?);
    Some(first.into_iter().chain(raw.get(&WECHAT_APPS)?).collect())
}

/// The hosts of WeChat's API; none with the emulator, whose address is known once it listens.
pub(super) fn hosts(raw: &RawSettings) -> Option<Vec<String>> {
    if is_emulated(raw) { Some(Vec::new()) } else { raw.get(&WECHAT_API_BASE) }
}
