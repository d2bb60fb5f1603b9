//! Settings with a mini program.

use super::*;

#[test]
fn emulator_and_explorer_are_off_by_default() {
    let (config, warnings) = real(&[("LISTEN", "0.0.0.0:80")]).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert!(!config.emulator && !config.graphiql && !config.needs_generated_key());
    assert_eq!(config.wechat.hosts, ["https://api.weixin.qq.com", "https://api2.weixin.qq.com"]);
}

#[test]
fn missing_key_is_refused() {
    assert!(refusal(real_without(&["SECRET_KEY"], &[])).starts_with("SECRET_KEY: is not set"));
}

#[test]
fn invalid_key_is_named_by_its_position() {
    let refusal = refusal(real(&[("SECRET_KEY", &format!("{KEY},c2hvcnQ="))]));
    assert!(refusal.starts_with("SECRET_KEY, entry 2: ") && !refusal.contains("c2hvcnQ"), "{refusal}");
    let (config, _) = real(&[("SECRET_KEY", &format!("{KEY}, {KEY}"))]).unwrap();
    assert_eq!(config.secret_keys.len(), 2);
}

#[test]
fn appid_without_secret_and_secret_without_appid_are_refused() {
    let refused = refusal(real_without(&["WECHAT_APP_SECRET"], &[]));
    assert!(refused.starts_with("WECHAT_APP_ID: is set, but WECHAT_APP_SECRET is not"), "{refused}");
    let refused = refusal(real_without(&["WECHAT_APP_ID"], &[("LISTEN", "0.0.0.0:80")]));
    assert!(refused.starts_with("WECHAT_APP_SECRET: is set, but WECHAT_APP_ID is not"), "{refused}");
}

#[test]
fn first_mini_program_is_the_default_one() {
    let ids = |outcome: Outcome| outcome.unwrap().0.wechat.apps.into_iter().map(|app| app.id).collect::<Vec<_>>();
    let more = ("WECHAT_APPS", "wx2:s2, wx3:s3");
    assert_eq!(ids(real(&[more])), ["wx1", "wx2", "wx3"]);
    assert_eq!(ids(real_without(&["WECHAT_APP_ID", "WECHAT_APP_SECRET"], &[more])), ["wx2", "wx3"]);
}

#[test]
fn appid_configured_twice_is_refused() {
    for twice in ["wx2:s,wx1:t", "wx2:s,wx2:t"] {
        let refusal = refusal(real(&[("WECHAT_APPS", twice)]));
        assert_eq!(refusal, "WECHAT_APPS, entry 2: the appid is configured already");
    }
}

#[test]
fn proxies_with_every_address_are_refused() {
    for every_address in ["*", "10.0.0.1,0.0.0.0/0", "::/0", "2000::/3", "0.0.0.0/1,128.0.0.0/1", "2000::/4,3000::/4"] {
        assert!(refusal(real(&[("TRUSTED_PROXIES", every_address)])).contains("must not contain every address"));
        let emulated = emulated(&[("TRUSTED_PROXIES", every_address), ("EMULATOR", "true")]);
        assert!(refusal(emulated).contains("must not contain every address"));
    }
}

#[test]
fn emulator_with_a_mini_program_is_refused() {
    let refusal = refusal(real(&[("EMULATOR", "true")]));
    assert!(refusal.starts_with("EMULATOR: must not be true beside a mini program"), "{refusal}");
    assert!(!real(&[("EMULATOR", "false")]).unwrap().0.emulator);
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let refused = refusal(real(&[("WECHAT_API_BASE", "https://a.example,http://b.example")]));
    assert!(refused.starts_with("WECHAT_API_BASE, entry 2: must be https://"), "{refused}");
    let (config, _) = real(&[("WECHAT_API_BASE", "http://127.0.0.1:8001/")]).unwrap();
    assert_eq!(config.wechat.hosts, ["http://127.0.0.1:8001"]);
}

#[test]
fn explorer_is_allowed_with_a_warning() {
    let (config, warnings) = real(&[("GRAPHIQL", "true")]).unwrap();
    assert!(config.graphiql);
    assert!(warnings[0].starts_with("GRAPHIQL: the explorer"), "{warnings:?}");
}

#[test]
fn wildcard_origin_is_refused() {
    assert!(refusal(real(&[("CORS_ORIGINS", "*")])).starts_with("CORS_ORIGINS, entry 1: must name the origins"));
    let (config, _) = real(&[("CORS_ORIGINS", "https://App.example/,http://localhost:3000")]).unwrap();
    assert_eq!(config.cors_origins, ["https://app.example", "http://localhost:3000"]);
}

#[test]
fn mini_programs_share_an_open_platform_account_by_default() {
    let file = "[open_platforms]\nwx2 = \"other\"\nwx9 = \"lost\"";
    let (config, warnings) = read_with(file, &[&REAL[..], &[("WECHAT_APPS", "wx2:s2")]].concat()).unwrap();
    let platforms = config.wechat.apps.iter().map(|app| app.open_platform.as_str()).collect::<Vec<_>>();
    assert_eq!(platforms, ["default", "other"]);
    assert_eq!(warnings, ["open_platforms names the appid wx9, which is not configured"]);
}
