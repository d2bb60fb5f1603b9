//! Where a value comes from: the environment, the file, a secret file or the default; and values that count as not set.

use super::*;

#[test]
fn environment_precedes_the_file_and_the_file_precedes_the_default() {
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
fn every_setting_can_come_from_the_environment_or_the_file() {
    // a value in quotes is refused for every setting, and the message names its source
    for setting in SETTINGS {
        let refused = refusal(read_with("", &[(setting.name, "'topsecret'")]));
        assert!(refused.starts_with(&format!("{}: is wrapped in quotes", setting.name)), "{refused}");
        let refused = refusal(read_with(&format!("{} = \"'topsecret'\"", setting.key()), &[]));
        assert!(refused.contains(&format!(".toml: {}: is wrapped in quotes", setting.key())), "{refused}");
    }
}

#[test]
fn table_in_the_file_is_a_list_of_pairs_in_the_environment() {
    let file = "sessions_per_user = 4\n[open_platforms]\nwx1 = \"lost\"";
    let variables = [("SESSIONS_PER_USER", "3"), ("WECHAT_APPS", "wx2:s2"), ("OPEN_PLATFORMS", "wx2:other")];
    let (config, warnings) = read_with(file, &[&REAL[..], &variables].concat()).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(config.sessions.per_user, 3);
    let platforms = config.wechat.apps.iter().map(|app| app.open_platform.as_str()).collect::<Vec<_>>();
    assert_eq!(platforms, ["default", "other"]);
}

#[test]
fn settings_of_later_versions_are_accepted_with_a_warning() {
    let (_, warnings) = emulated(&[("METRICS_LISTEN", "x")]).unwrap();
    assert_eq!(warnings, ["METRICS_LISTEN has no effect in this version"]);
}

#[test]
fn the_url_of_redis_is_optional() {
    assert!(emulated(&[]).unwrap().0.redis_url.is_none());
    let (config, warnings) = emulated(&[("REDIS_URL", "rediss://me:topsecret@redis.example:6380/2")]).unwrap();
    assert_eq!(config.redis_url.unwrap().expose_secret(), "rediss://me:topsecret@redis.example:6380/2");
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn secret_can_come_from_a_separate_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, format!("{KEY}\n")).unwrap();
    let path = path.to_str().unwrap();
    let without_key = |path| real_without(&["SECRET_KEY"], &[("SECRET_KEY_FILE", path)]);
    let (config, _) = without_key(path).unwrap();
    assert_eq!(config.secret_keys[0].expose_secret(), [0xab; 32]);
    let refused = refusal(real(&[("SECRET_KEY_FILE", path)]));
    assert_eq!(refused, "SECRET_KEY and SECRET_KEY_FILE are both set: keep one of them");
    fs::write(path, "\n").unwrap();
    assert!(refusal(without_key(path)).ends_with("/key is empty"));
    fs::write(path, format!("'{KEY}'\n")).unwrap();
    assert!(refusal(without_key(path)).starts_with("SECRET_KEY_FILE: is wrapped in quotes"));
}

#[test]
fn unreadable_secret_file_is_named() {
    let refused = refusal(real_without(&["WECHAT_APP_SECRET"], &[("WECHAT_APP_SECRET_FILE", "/nowhere/secret")]));
    assert!(refused.starts_with("WECHAT_APP_SECRET_FILE: the file /nowhere/secret cannot be read"), "{refused}");
}

#[test]
fn variable_that_is_not_unicode_is_named() {
    let not_unicode = |name: &str| match name {
        "LOG" => Err(VarError::NotUnicode("topsecret".into())),
        _ => Err(VarError::NotPresent),
    };
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(refusal(read(&not_unicode, Some(empty.path()))), "LOG: is not Unicode text");
}

/// Settings that must not be blank, because the server would start with other ones than intended.
const REFUSED_WHEN_BLANK: [&str; 5] =
    ["WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_APPS", "SECRET_KEY", "DATABASE_URL"];

#[test]
fn blank_value_counts_as_not_set_or_is_refused() {
    for setting in SETTINGS.iter().filter(|setting| !REFUSED_WHEN_BLANK.contains(&setting.name)) {
        for blank in ["", " \n"] {
            assert_eq!(emulated(&[(setting.name, blank)]).unwrap().1, [""; 0], "{}", setting.name);
        }
    }
    for name in REFUSED_WHEN_BLANK {
        for blank in ["", " \n"] {
            let refused = refusal(emulated(&[(name, blank)]));
            assert_eq!(refused, format!("{name}: is blank; give it a value, or remove it"));
            let outcome = read_with(&format!("{} = {blank:?}", name.to_lowercase()), &[]);
            assert!(
                refusal(outcome)
                    .ends_with(&format!("{}: is blank; give it a value, or remove it", name.to_lowercase()))
            );
        }
        assert!(real(&[(name, "")]).is_err());
    }
    for name in &REFUSED_WHEN_BLANK[1..] {
        let refused = refusal(emulated(&[(&format!("{name}_FILE"), "")]));
        assert!(refused.starts_with(&format!("{name}_FILE: is blank")), "{refused}");
    }
    assert!(real(&[("SECRET_KEY_FILE", ""), ("WECHAT_APP_SECRET_FILE", " ")]).is_ok());
}

#[test]
fn value_in_quotes_is_refused_by_name() {
    for setting in SETTINGS {
        for value in ["'topsecret'", "\"topsecret\"", " \"topsecret\" ", "\"\"", "'a','b'"] {
            let errors = emulated(&[(setting.name, value)]).unwrap_err().errors;
            let expected = format!("{}: is wrapped in quotes; write the value without them", setting.name);
            assert_eq!(errors, [expected]);
        }
    }
    let refused = refusal(read_with("listen = \"'127.0.0.1:0'\"", &[]));
    assert!(refused.ends_with("listen: is wrapped in quotes; write the value without them"), "{refused}");
    // a single quote mark is part of the value
    assert!(real(&[("WECHAT_APP_SECRET", "'topsecret")]).is_ok());
}
