//! What is accepted, what is refused, and that no sentence about it holds a secret.

use std::{env::VarError, fs, time::Duration};

use secrecy::ExposeSecret;

use super::*;
use crate::config::LogFormat;

const KEY: &str = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
const REAL: [(&str, &str); 3] = [("WECHAT_APP_ID", "wx1"), ("WECHAT_APP_SECRET", "topsecret1"), ("SECRET_KEY", KEY)];

type Outcome = Result<(Config, Vec<String>), Problems>;

fn read_with(file: &str, variables: &[(&str, &str)]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("miniaccount.toml");
    fs::write(&path, file).unwrap();
    // of two values of a variable, the last counts
    let find = |name: &str| variables.iter().rev().find(|(known, _)| *known == name);
    let environment = |name: &str| find(name).map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent);
    read(&environment, Some(&path))
}

fn emulated(variables: &[(&str, &str)]) -> Outcome {
    read_with("", variables)
}

fn real(variables: &[(&str, &str)]) -> Outcome {
    read_with("", &[&REAL, variables].concat())
}

/// The one sentence the settings are refused with.
fn refusal(outcome: Outcome) -> String {
    let errors = outcome.unwrap_err().errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.concat()
}

mod without_a_mini_program {
    use super::*;

    #[test]
    fn the_defaults_start_the_emulator() {
        let (config, warnings) = emulated(&[]).unwrap();
        assert_eq!(warnings, [""; 0]);
        assert!(config.emulator && config.graphiql && config.needs_generated_key());
        assert_eq!(config.wechat.apps[0].id, "wx0000000000000000");
        assert_eq!(config.wechat.apps[0].open_platform, "default");
        assert_eq!(config.wechat.apps[0].secret.expose_secret().len(), 22);
        assert_eq!((config.wechat.apps.len(), config.wechat.hosts.len()), (1, 0));
    }

    #[test]
    fn the_defaults_are_the_promised_ones() {
        let (config, _) = emulated(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.database_url.expose_secret(), "sqlite://miniaccount.db?mode=rwc");
        assert_eq!(
            (config.database_connections, config.wechat.calls_in_flight, config.sessions.per_user),
            (16, 64, 20)
        );
        let wechat = &config.wechat;
        assert_eq!([wechat.connect_timeout, wechat.timeout, wechat.repeat_window], [2, 5, 10].map(Duration::from_secs));
        let sessions = &config.sessions;
        assert_eq!([sessions.access_ttl, sessions.refresh_ttl], [2, 720].map(Duration::from_hours));
        assert_eq!(sessions.max_age, Duration::from_hours(180 * 24));
        let counts =
            [config.login_rate, config.app_login_rate, config.refresh_rate].map(|rate| rate.unwrap().count.get());
        assert_eq!(counts, [600, 30_000, 600]);
        assert_eq!((config.log.as_str(), config.log_format), ("info", LogFormat::Text));
        assert!(config.cors_origins.is_empty() && config.trusted_proxies.is_empty());
    }

    #[test]
    fn listening_to_others_is_refused() {
        for listen in ["0.0.0.0:8000", "[::]:8000", "192.168.1.2:0"] {
            let refusal = refusal(emulated(&[("LISTEN", listen)]));
            assert!(refusal.starts_with("LISTEN: must be an address of this machine alone"), "{refusal}");
        }
        assert!(emulated(&[("LISTEN", "[::1]:0")]).is_ok());
    }

    #[test]
    fn a_key_may_be_set_and_must_then_be_good() {
        assert!(!emulated(&[("SECRET_KEY", KEY)]).unwrap().0.needs_generated_key());
        assert!(refusal(emulated(&[("SECRET_KEY", "c2hvcnQ=")])).starts_with("SECRET_KEY, entry 1: "));
    }

    #[test]
    fn hosts_of_wechat_have_no_effect_and_a_warning_says_so() {
        let (config, warnings) = emulated(&[("WECHAT_API_BASE", "https://a.example")]).unwrap();
        assert!(config.wechat.hosts.is_empty());
        assert!(warnings[0].starts_with("WECHAT_API_BASE: has no effect"));
    }

