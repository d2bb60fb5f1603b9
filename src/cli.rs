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
    /// Do an operator's work on what is stored, then end
    ///
    /// With the settings of the servers; they may go on meanwhile.
    Admin {
        /// What to do.
        #[command(subcommand)]
        work: Admin,
    },
}

/// An operator's work.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Admin {
    /// Encrypt what is stored under the newest key of `SECRET_KEY`
    ///
    /// Run it when every server has the new key first and the old one behind it; nothing stored needs the old one
    /// afterwards. A run that was cut is simply run again. Ends with 1 where something was encrypted under a key that
    /// `SECRET_KEY` does not hold; all else is done then.
    Reseal,
    /// Close an account: end its sessions and let nobody log in to it
    ///
    /// Every server knows of it within a second.
    Suspend {
        /// The user's id, as the API or the log tells it
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Open a suspended account again
    ///
    /// Sessions that ended stay ended: the user logs in anew.
    Reinstate {
        /// The user's id, as the API or the log tells it
        #[arg(value_name = "USER")]
        user: String,
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
    fn an_operators_work_is_named_behind_admin() {
        for line in ["miniaccount admin reseal", "miniaccount admin reseal --config a.toml"] {
            assert_eq!(parse(line).command, Some(Command::Admin { work: Admin::Reseal }), "{line}");
        }
        for line in [
            "miniaccount admin",
            "miniaccount reseal",
            "miniaccount admin unseal",
            "miniaccount admin reseal x",
            "miniaccount admin suspend",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn each_command_has_its_help() {
        for (line, words) in [
            ("miniaccount admin --help", "reseal"),
            ("miniaccount admin reseal --help", "SECRET_KEY"),
            ("miniaccount admin suspend --help", "within a second"),
        ] {
            let help = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(help.kind(), clap::error::ErrorKind::DisplayHelp, "{line}");
            assert!(help.to_string().contains(words), "{help}");
        }
    }

    #[test]
    fn help_explains_every_command_and_setting() {
        let help = Cli::command().render_long_help().to_string();
        let words =
            ["serve", "migrate", "schema", "check-config", "emulator", "admin", "SECRET_KEY", "sessions_per_user"];
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
    }
}
