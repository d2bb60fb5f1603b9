//! Tests of accepted and refused settings, and that no message contains a secret.
mod sources;
mod with_a_mini_program;
mod without_a_mini_program;

use std::{env::VarError, fs, time::Duration};

use secrecy::ExposeSecret;

use super::*;
use crate::config::{LogFormat, SETTINGS};

const KEY: &str = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
const REAL: [(&str, &str); 3] = [("WECHAT_APP_ID", "wx1"), ("WECHAT_APP_SECRET", "topsecret1"), ("SECRET_KEY", KEY)];

type Outcome = Result<(Config, Vec<String>), ConfigProblems>;

fn read_with(file: &str, variables: &[(&str, &str)]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("miniaccount.toml");
    fs::write(&path, file).unwrap();
    // the last value of a variable is used
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

/// With a real mini program, but without some of its variables.
fn real_without(missing: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let kept = REAL.into_iter().filter(|(name, _)| !missing.contains(name));
    read_with("", &kept.chain(variables.iter().copied()).collect::<Vec<_>>())
}

/// The only message with which the settings are refused.
fn refusal(outcome: Outcome) -> String {
    let errors = outcome.unwrap_err().errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.concat()
}

#[test]
fn lifetimes_longer_than_the_enclosing_one_are_refused() {
    let refused = refusal(emulated(&[("ACCESS_TOKEN_TTL", "31d")]));
    assert_eq!(refused, "ACCESS_TOKEN_TTL: must not be longer than REFRESH_TOKEN_TTL");
    let refused = refusal(emulated(&[("SESSION_MAX_AGE", "29d")]));
    assert_eq!(refused, "REFRESH_TOKEN_TTL: must not be longer than SESSION_MAX_AGE");
    assert_eq!(refusal(emulated(&[("ACCESS_TOKEN_TTL", "0s")])), "ACCESS_TOKEN_TTL: must be longer than zero");
}

#[test]
fn login_rate_limit_off_turns_off_the_limit_for_a_mini_program() {
    let (config, _) = emulated(&[("LOGIN_RATE_LIMIT", "off")]).unwrap();
    assert_eq!((config.login_rate, config.app_login_rate), (None, None));
    assert!(config.refresh_rate.is_some());
}

const ALL_WRONG: [(&str, &str); 19] = [
    ("LISTEN", "topsecret"),
    ("DATABASE_URL", "mongodb://u:topsecret@h"),
    ("WECHAT_APP_ID", "top secret"),
    ("WECHAT_APP_SECRET", "topsecret\u{7f}"),
    ("WECHAT_APPS", "wx2:topsecret2,wx2:topsecret3,topsecret4"),
    ("WECHAT_API_BASE", "https://u:topsecret@a.example,ftp://a.example"),
    ("EMULATOR", "topsecret"),
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
fn all_problems_are_reported_together_without_the_values() {
    let file =
        "database_connections = 0\nwechat_timeout = \"topsecret\"\nlisen = \"topsecret\"\nsessions_per_user = [[1]]";
    let problems = read_with(file, &ALL_WRONG).unwrap_err();
    for (name, _) in ALL_WRONG {
        assert!(problems.errors.iter().any(|error| error.starts_with(name)), "{name}: {problems}");
    }
    // three lists have a second invalid entry, and the file has four problems of its own
    assert_eq!(problems.errors.len(), ALL_WRONG.len() + 3 + 4, "{problems}");
    assert!(!format!("{problems} {problems:?}").contains("topsecret"), "{problems}");
}

#[test]
fn debug_of_the_config_has_no_secrets() {
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
