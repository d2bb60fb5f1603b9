//! The program refuses invalid settings with exit status 1 and one message for each problem, and `--help` explains it.

use std::fs;

use crate::harness::{Program, ProgramOutput, folder};

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const REAL: [(&str, &str); 3] = [
    ("WECHAT_APP_ID", "wx1234567890abcdef"),
    ("WECHAT_APP_SECRET", "0123456789abcdef0123456789abcdef"),
    ("LISTEN", "127.0.0.1:0"),
];

#[test]
fn check_config_lists_all_problems() {
    let run = run(
        &["check-config"],
        &[
            ("LISTEN", "here"),
            ("SECRET_KEY", "c2hvcnQ="),
            ("ACCESS_TOKEN_TTL", "soon"),
            ("LOGIN_RATE_LIMIT", "many"),
            ("DATABASE_URL", "mongodb://me:hunter2@db/accounts"),
            ("CORS_ORIGINS", "*"),
        ],
    );
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 6, "{run:?}");
    for name in ["LISTEN", "SECRET_KEY", "ACCESS_TOKEN_TTL", "LOGIN_RATE_LIMIT", "DATABASE_URL", "CORS_ORIGINS"] {
        assert!(run.stderr.lines().any(|line| line.starts_with(name)), "{name}: {run:?}");
    }
    assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("c2hvcnQ"), "{run:?}");
}

#[test]
fn check_config_accepts_valid_settings_and_starts_nothing() {
    let folder = folder();
    for settings in [vec![], [REAL.as_slice(), &[("SECRET_KEY", KEY)]].concat()] {
        let run = settings
            .iter()
            .fold(Program::new(folder.path(), &["check-config"]), |it, (name, value)| it.set(name, value))
            .run();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.stdout.contains("The settings are valid"), "{run:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn unknown_setting_is_refused_with_the_nearest_known_one() {
    for command in [&["serve"][..], &["check-config"], &["migrate"], &[]] {
        let folder = folder();
        fs::write(folder.path().join("miniaccount.toml"), "lisen = \"127.0.0.1:0\"\n").unwrap();
        let run = Program::new(folder.path(), command).run();
        assert_refused(&run, "miniaccount.toml: unknown setting `lisen`; did you mean `listen`?");
    }
}

#[test]
fn named_settings_file_must_exist() {
    let run = run(&["--config", "nowhere.toml"], &[]);
    assert_refused(&run, "nowhere.toml: cannot be read");
}

#[test]
fn mini_program_requires_a_key() {
    assert_refused(&run(&[], &REAL), "SECRET_KEY: is not set, and a real mini program needs it");
    let short = [REAL.as_slice(), &[("SECRET_KEY", "c2hvcnQ=")]].concat();
    assert_refused(&run(&[], &short), "SECRET_KEY, entry 1: must be 32 random bytes or more");
}

#[test]
fn plain_http_and_proxies_with_every_address_are_refused_with_a_real_mini_program() {
    let exposed = [REAL.as_slice(), &[("SECRET_KEY", KEY), ("WECHAT_API_BASE", "http://api.weixin.qq.com")]].concat();
    assert_refused(&run(&[], &exposed), "WECHAT_API_BASE, entry 1: must be https://");
    let everybody = [REAL.as_slice(), &[("SECRET_KEY", KEY), ("TRUSTED_PROXIES", "0.0.0.0/0")]].concat();
    assert_refused(&run(&[], &everybody), "TRUSTED_PROXIES, entry 1: must not contain every address");
}

#[test]
fn emulator_does_not_start_by_default_where_others_may_use_it() {
    for setting in [
        ("LISTEN", "0.0.0.0:0"),
        ("LISTEN", "[::]:0"),
        ("LISTEN", "192.0.2.1:8000"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/accounts"),
        ("DATABASE_URL", "mysql://me:hunter2@127.0.0.1:1/accounts"),
    ] {
        for command in ["serve", "check-config"] {
            let run = run(&[command], &[setting]);
            assert_refused(&run, "WECHAT_APP_ID: is not set");
            assert!(run.stderr.contains("EMULATOR=true") && !run.stderr.contains("hunter2"), "{run:?}");
        }
        assert_eq!(run(&["check-config"], &[setting, ("EMULATOR", "true")]).code, Some(0));
    }
}

#[test]
fn blank_or_quoted_mini_program_does_not_start_the_emulator() {
    for name in ["WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_APPS", "SECRET_KEY", "DATABASE_URL"] {
        assert_refused(&run(&[], &[(name, "")]), &format!("{name}: is blank"));
        assert_refused(&run(&["migrate"], &[(name, " ")]), &format!("{name}: is blank"));
    }
    assert_refused(&run(&[], &[("WECHAT_APP_ID", "\"wx1\"")]), "WECHAT_APP_ID: is wrapped in quotes");
}

#[test]
fn emulator_refuses_a_public_address() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8000"] {
        assert_refused(&run(&["emulator", "--listen", address], &[]), "");
    }
}