    #[test]
    fn the_explorer_can_be_turned_off() {
        assert!(!emulated(&[("GRAPHIQL", "off")]).unwrap().0.graphiql);
    }
}

mod with_a_mini_program {
    use super::*;

    #[test]
    fn the_defaults_are_closed() {
        let (config, warnings) = real(&[("LISTEN", "0.0.0.0:80")]).unwrap();
        assert_eq!(warnings, [""; 0]);
        assert!(!config.emulator && !config.graphiql && !config.needs_generated_key());
        assert_eq!(config.wechat.hosts, ["https://api.weixin.qq.com", "https://api2.weixin.qq.com"]);
    }

    #[test]
    fn a_missing_key_is_refused() {
        for missing in ["", " \n"] {
            assert!(refusal(real(&[("SECRET_KEY", missing)])).starts_with("SECRET_KEY: is not set"));
        }
    }

    #[test]
    fn a_bad_key_is_named_by_its_position() {
        let refusal = refusal(real(&[("SECRET_KEY", &format!("{KEY},c2hvcnQ="))]));
        assert!(refusal.starts_with("SECRET_KEY, entry 2: ") && !refusal.contains("c2hvcnQ"), "{refusal}");
        let (config, _) = real(&[("SECRET_KEY", &format!("{KEY}, {KEY}"))]).unwrap();
        assert_eq!(config.secret_keys.len(), 2);
    }

    #[test]
    fn an_appid_and_its_secret_come_together() {
        let refused = refusal(real(&[("WECHAT_APP_SECRET", "")]));
        assert!(refused.starts_with("WECHAT_APP_ID: is set, but WECHAT_APP_SECRET is not"), "{refused}");
        let refused = refusal(real(&[("WECHAT_APP_ID", ""), ("LISTEN", "0.0.0.0:80")]));
        assert!(refused.starts_with("WECHAT_APP_SECRET: is set, but WECHAT_APP_ID is not"), "{refused}");
    }

    #[test]
    fn the_first_one_is_the_default() {
        let ids = |outcome: Outcome| outcome.unwrap().0.wechat.apps.into_iter().map(|app| app.id).collect::<Vec<_>>();
        let more = ("WECHAT_APPS", "wx2:s2, wx3:s3");
        assert_eq!(ids(real(&[more])), ["wx1", "wx2", "wx3"]);
        assert_eq!(ids(real(&[more, ("WECHAT_APP_ID", ""), ("WECHAT_APP_SECRET", "")])), ["wx2", "wx3"]);
    }

    #[test]
    fn an_appid_configured_twice_is_refused() {
        for twice in ["wx2:s,wx1:t", "wx2:s,wx2:t"] {
            let refusal = refusal(real(&[("WECHAT_APPS", twice)]));
            assert_eq!(refusal, "WECHAT_APPS, entry 2: the appid is configured already");
        }
    }

