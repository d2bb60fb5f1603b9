//! What the program refuses, each time with status 1 and one clear sentence for each problem, and what it explains.

use std::fs;

use crate::harness::{Program, Run, folder};

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const REAL: [(&str, &str); 3] = [
    ("WECHAT_APP_ID", "wx1234567890abcdef"),
    ("WECHAT_APP_SECRET", "0123456789abcdef0123456789abcdef"),
    ("LISTEN", "127.0.0.1:0"),
];

#[test]
fn check_config_lists_every_problem_at_once() {
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
fn check_config_is_content_with_good_settings_and_starts_nothing() {
    let folder = folder();
    for settings in [vec![], [REAL.as_slice(), &[("SECRET_KEY", KEY)]].concat()] {
        let run = settings
            .iter()
            .fold(Program::new(folder.path(), &["check-config"]), |it, (name, value)| it.set(name, value))
            .run();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.stdout.contains("The settings are good"), "{run:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
    for command in [&["serve"][..], &["check-config"], &["migrate"], &[]] {
        let folder = folder();
        fs::write(folder.path().join("miniaccount.toml"), "lisen = \"127.0.0.1:0\"\n").unwrap();
        let run = Program::new(folder.path(), command).run();
        assert_refused(&run, "miniaccount.toml: unknown setting `lisen`; did you mean `listen`?");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let run = run(&["--config", "nowhere.toml"], &[]);
    assert_refused(&run, "nowhere.toml: cannot be read");
}

#[test]
fn a_real_mini_program_needs_a_key() {
    assert_refused(&run(&[], &REAL), "SECRET_KEY: is not set, and a real mini program needs it");
    let short = [REAL.as_slice(), &[("SECRET_KEY", "c2hvcnQ=")]].concat();
    assert_refused(&run(&[], &short), "SECRET_KEY, entry 1: must be 32 random bytes or more");
}

#[test]
fn a_real_mini_program_is_not_called_in_the_clear() {
    let exposed = [REAL.as_slice(), &[("SECRET_KEY", KEY), ("WECHAT_API_BASE", "http://api.weixin.qq.com")]].concat();
    assert_refused(&run(&[], &exposed), "WECHAT_API_BASE, entry 1: must be https://");
    let everybody = [REAL.as_slice(), &[("SECRET_KEY", KEY), ("TRUSTED_PROXIES", "0.0.0.0/0")]].concat();
    assert_refused(&run(&[], &everybody), "TRUSTED_PROXIES, entry 1: must not hold every address");
}

#[test]
fn the_emulator_stays_on_this_machine() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8000"] {
        assert_refused(&run(&[], &[("LISTEN", address)]), "LISTEN: must be an address of this machine alone");
        assert_refused(&run(&["emulator", "--listen", address], &[]), "");
    }
}

#[test]
fn the_emulator_does_not_run_beside_a_real_mini_program() {
    let real = [REAL.as_slice(), &[("SECRET_KEY", KEY)]].concat();
    let run = run(&["emulator", "--listen", "127.0.0.1:0"], &real);
    assert_refused(&run, "the emulator does not start beside a real mini program");
}

#[test]
fn a_database_that_is_not_there_is_told_without_its_password() {
    let url = "postgres://me:hunter2@127.0.0.1:1/accounts";
    for command in [&["serve"][..], &["migrate"]] {
        let run = run(command, &[("DATABASE_URL", url), ("LISTEN", "127.0.0.1:0"), ("SECRET_KEY", KEY)]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        let sentence = run.stderr.lines().last().unwrap_or_default();
        assert!(sentence.contains("PostgreSQL 127.0.0.1:1/accounts"), "{run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
}

#[test]
fn a_registered_document_that_could_not_run_is_told_at_the_start() {
    let long = format!("{{ {} }}", "me { id } ".repeat(21));
    for (text, why) in [
        ("{ me {\n id", "The GraphQL document has a syntax error. (line 2, "),
        ("{ ...F }", "The GraphQL document does not fit the schema. There is no fragment `F`. (line 1, column 3)"),
        (&long, "The query asks for too much. At most 20 fields at the root of a query."),
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
fn documents_cannot_nest_deeper_than_they_are_read() {
    let folder = folder();
    fs::write(folder.path().join("miniaccount.toml"), "query_nesting = 65\n").unwrap();
    let run = Program::new(folder.path(), &["check-config"]).run();
    assert_refused(&run, "miniaccount.toml: query_nesting: must be a whole number from 1 to 64");
}

#[test]
fn the_schema_is_printed_without_settings() {
    let run = run(&["schema"], &[("LISTEN", "nonsense")]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stdout, miniaccount::graphql::sdl());
    assert!(run.stdout.contains("type Query {"));
}

#[test]
fn every_command_explains_itself() {
    for command in [
        &["--help"][..],
        &["-h"],
        &["serve", "--help"],
        &["migrate", "--help"],
        &["schema", "--help"],
        &["check-config", "--help"],
        &["emulator", "--help"],
        &["help"],
        &["--version"],
    ] {
        let run = run(command, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{command:?} {run:?}");
        assert!(!run.stdout.is_empty(), "{command:?}");
    }
    assert_ne!(run(&["dance"], &[]).code, Some(0));
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Run {
    let folder = folder();
    let program = Program::new(folder.path(), arguments);
    settings.iter().fold(program, |program, (name, value)| program.set(name, value)).run()
}

/// One sentence on standard error, and nothing else.
#[track_caller]
fn assert_refused(run: &Run, sentence: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert!(run.stderr.starts_with(sentence), "{run:?}");
}
