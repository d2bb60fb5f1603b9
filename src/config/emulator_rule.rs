//! Whether the emulator may replace WeChat. It lets anyone log in as any user, so a forgotten setting must not start it
//! on a system that others use.

use super::{
    ConfigProblems, apps,
    declarations::{DATABASE_URL, EMULATOR, LISTEN, TRUSTED_PROXIES},
    raw::RawSettings,
    setting::Declaration,
};

/// Refuses the emulator together with a mini program, and, unless `EMULATOR` is on, on a system that others may use.
pub(super) fn check(raw: &mut RawSettings) {
    // an invalid value has its own error
    let Some(requested) = raw.get(&EMULATOR) else { return };
    let (is_emulated, exposures) = (apps::is_emulated(raw), exposures(raw));
    let label = raw.label(&EMULATOR.declaration);
    check_request(&mut raw.problems, &label, is_emulated, requested, &exposures);
}

fn check_request(
    problems: &mut ConfigProblems,
    label: &str,
    is_emulated: bool,
    requested: Option<bool>,
    exposures: &str,
) {
    const HOW: &str = "set WECHAT_APP_ID and WECHAT_APP_SECRET, or, on a test system, EMULATOR=true";
    match (is_emulated, requested) {
        (false, Some(true)) => problems.error(format!(
            "{label}: must not be true beside a mini program: the emulator lets anyone log in as any user"
        )),
        (true, Some(false)) => problems.error(format!("WECHAT_APP_ID: is not set, and EMULATOR is off: {HOW}")),
        (true, None) if !exposures.is_empty() => problems.error(format!(
            "WECHAT_APP_ID: is not set, and the WeChat emulator, which lets anyone log in as any user, does not \
             start by itself where {exposures} is configured: {HOW}"
        )),
        (true, Some(true)) if !exposures.is_empty() => {
            problems.warn(format!("{label}: everyone who reaches this server can log in as any user"));
        }
        _ => {}
    }
}

/// The settings that make it likely that others use the system, as part of a sentence; empty if there are none.
fn exposures(raw: &RawSettings) -> String {
    let is_public = raw.get(&LISTEN).is_some_and(|listen| !listen.ip().to_canonical().is_loopback());
    let is_on_server = raw.get(&DATABASE_URL).is_some_and(|database| !database.is_embedded());
    let named = |is_so: bool, setting: &Declaration, what: &str| is_so.then(|| format!("{what} ({})", setting.name));
    let exposures = [
        named(is_on_server, &DATABASE_URL.declaration, "a database server"),
        named(raw.has_text(&TRUSTED_PROXIES.declaration), &TRUSTED_PROXIES.declaration, "a proxy"),
        named(is_public, &LISTEN.declaration, "a public address"),
    ];
    exposures.into_iter().flatten().collect::<Vec<_>>().join(" or ")
}