    #[test]
    fn proxies_that_are_everybody_are_refused() {
        for everybody in ["*", "10.0.0.1,0.0.0.0/0", "::/0"] {
            assert!(refusal(real(&[("TRUSTED_PROXIES", everybody)])).contains("must not hold every address"));
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_refused() {
        let refused = refusal(real(&[("WECHAT_API_BASE", "https://a.example,http://b.example")]));
        assert!(refused.starts_with("WECHAT_API_BASE, entry 2: must be https://"), "{refused}");
        let (config, _) = real(&[("WECHAT_API_BASE", "http://127.0.0.1:8001/")]).unwrap();
        assert_eq!(config.wechat.hosts, ["http://127.0.0.1:8001"]);
    }

    #[test]
    fn the_explorer_is_allowed_with_a_warning() {
        let (config, warnings) = real(&[("GRAPHIQL", "true")]).unwrap();
        assert!(config.graphiql);
        assert!(warnings[0].starts_with("GRAPHIQL: the explorer"), "{warnings:?}");
    }

    #[test]
    fn origins_that_are_everybody_are_refused() {
        assert!(refusal(real(&[("CORS_ORIGINS", "*")])).starts_with("CORS_ORIGINS, entry 1: must name the origins"));
        let (config, _) = real(&[("CORS_ORIGINS", "https://App.example/,http://localhost:3000")]).unwrap();
        assert_eq!(config.cors_origins, ["https://app.example", "http://localhost:3000"]);
    }

    #[test]
    fn unionids_are_shared_unless_the_file_says_otherwise() {
        let file = "[open_platforms]\nwx2 = \"other\"\nwx9 = \"lost\"";
        let (config, warnings) = read_with(file, &[&REAL[..], &[("WECHAT_APPS", "wx2:s2")]].concat()).unwrap();
        let platforms = config.wechat.apps.iter().map(|app| app.open_platform.as_str()).collect::<Vec<_>>();
        assert_eq!(platforms, ["default", "other"]);
        assert_eq!(warnings, ["open_platforms names the appid wx9, which is not configured"]);
    }
}

#[test]
fn lifetimes_that_do_not_fit_into_each_other_are_refused() {
    let refused = refusal(emulated(&[("ACCESS_TOKEN_TTL", "31d")]));
    assert_eq!(refused, "ACCESS_TOKEN_TTL: must not be longer than REFRESH_TOKEN_TTL");
    let refused = refusal(emulated(&[("SESSION_MAX_AGE", "29d")]));
    assert_eq!(refused, "REFRESH_TOKEN_TTL: must not be longer than SESSION_MAX_AGE");
    assert_eq!(refusal(emulated(&[("ACCESS_TOKEN_TTL", "0s")])), "ACCESS_TOKEN_TTL: must be longer than nothing");
}

#[test]
fn a_load_test_turns_both_limits_of_logins_off_at_once() {
    let (config, _) = emulated(&[("LOGIN_RATE_LIMIT", "off")]).unwrap();
    assert_eq!((config.login_rate, config.app_login_rate), (None, None));
    assert!(config.refresh_rate.is_some());
}

#[test]
fn the_environment_beats_the_file_and_the_file_beats_the_default() {
    let file = "listen = \"127.0.0.1:1\"\nsessions_per_user = 3\naccess_token_ttl = \"1h\"\nrefresh_token_ttl = \"\"";
    let (config, _) = read_with(file, &[("LISTEN", "127.0.0.1:2"), ("ACCESS_TOKEN_TTL", "")]).unwrap();
    assert_eq!((config.listen.port(), config.sessions.per_user), (2, 3));
    assert_eq!([config.sessions.access_ttl, config.sessions.refresh_ttl], [1, 720].map(Duration::from_hours));
}

#[test]
fn problems_of_the_file_name_the_file() {
    let refused = refusal(read_with("wechat_timeout = 5", &[]));
    assert!(
        refused.ends_with("miniaccount.toml: wechat_timeout: must be a duration such as 500ms, 90s, 15m, 2h or 30d")
    );
}

#[test]
fn what_belongs_in_the_file_has_no_effect_in_the_environment() {
    let (config, warnings) = emulated(&[("SESSIONS_PER_USER", "3"), ("OPEN_PLATFORMS", "x")]).unwrap();
    assert_eq!(config.sessions.per_user, 20);
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|warning| warning.contains("has no effect: write `")));
}

#[test]
fn settings_for_later_versions_are_known_but_idle() {
    let (_, warnings) = emulated(&[("METRICS_LISTEN", "x")]).unwrap();
    assert_eq!(warnings, ["METRICS_LISTEN has no effect in this version"]);
}

