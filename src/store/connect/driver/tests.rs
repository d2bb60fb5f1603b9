//! Tests that the drivers get exactly the parts of an address, with any special characters, or that the address is
//! refused.

use std::fmt::Write as _;

use proptest::prelude::*;
use sea_orm::sqlx;

use super::*;

/// Characters with a meaning in addresses, and letters that occur in no other part of the address or of the errors.
/// There are no hexadecimal digits, because `%41` means `A`.
const CHARACTERS: &str = "[:/?#@&=%+ ;,!$'()*\\[\\]{}|^~`\"<>\\\\._QJÑÄ-]{1,24}";

/// Those letters.
const LETTERS: [char; 4] = ['Q', 'J', 'Ñ', 'Ä'];

/// A part of an address.
#[derive(Clone, Copy, Debug)]
enum Part {
    User,
    Password,
    Database,
}

/// The parameters of a driver: host, port, user, password, database.
type Parameters = (String, u16, String, Option<String>, Option<String>);

fn parameters(url: &DatabaseUrl) -> Parameters {
    match url {
        DatabaseUrl::Postgres(server) => {
            let options = postgres(server);
            let (host, database) = (options.get_host().to_owned(), options.get_database().map(str::to_owned));
            (host, options.get_port(), options.get_username().to_owned(), password(&options.username("u")), database)
        }
        DatabaseUrl::MySql(server) => {
            let options = mysql(server);
            let (host, database) = (options.get_host().to_owned(), options.get_database().map(str::to_owned));
            (host, options.get_port(), options.get_username().to_owned(), password(&options.username("u")), database)
        }
        DatabaseUrl::Sqlite(_) => panic!("no server"),
    }
}

/// The driver's password, which only its URL contains.
fn password(options: &impl sqlx::ConnectOptions) -> Option<String> {
    let password = options.to_url_lossy().password()?.replace('+', "%2B");
    Some(url::form_urlencoded::parse(format!("p={password}").as_bytes()).next()?.1.into_owned())
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    })
}

/// Whether a text contains four consecutive characters of a secret, at least one of them from `LETTERS`.
fn contains_part_of(text: &str, secret: &str) -> bool {
    let characters: Vec<char> = secret.chars().collect();
    let mut parts = characters.windows(4).filter(|part| part.iter().any(|character| LETTERS.contains(character)));
    parts.any(|part| text.contains(&part.iter().collect::<String>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn address_with_special_characters_reaches_the_driver_unchanged_or_is_refused(
        text in CHARACTERS,
        part in prop::sample::select(vec![Part::User, Part::Password, Part::Database]),
        scheme in prop::sample::select(vec!["postgres", "mysql"]),
        escaped: bool,
        port in prop::option::of(1_u16..),
    ) {
        let written = if escaped { encoded(&text) } else { text.clone() };
        let mut parts = ["user".to_owned(), "secret".to_owned(), "accounts".to_owned()];
        let mut expected = parts.clone();
        parts[part as usize] = written;
        expected[part as usize] = text.clone();
        let [user, password, database] = parts;
        let at = port.map_or_else(|| "db.example".to_owned(), |port| format!("db.example:{port}"));
        let outcome = format!("{scheme}://{user}:{password}@{at}/{database}").parse::<DatabaseUrl>();
        prop_assert!(outcome.is_ok() || !escaped, "an unambiguous address is refused");
        let output = match &outcome {
            Ok(url) => format!("{url} {url:?}").replace(&expected[2], ""),
            Err(error) => format!("{error} {error:?}"),
        };
        if let Part::Password = part {
            prop_assert!(!contains_part_of(&output, &text), "{output}");
        }
        if let Ok(url) = outcome {
            let [user, password, database] = expected;
            let port = port.unwrap_or(if scheme == "mysql" { 3306 } else { 5432 });
            let expected = ("db.example".to_owned(), port, user, Some(password), Some(database));
            prop_assert_eq!(parameters(&url), expected);
        }
    }
}

#[test]
fn host_and_parameters_of_an_address_reach_the_driver() {
    let server = |text: &str| match text.parse().unwrap() {
        DatabaseUrl::Postgres(server) | DatabaseUrl::MySql(server) => server,
        DatabaseUrl::Sqlite(_) => panic!("no server"),
    };
    let options = postgres(&server(
        "postgres://u@[::1]/d?sslmode=verify-full&application_name=me&options=-c%20default_transaction_isolation=\
         repeatable%5C%20read",
    ));
    assert_eq!((options.get_host(), options.get_application_name()), ("::1", Some("me")));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
    assert_eq!(options.get_options(), Some(r"-c default_transaction_isolation=repeatable\ read"));
    let options = postgres(&server("postgres://u@%2Frun%2Fpg/d"));
    assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/pg"));
    let options = mysql(&server("mysql://u@localhost/d?socket=/run/mysqld.sock&ssl-mode=VERIFY_IDENTITY"));
    assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/mysqld.sock"));
    assert!(matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity));
}
