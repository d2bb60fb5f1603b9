//! Rules about several settings together, and about unsafe settings.

use super::{
    apps,
    declarations::{
        ACCESS_TOKEN_TTL, CLOUD_HOSTING, GRAPHIQL, METRICS_LISTEN, REFRESH_TOKEN_TTL, SECRET_KEY, SESSION_MAX_AGE,
        WECHAT_API_BASE, WECHAT_PUSH_AES_KEY, WECHAT_PUSH_TOKEN,
    },
    emulator_rule, media,
    raw::RawSettings,
    setting::Setting,
};

/// Warns of settings that have no effect, and discards them: their values need not be valid.
pub(super) fn discard_without_effect(raw: &mut RawSettings) {
    if raw.is_set(&METRICS_LISTEN.declaration) {
        raw.problems.warn("METRICS_LISTEN has no effect in this version");
        raw.discard(&METRICS_LISTEN.declaration);
    }
    if raw.is_set(&WECHAT_PUSH_AES_KEY.declaration) && !raw.is_set(&WECHAT_PUSH_TOKEN.declaration) {
        raw.warn(
            &WECHAT_PUSH_AES_KEY.declaration,
            "has no effect without `WECHAT_PUSH_TOKEN`: no pushed message is accepted",
        );
    }
    if apps::is_emulated(raw) && raw.is_set(&WECHAT_API_BASE.declaration) {
        raw.warn(&WECHAT_API_BASE.declaration, "has no effect without a mini program: the emulator is called");
        raw.discard(&WECHAT_API_BASE.declaration);
    }
}

/// Checks every rule. A command other than the server needs no mini program and no emulator.
pub(super) fn check(raw: &mut RawSettings, serves: bool) {
    if serves {
        emulator_rule::check(raw);
    }
    apps::check(raw);
    media::check(raw);
    require_key(raw);
    refuse_longer(raw, &ACCESS_TOKEN_TTL, &REFRESH_TOKEN_TTL);
    refuse_longer(raw, &REFRESH_TOKEN_TTL, &SESSION_MAX_AGE);
    warn_of_explorer(raw);
    warn_of_cloud_hosting(raw);
}

fn require_key(raw: &mut RawSettings) {
    if apps::is_configured(raw) && !raw.is_set(&SECRET_KEY.declaration) {
        let how = "`openssl rand -base64 32` generates one";
        raw.refuse(&SECRET_KEY.declaration, &format!("is not set, and a real mini program needs it: {how}"));
    }
}

fn refuse_longer<T: PartialOrd>(raw: &mut RawSettings, inner: &Setting<T>, outer: &Setting<T>) {
    if raw.get(inner).zip(raw.get(outer)).is_some_and(|(inner, outer)| inner > outer) {
        raw.refuse(&inner.declaration, &format!("must not be longer than {}", outer.declaration.name));
    }
}

fn warn_of_explorer(raw: &mut RawSettings) {
    if raw.get(&GRAPHIQL) == Some(Some(true)) && !apps::is_emulated(raw) {
        let reason = "the explorer and introspection are open to everyone who reaches this server";
        raw.warn(&GRAPHIQL.declaration, reason);
    }
}

fn warn_of_cloud_hosting(raw: &mut RawSettings) {
    if raw.get(&CLOUD_HOSTING) == Some(true) {
        let reason = "anyone who reaches this server other than through WeChat cloud hosting can log in as any user";
        raw.warn(&CLOUD_HOSTING.declaration, reason);
    }
}
