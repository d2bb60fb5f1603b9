//! Which mini programs there are, and how WeChat is called for them.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;

use super::{
    App, Wechat, address, credential,
    problems::Fault,
    reader::Reader,
    table::{
        LOGIN_REPEAT_WINDOW, WECHAT_API_BASE, WECHAT_APP_ID, WECHAT_APP_SECRET, WECHAT_APPS, WECHAT_CALLS_IN_FLIGHT,
        WECHAT_CONNECT_TIMEOUT, WECHAT_TIMEOUT,
    },
    value,
};
use crate::random;

/// The scope of unionids of every mini program the file says nothing about.
const SHARED_PLATFORM: &str = "default";

/// The appid of the mini program the emulator plays WeChat for.
const EMULATED_APP: &str = "wx0000000000000000";

/// Whether nothing at all is set about a mini program. A secret alone is a mistake, not a wish for the emulator.
pub(super) fn is_emulated(reader: &Reader) -> bool {
    ![&WECHAT_APP_ID, &WECHAT_APP_SECRET, &WECHAT_APPS].into_iter().any(|setting| reader.is_set(setting))
}

/// The mini programs and how WeChat is called for them. With the emulator, its address is filled in once it listens.
pub(super) fn wechat(reader: &mut Reader, emulator: bool) -> Option<Wechat> {
    let (apps, hosts) =
        if emulator { (vec![emulated(reader)], no_hosts(reader)) } else { (apps(reader), hosts(reader)) };
    let connect_timeout = reader.value(&WECHAT_CONNECT_TIMEOUT, value::duration);
    let timeout = reader.value(&WECHAT_TIMEOUT, value::duration);
    let calls_in_flight = reader.value(&WECHAT_CALLS_IN_FLIGHT, value::count);
    let repeat_window = reader.value(&LOGIN_REPEAT_WINDOW, value::duration_or_off);
    Some(Wechat {
        apps,
        hosts,
        connect_timeout: connect_timeout?,
        timeout: timeout?,
        calls_in_flight: calls_in_flight?,
        repeat_window: repeat_window?,
    })
}

fn hosts(reader: &mut Reader) -> Vec<String> {
    reader.list(&WECHAT_API_BASE, address::wechat_host)
}

fn no_hosts(reader: &mut Reader) -> Vec<String> {
    if reader.is_set(&WECHAT_API_BASE) {
        let label = reader.label(&WECHAT_API_BASE);
        reader.problems.warn(format!("{label}: has no effect without a mini program: the emulator is called"));
    }
    Vec::new()
}

/// The mini program of the emulator. Its secret opens nothing, so it need not outlive the process.
fn emulated(reader: &Reader) -> App {
    let secret = URL_SAFE_NO_PAD.encode(random::bytes::<16>()).into();
    app(reader, EMULATED_APP.to_owned(), secret)
}

fn apps(reader: &mut Reader) -> Vec<App> {
    let first = first_app(reader);
    let mut seen: BTreeSet<_> = first.iter().map(|(id, _)| id.clone()).collect();
    let more = reader.list(&WECHAT_APPS, |text| another_app(text, &mut seen));
    warn_of_strangers(reader, &seen);
    first.into_iter().chain(more).map(|(id, secret)| app(reader, id, secret)).collect()
}

fn first_app(reader: &mut Reader) -> Option<(String, SecretString)> {
    let (missing, present) = match (reader.is_set(&WECHAT_APP_ID), reader.is_set(&WECHAT_APP_SECRET)) {
        (false, false) => return None,
        (true, true) => {
            let id = reader.value(&WECHAT_APP_ID, credential::app_id);
            let secret = reader.value(&WECHAT_APP_SECRET, credential::app_secret);
            return Some((id?, secret?));
        }
        (true, false) => (&WECHAT_APP_SECRET, &WECHAT_APP_ID),
        (false, true) => (&WECHAT_APP_ID, &WECHAT_APP_SECRET),
    };
    let label = reader.label(present);
    reader.problems.error(format!("{label}: is set, but {} is not: a mini program needs both", missing.name));
    None
}

fn another_app(text: &str, seen: &mut BTreeSet<String>) -> Result<(String, SecretString), Fault> {
    let (id, secret) = credential::app(text)?;
    if seen.insert(id.clone()) { Ok((id, secret)) } else { Err("the appid is configured already") }
}

/// A misspelt appid in the table would quietly leave its mini program in the shared scope.
fn warn_of_strangers(reader: &mut Reader, known: &BTreeSet<String>) {
    for id in reader.open_platforms.keys().filter(|id| !known.contains(*id)) {
        reader.problems.warn(format!("open_platforms names the appid {}, which is not configured", id.escape_debug()));
    }
}

fn app(reader: &Reader, id: String, secret: SecretString) -> App {
    let open_platform = reader.open_platforms.get(&id).map_or(SHARED_PLATFORM, String::as_str).to_owned();
    App { id, secret, open_platform }
}
