//! Which addresses are parsed, into which parts, and which are refused without their password.

use std::path::Path;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

fn read(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    text.parse()
}

fn label(text: &str) -> String {
    read(text).unwrap().to_string()
}

fn server(text: &str) -> DatabaseServer {
    match read(text).unwrap() {
        DatabaseUrl::Postgres(server) | DatabaseUrl::MySql(server) => server,
        DatabaseUrl::Sqlite(_) => panic!("{text} is no server"),
    }
}

/// The message with which an address is refused.
fn refusal(text: &str) -> String {
    read(text).map(|url| url.to_string()).expect_err(text).to_string()
}

#[test]
fn the_label_has_the_address_without_user_and_password() {
    for (text, expected) in [
        ("postgres://me:secret@db:5432/accounts?sslmode=require", "PostgreSQL db:5432/accounts"),
        ("postgresql://u:p@h/d", "PostgreSQL h/d"),
        ("postgres://u@%2Fvar%2Frun%2Fpostgresql/d", "PostgreSQL /var/run/postgresql/d"),
        ("mysql://root:secret@[::1]/accounts", "MySQL [::1]/accounts"),
        ("MariaDB://u:p@h:3307/d", "MySQL h:3307/d"),
        ("mysql://u@localhost/d?socket=/run/mysqld/mysqld.sock", "MySQL /run/mysqld/mysqld.sock/d"),
        ("sqlite://miniaccount.db?mode=rwc", "SQLite miniaccount.db"),
        ("sqlite::memory:", "SQLite :memory:"),
    ] {
        assert_eq!(label(text), expected);
    }
}

#[test]
fn the_address_of_a_server_is_parsed_into_its_parts() {
    let read = server("postgres://me%3A:p%40ss%2F%3F%23%25@db.example:6543/my%20accounts?application_name=a%26b");
    assert_eq!((read.host, read.port), (Host::Name("db.example".to_owned()), Some(6543)));
    assert_eq!((read.user.as_deref(), read.database.as_str()), (Some("me:"), "my accounts"));
    assert_eq!(read.password.unwrap().expose_secret(), "p@ss/?#%");
    assert_eq!(read.application_name.as_deref(), Some("a&b"));
    let read = server("mysql://root@127.0.0.1/d");
    assert_eq!((read.user.as_deref(), read.password.is_none(), read.port), (Some("root"), true, None));
    assert!(server("mysql://root:@h/d").password.is_none());
    assert_eq!(server("postgres://h/d").user, None);
}