#[test]
fn nodes_count_their_own_unless_there_is_a_redis() {
    assert!(emulated(&[]).unwrap().0.redis_url.is_none());
    let (config, warnings) = emulated(&[("REDIS_URL", "rediss://me:topsecret@redis.example:6380/2")]).unwrap();
    assert_eq!(config.redis_url.unwrap().expose_secret(), "rediss://me:topsecret@redis.example:6380/2");
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn a_secret_can_come_from_a_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, format!("{KEY}\n")).unwrap();
    let path = path.to_str().unwrap();
    let (config, _) = real(&[("SECRET_KEY", ""), ("SECRET_KEY_FILE", path)]).unwrap();
    assert_eq!(config.secret_keys[0].expose_secret(), [0xab; 32]);
    let refused = refusal(real(&[("SECRET_KEY_FILE", path)]));
    assert_eq!(refused, "SECRET_KEY and SECRET_KEY_FILE are both set: keep one of them");
    fs::write(path, "\n").unwrap();
    assert!(refusal(real(&[("SECRET_KEY", ""), ("SECRET_KEY_FILE", path)])).ends_with("/key is empty"));
}

#[test]
fn a_secret_file_that_cannot_be_read_is_named() {
    let refused = refusal(real(&[("WECHAT_APP_SECRET", ""), ("WECHAT_APP_SECRET_FILE", "/nowhere/secret")]));
    assert!(refused.starts_with("WECHAT_APP_SECRET_FILE: the file /nowhere/secret cannot be read"), "{refused}");
}

#[test]
fn a_variable_that_is_not_unicode_is_named() {
    let not_unicode = |name: &str| match name {
        "LOG" => Err(VarError::NotUnicode("topsecret".into())),
        _ => Err(VarError::NotPresent),
    };
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(refusal(read(&not_unicode, Some(empty.path()))), "LOG: is not Unicode text");
}

const ALL_WRONG: [(&str, &str); 18] = [
    ("LISTEN", "topsecret"),
    ("DATABASE_URL", "mongodb://u:topsecret@h"),
    ("WECHAT_APP_ID", "top secret"),
    ("WECHAT_APP_SECRET", "topsecret\u{7f}"),
    ("WECHAT_APPS", "wx2:topsecret2,wx2:topsecret3,topsecret4"),
    ("WECHAT_API_BASE", "https://u:topsecret@a.example,ftp://a.example"),
    ("SECRET_KEY", "topsecret,topsecret"),
    ("ACCESS_TOKEN_TTL", "topsecret"),
    ("REFRESH_TOKEN_TTL", "0s"),
    ("SESSION_MAX_AGE", "7"),
    ("GRAPHIQL", "maybe"),
    ("CORS_ORIGINS", "topsecret"),
    ("TRUSTED_PROXIES", "topsecret"),
    ("LOGIN_RATE_LIMIT", "topsecret"),
    ("REFRESH_RATE_LIMIT", "topsecret"),
    ("REDIS_URL", "http://:topsecret@h"),
    ("LOG", "topsecret=topsecret=topsecret"),
    ("LOG_FORMAT", "topsecret"),
];

#[test]
fn every_problem_is_told_at_once_and_none_holds_a_value() {
    let file =
        "database_connections = 0\nwechat_timeout = \"topsecret\"\nlisen = \"topsecret\"\nsessions_per_user = [[1]]";
    let problems = read_with(file, &ALL_WRONG).unwrap_err();
    for (name, _) in ALL_WRONG {
        assert!(problems.errors.iter().any(|error| error.starts_with(name)), "{name}: {problems}");
    }
    // lists tell of each bad entry, and the file has four problems of its own
    assert_eq!(problems.errors.len(), ALL_WRONG.len() + 3 + 4, "{problems}");
    assert!(!format!("{problems} {problems:?}").contains("topsecret"), "{problems}");
}

#[test]
fn settings_can_be_printed_without_their_secrets() {
    let variables = [
        ("WECHAT_APPS", "wx2:topsecret2"),
        ("DATABASE_URL", "postgres://u:topsecret3@h/d"),
        ("REDIS_URL", "redis://:topsecret4@h"),
    ];
    let (config, warnings) = real(&variables).unwrap();
    let printed = format!("{config:?} {warnings:?}");
    assert!(printed.contains("wx2") && !printed.contains("topsecret"), "{printed}");
    assert!(!printed.contains(KEY) && !printed.contains("171"), "{printed}");
}
