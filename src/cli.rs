//! The command line: what it accepts and how it explains itself. What the commands do is elsewhere.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::config::table;

/// The account backend for WeChat mini programs: login, sessions and profiles over GraphQL.
///
/// Started without a command, it serves. Started without settings too, it plays WeChat itself, so that a mini
/// program or a frontend can be tried at once on this machine.
#[derive(Debug, Parser)]
#[command(name = "miniaccount", version, after_long_help = table::help())]
pub struct Cli {
    /// The settings file; without this option, miniaccount.toml in the working directory if it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do; serve when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Answer requests until told to stop (this is the default)
    ///
    /// Brings an SQLite database up to date first; PostgreSQL and MySQL need `migrate`. On SIGTERM or Ctrl-C it finishes the requests it has, then ends.
    #[default]
    Serve,
    /// Bring the database up to date, then end
    ///
    /// For several servers on one database: run this once before they start.
    Migrate,
    /// Print the GraphQL schema, for tools that generate types from it
    ///
    /// Needs neither settings nor a database.
    Schema,
    /// Explain everything that is wrong with the settings
    ///
    /// Starts nothing and connects to nothing. Ends with 0 when the server would start with these settings, else
    /// with 1.
    CheckConfig,
    /// Play WeChat's API alone, for tests of other programs
    ///
    /// It logs in whoever asks, so keep it on this machine.
    Emulator {
        /// Address to listen on; port 0 picks a free one and logs it
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001")]
        listen: SocketAddr,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_what_happens_when_nothing_is_said() {
        assert_eq!(parse("miniaccount").command.unwrap_or_default(), Command::Serve);
        assert_eq!(parse("miniaccount check-config").command, Some(Command::CheckConfig));
    }

    #[test]
    fn the_file_can_be_named_before_and_after_the_command() {
        for line in ["miniaccount --config a.toml migrate", "miniaccount migrate --config a.toml"] {
            assert_eq!(parse(line).config, Some(PathBuf::from("a.toml")));
        }
    }

    #[test]
    fn the_emulator_stays_on_this_machine_unless_told_otherwise() {
        let Some(Command::Emulator { listen }) = parse("miniaccount emulator").command else { panic!("no emulator") };
        assert_eq!(listen, SocketAddr::from(([127, 0, 0, 1], 8001)));
    }

    #[test]
    fn help_explains_every_command_and_setting() {
        let help = Cli::command().render_long_help().to_string();
        let words = ["serve", "migrate", "schema", "check-config", "emulator", "SECRET_KEY", "sessions_per_user"];
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
    }
}
