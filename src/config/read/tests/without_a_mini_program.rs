//! Settings without a mini program: the emulator starts.

use super::*;

#[test]
fn defaults_start_the_emulator() {
    let (config, warnings) = emulated(&[]).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert!(config.emulator && config.graphiql && config.needs_generated_key());
    assert_eq!(config.wechat.apps[0].id, "wx0000000000000000");
    assert_eq!(config.wechat.apps[0].open_platform, "default");
    assert_eq!(config.wechat.apps[0].secret.expose_secret().len(), 22);
    assert_eq!((config.wechat.apps.len(), config.wechat.hosts.len()), (1, 0));
}

#[test]
fn defaults_are_the_documented_ones() {
    let (config, _) = emulated(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.database_url.to_string(), "SQLite miniaccount.db");
    assert_eq!((config.database_connections, config.wechat.calls_in_flight, config.sessions.per_user), (16, 64, 20));
    let wechat = &config.wechat;
    assert_eq!([wechat.connect_timeout, wechat.timeout, wechat.repeat_window], [2, 5, 10].map(Duration::from_secs));
    let sessions = &config.sessions;
    assert_eq!([sessions.access_ttl, sessions.refresh_ttl], [2, 720].map(Duration::from_hours));
    assert_eq!(sessions.max_age, Duration::from_hours(180 * 24));
    let counts = [config.login_rate, config.app_login_rate, config.refresh_rate].map(|rate| rate.unwrap().count.get());
    assert_eq!(counts, [600, 30_000, 600]);
    assert_eq!((config.log.as_str(), config.log_format), ("info", LogFormat::Text));
    assert!(config.cors_origins.is_empty() && config.trusted_proxies.is_empty());
}

/// Settings that make it likely that others use the system.
const EXPOSED: [(&str, &str); 6] = [
    ("LISTEN", "0.0.0.0:8000"),
    ("LISTEN", "[::]:8000"),
    ("LISTEN", "192.168.1.2:0"),
    ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ("DATABASE_URL", "postgres://u:topsecret@h/d"),
    ("DATABASE_URL", "mysql://u:topsecret@h/d"),
];

#[test]
fn emulator_does_not_start_by_default_where_others_may_use_it() {
    for exposed in EXPOSED {
        let refusal = refusal(emulated(&[exposed]));
        let named = ["WECHAT_APP_ID", "EMULATOR=true", exposed.0].iter().all(|name| refusal.contains(name));
        assert!(named && refusal.starts_with("WECHAT_APP_ID: is not set"), "{refusal}");
        assert!(!refusal.contains("topsecret"), "{refusal}");
    }
    assert!(emulated(&[("LISTEN", "[::1]:0")]).is_ok());
}

#[test]
fn requested_emulator_starts_there_with_a_warning() {
    for exposed in EXPOSED {
        let (config, warnings) = emulated(&[exposed, ("EMULATOR", "true")]).unwrap();
        assert!(config.emulator && warnings[0].starts_with("EMULATOR: "), "{warnings:?}");
    }
    assert_eq!(emulated(&[("EMULATOR", "true")]).unwrap().1, [""; 0]);
}

#[test]
fn disabled_emulator_does_not_start() {
    let refusal = refusal(emulated(&[("EMULATOR", "false")]));
    assert!(refusal.starts_with("WECHAT_APP_ID: is not set, and EMULATOR is off"), "{refusal}");
}

#[test]
fn command_other_than_the_server_needs_no_mini_program() {
    let environment = |name: &str| match name {
        "DATABASE_URL" => Ok("postgres://u@h/d".to_owned()),
        _ => Err(VarError::NotPresent),
    };
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(read_for_command(&environment, Some(empty.path())).is_ok());
}

#[test]
fn invalid_key_is_refused_with_the_emulator_as_well() {
    assert!(!emulated(&[("SECRET_KEY", KEY)]).unwrap().0.needs_generated_key());
    assert!(refusal(emulated(&[("SECRET_KEY", "c2hvcnQ=")])).starts_with("SECRET_KEY, entry 1: "));
}

#[test]
fn hosts_of_wechat_have_no_effect_and_cause_a_warning() {
    let (config, warnings) = emulated(&[("WECHAT_API_BASE", "https://a.example")]).unwrap();
    assert!(config.wechat.hosts.is_empty());
    assert!(warnings[0].starts_with("WECHAT_API_BASE: has no effect"));
}

#[test]
fn explorer_can_be_turned_off() {
    assert!(!emulated(&[("GRAPHIQL", "off")]).unwrap().0.graphiql);
}
