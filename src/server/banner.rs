//! The start-up banner: addresses, database, mini programs, and a warning while WeChat is emulated.

use std::net::SocketAddr;

use crate::{
    config::{Config, LogFormat},
    emulator::Emulator,
};

/// Prints the banner to standard output if the log is text, and writes one log line.
pub(super) fn show(config: &Config, address: SocketAddr, emulator: Option<&Emulator>) {
    if config.log_format == LogFormat::Text {
        println!("{}", text(config, address, emulator.map(Emulator::base).as_deref()));
    }
    tracing::info!(%address, database = %config.database_url, emulator = config.emulator, "listening");
}

fn text(config: &Config, address: SocketAddr, emulator: Option<&str>) -> String {
    let api = format!("http://{address}");
    let mut lines = format!("\nminiaccount {}\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| lines.extend(["  ", &format!("{name:<14}"), value, "\n"]);
    line("GraphQL", &format!("{api}/graphql"));
    line("REST login", &format!("{api}/api/login"));
    if config.graphiql {
        line("GraphiQL", &format!("{api}/graphiql"));
    }
    line("database", &config.database_url.to_string());
    let apps: Vec<&str> = config.wechat.apps.iter().map(|app| app.id.as_str()).collect();
    line("mini programs", &apps.join(", "));
    if let Some(emulator) = emulator {
        line("WeChat", &format!("EMULATED at {emulator}"));
        lines.push_str(WARNING);
    }
    lines
}

const WARNING: &str = "
  No mini program is configured, so an emulator replaces WeChat: anyone who reaches this
  address can log in as any user. Log in with the code \"emulator:alice\". For a real mini
  program set WECHAT_APP_ID, WECHAT_APP_SECRET and SECRET_KEY.
";

#[cfg(test)]
mod tests {
    use std::env::VarError;

    use super::*;

    #[test]
    fn banner_warns_of_the_emulator_and_contains_no_secret() {
        let environment = |name: &str| match name {
            "DATABASE_URL" => Ok("postgres://me:hunter2@db/accounts".to_owned()),
            "EMULATOR" => Ok("true".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        let (config, _) = crate::config::read(&environment, None).unwrap();
        let banner = text(&config, "127.0.0.1:8000".parse().unwrap(), Some("http://127.0.0.1:8001"));
        for part in ["http://127.0.0.1:8000/graphiql", "PostgreSQL db/accounts", "EMULATED at http://127.0.0.1:8001"] {
            assert!(banner.contains(part), "{banner}");
        }
        assert!(!banner.contains("hunter2"));
    }
}