#[test]
fn emulator_with_a_mini_program_is_refused() {
    let real = [REAL.as_slice(), &[("SECRET_KEY", KEY)]].concat();
    let run = run(&["emulator", "--listen", "127.0.0.1:0"], &real);
    assert_refused(&run, "the emulator does not start beside a real mini program");
}

#[test]
fn unreachable_database_is_named_without_its_password() {
    for (url, place) in [
        ("postgres://me:hunter2@127.0.0.1:1/accounts", "PostgreSQL 127.0.0.1:1/accounts"),
        ("postgres://me:hun%2Fter2%40%3F%23@127.0.0.1:1/accounts?sslmode=prefer", "PostgreSQL 127.0.0.1:1/accounts"),
        ("mysql://me:hun%2Fter2@127.0.0.1:1/accounts", "MySQL 127.0.0.1:1/accounts"),
    ] {
        for command in ["serve", "migrate"] {
            let settings = [REAL.as_slice(), &[("DATABASE_URL", url), ("SECRET_KEY", KEY), ("LOG", "trace")]].concat();
            let run = run(&[command], &settings);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
            let sentence = run.stderr.lines().last().unwrap_or_default();
            assert!(sentence.contains(place), "{run:?}");
            assert!(["hunter2", "hun%2F", "hun/", "ter2"].iter().all(|part| !run.stderr.contains(part)), "{run:?}");
        }
    }
}

#[test]
fn ambiguous_database_address_is_refused_without_its_password() {
    for (url, parts) in [
        ("postgres://u:p@ss/Top#Secret?@db.example:5432/x", ["ss/Top", "Secret"]),
        ("postgres://accounts:54321?Hunter2@db/x", ["54321", "Hunter2"]),
        ("mysql://root:7319/Zebra@db.example/x", ["7319", "Zebra"]),
        ("postgres:root:Zebra@db.example/app", ["Zebra", "root"]),
        ("postgres://u:Zebra@db.example/x?sslmod=Zebra", ["Zebra", "Zebra"]),
    ] {
        for command in ["check-config", "serve", "migrate"] {
            let settings = [REAL.as_slice(), &[("DATABASE_URL", url), ("SECRET_KEY", KEY), ("LOG", "trace")]].concat();
            let run = run(&[command], &settings);
            assert_refused(&run, "DATABASE_URL: ");
            assert!(parts.iter().all(|part| !run.stderr.contains(part)), "{run:?}");
        }
    }
}

#[test]
fn invalid_trusted_document_is_refused_at_start() {
    let long = format!("{{ {} }}", "me { id } ".repeat(21));
    for (text, why) in [
        ("{ me {\n id", "The GraphQL document has a syntax error. (line 2, "),
        ("{ ...F }", "The GraphQL document does not fit the schema. There is no fragment `F`. (line 1, column 3)"),
        (&long, "The query asks for too much. At most 20 root fields in a query."),
    ] {
        let folder = folder();
        let manifest = serde_json::json!({ "good": "{ me { id } }", "abc": text });
        fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
        for command in ["serve", "check-config"] {
            let program = Program::new(folder.path(), &[command]).set("TRUSTED_DOCUMENTS", "manifest.json");
            let run = program.set("LISTEN", "127.0.0.1:0").run();
            assert_refused(&run, &format!("TRUSTED_DOCUMENTS: the document `abc` cannot run: {why}"));
        }
    }
}

#[test]
fn nesting_limit_beyond_that_of_the_parser_is_refused() {
    let folder = folder();
    fs::write(folder.path().join("miniaccount.toml"), "query_nesting = 65\n").unwrap();
    let run = Program::new(folder.path(), &["check-config"]).run();
    assert_refused(&run, "miniaccount.toml: query_nesting: must be a whole number from 1 to 64");
}

#[test]
fn schema_command_needs_no_settings() {
    let run = run(&["schema"], &[("LISTEN", "nonsense")]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stdout, miniaccount::graphql::sdl());
    assert!(run.stdout.contains("type Query {"));
}

#[test]
fn every_command_has_help() {
    for command in [
        &["--help"][..],
        &["-h"],
        &["serve", "--help"],
        &["migrate", "--help"],
        &["schema", "--help"],
        &["check-config", "--help"],
        &["emulator", "--help"],
        &["admin", "grant", "--help"],
        &["help"],
        &["--version"],
    ] {
        let run = run(command, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{command:?} {run:?}");
        assert!(!run.stdout.is_empty(), "{command:?}");
    }
    assert_ne!(run(&["dance"], &[]).code, Some(0));
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> ProgramOutput {
    let folder = folder();
    let program = Program::new(folder.path(), arguments);
    settings.iter().fold(program, |program, (name, value)| program.set(name, value)).run()
}

/// The program printed one message on standard error, and nothing else.
#[track_caller]
fn assert_refused(run: &ProgramOutput, sentence: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert!(run.stderr.starts_with(sentence), "{run:?}");
}