#[test]
fn each_database_has_its_own_parameters() {
    let tls = server("postgres://u@h/d?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=c&sslkey=k").tls;
    assert_eq!((tls.mode, tls.root_certificate.as_deref()), (Some(TlsMode::VerifyFull), Some("/ca.pem")));
    assert_eq!((tls.client_certificate.as_deref(), tls.client_key.as_deref()), (Some("c"), Some("k")));
    assert_eq!(server("mysql://u@h/d?ssl-mode=REQUIRED&charset=utf8mb4").tls.mode, Some(TlsMode::Require));
    let options = server("postgres://u@h/d?options=-c%20geqo=off&options[jit]=off").startup_options;
    assert_eq!(options, [("geqo", "off"), ("jit", "off")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    for (text, sentence) in [
        ("postgres://u@h/d?sslmod=require", "the parameter `sslmod` is unknown; known are sslmode, "),
        ("postgres://u@h/d?password=hunter2", "the parameter `password` is unknown"),
        ("postgres://u@h/d?Hunter2=1", "the parameter behind the ? is unknown"),
        ("postgres://u@h/d?sslmode=always", "the parameter `sslmode` must be disable, "),
        ("postgres://u@h/d?options=x", "the parameter `options` must be of the form -c"),
        ("postgres://u@h/d?sslmode=require&sslmode=disable", "a parameter behind the ? is given twice"),
        ("mysql://u@h/d?sslmode=require", "the parameter `ssl-mode` must be DISABLED, "),
        ("mysql://u@h/d?options=-c%20a=b", "the parameter `options` is unknown"),
        ("mysql://u@h/d?charset=latin1", "the parameter `charset` must be utf8mb4"),
        ("sqlite://a.db?mode=ro", "the parameter `mode` must be rwc, rw or memory"),
        ("sqlite://a.db?cache=shared", "the parameter `cache` is unknown; known are mode"),
    ] {
        assert!(refusal(text).starts_with(sentence), "{text}: {}", refusal(text));
        assert!(!refusal(text).contains("unter2"));
    }
}

#[test]
fn an_ambiguous_address_is_refused_without_its_password() {
    for text in [
        "postgres://u:p@ss/Top#Secret?@db.example:5432/x",
        "postgres://accounts:54321?Hunter2@db/x",
        "mysql://root:7319/Zebra@db.example/x",
        "postgres://u:a@Zebra@db/x",
        "postgres://u:Zebra#@db/x",
        "postgres://u:a/b?Zebra@db/x",
        "postgres://u:Zebra:a@db/x",
        "postgres://u:p@db/x?application_name=Zebra@b",
        "postgres://u:Zebra a@db/x",
        "postgres://u:p@db/Zebra/x",
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with("cannot be split into its parts") && refusal.contains("%40"), "{text}: {refusal}");
    }
}

#[test]
fn an_address_without_server_or_database_is_refused() {
    for (text, sentence) in [
        ("", "must begin with"),
        ("miniaccount.db", "must begin with"),
        ("mongodb://h/d", "must begin with"),
        ("postgres:root:Zebra@db.example/app", "must be of the form"),
        ("postgres:/db/x", "must be of the form"),
        ("postgres:///x", "must name a host"),
        ("postgres://u:Zebra@/x", "must name a host"),
        ("mysql://u:Zebra@h", "must name a database"),
        ("mysql://u:Zebra@h/", "must name a database"),
        ("mysql://u:Zebra@h/?ssl-mode=REQUIRED", "must name a database"),
        ("postgres://:Zebra@h/d", "must name a user"),
        ("postgres://u:Zebra@h:port/d", "must name a host by"),
        ("postgres://u:Zebra@h:/d", "must name a host by"),
        ("postgres://u:Zebra@h:0/d", "must name a host by"),
        ("postgres://u:Zebra@h:+1/d", "must name a host by"),
        ("postgres://u:Zebra@h:65536/d", "must name a host by"),
        ("postgres://u:Zebra@h1,h2/d", "must name a host by"),
        ("postgres://u:Zebra@[::g]/d", "must name a host by"),
        ("postgres://u:Zebra@[::1]x/d", "must name a host by"),
        ("mysql://u:Zebra@%2Ftmp/d", "must name a host by"),
        ("postgres://u:Zebra%@h/d", "a % must be written as %25"),
        ("postgres://u:Zebra%4@h/d", "a % must be written as %25"),
        ("postgres://u:Zebra%+4@h/d", "a % must be written as %25"),
        ("postgres://u:Zebra%00@h/d", "must not contain control characters"),
        ("postgres://u:Zebra%FF@h/d", "must be UTF-8"),
    ] {
        assert!(refusal(text).starts_with(sentence), "{text}: {}", refusal(text));
        assert!(!refusal(text).contains("Zebra"), "{}", refusal(text));
    }
}

#[test]
fn the_address_of_an_sqlite_file_is_parsed_into_its_path() {
    let file = |text: &str| match read(text).unwrap() {
        DatabaseUrl::Sqlite(SqliteDatabase::File { path, create }) => (path, create),
        url => panic!("{text} is {url}"),
    };
    for (text, path, create) in [
        ("sqlite://miniaccount.db?mode=rwc", "miniaccount.db", true),
        ("sqlite:a.db", "a.db", false),
        ("sqlite:///var/lib/my%20data/a.db", "/var/lib/my data/a.db", false),
        ("sqlite:///var/lib/my data/a@b.db?mode=rw", "/var/lib/my data/a@b.db", false),
        ("sqlite://100%25%3F%23.db?mode=rwc", "100%?#.db", true),
    ] {
        assert_eq!(file(text), (Path::new(path).to_owned(), create), "{text}");
    }
    for text in ["sqlite::memory:", "sqlite://:memory:", "sqlite://a?mode=memory&cache=shared", "sqlite:%3Amemory:"] {
        assert!(matches!(read(text), Ok(DatabaseUrl::Sqlite(SqliteDatabase::Memory))), "{text}");
    }
    for text in
        ["sqlite:", "sqlite://", "sqlite://?mode=rwc", "sqlite:file:a.db", "sqlite://a#b", "sqlite://a?b.db?mode=rw"]
    {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(["sqlite://50%.db", "sqlite://a.db?vfs=unix", "sqlite://a%00.db"].iter().all(|text| read(text).is_err()));
}

proptest! {
    #[test]
    fn the_parser_never_panics(text in "\\PC*", rest in "[a-z0-9:/?#@%=&\\[\\]]{0,40}") {
        let _ = read(&text);
        for scheme in ["sqlite", "postgres", "mysql"] {
            let _ = read(&format!("{scheme}:{rest}"));
        }
    }
}
