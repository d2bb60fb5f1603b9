//! The arguments of the command line, and their `--help`. `command` runs the commands.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use crate::config;

/// The account backend for WeChat mini programs: login, sessions and profiles over GraphQL.
///
/// The default command is `serve`. Without settings it also starts a WeChat emulator, so that a mini program or a
/// frontend can be tried on this machine without any configuration.
#[derive(Debug, Parser)]
#[command(name = "miniaccount", version, after_long_help = config::help())]
pub struct Cli {
    /// The settings file; without this option, miniaccount.toml in the working directory if it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The command; `serve` by default.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve requests until SIGTERM or Ctrl-C (the default)
    ///
    /// Migrates an SQLite database first; PostgreSQL and MySQL need `migrate`. After the signal, the
    /// requests in flight are finished.
    #[default]
    Serve,
    /// Migrate the database
    ///
    /// If several servers share a database, run this once before they start.
    Migrate,
    /// Print the GraphQL schema, for tools that generate types from it
    ///
    /// Needs neither settings nor a database.
    Schema,
    /// Explain every problem of the settings
    ///
    /// Starts nothing and connects to nothing. The exit status is 0 if the server would start with these settings,
    /// otherwise 1.
    CheckConfig,
    /// Run the WeChat emulator alone, for tests of other programs
    ///
    /// It lets anyone log in as any user, so it listens only on loopback addresses.
    Emulator {
        /// Address to listen on; port 0 picks a free one and logs it
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001")]
        listen: SocketAddr,
    },
    /// Administer the accounts
    ///
    /// Uses the settings of the servers, which may keep running.
    Admin {
        /// The command.
        #[command(subcommand)]
        command: AdminCommand,
    },
}

/// A command for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum AdminCommand {
    /// Encrypt session keys, phone numbers and access tokens in the database with the newest key of `SECRET_KEY`
    ///
    /// Run it when every server has the new key first and the old one after it. Afterwards the old key can be removed.
    /// An interrupted run can be repeated. The exit status is 1 if a value cannot be decrypted with any key of
    /// `SECRET_KEY`; all other values are encrypted with the newest key even then.
    Reseal,
    /// Suspend an account: end its sessions and refuse its logins
    ///
    /// Takes effect on every server within a second.
    Suspend {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Reinstate a suspended account
    ///
    /// Ended sessions stay ended; the user has to log in again.
    Reinstate {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
    },
    /// End all sessions of an account
    ///
    /// Takes effect on every server within a second. The user may log in again.
    EndSessions {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
    },
    /// Delete an account after the time of `DELETION_GRACE`
    ///
    /// This is the same as a request of the user: the account works until then, and the user may cancel.
    Delete {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
        /// Delete the account and all its data at once; this cannot be undone
        #[arg(long)]
        now: bool,
    },
    /// Print all that is stored about a user, as JSON
    Export {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
    },
    /// List the conflicts of unionids: an identity of one account came with the unionid of another account
    ///
    /// The server does not merge such accounts by itself. If they belong to one person, `merge` makes them one account.
    Conflicts,
    /// Merge two accounts of one person: show a preview, or merge them with --yes
    ///
    /// FROM is deleted, and its sessions end. INTO remains and is found by both ids. It takes over the identities of
    /// FROM, and the parts of the profile that it lacks.
    Merge {
        /// The id of the user that is deleted
        #[arg(value_name = "FROM")]
        from: String,
        /// The id of the user that remains
        #[arg(value_name = "INTO")]
        into: String,
        /// Merge the accounts; this cannot be undone
        #[arg(long)]
        yes: bool,
    },
    /// Grant a role to an account: `admin` can read every account
    ///
    /// Takes effect on every server within a second.
    Grant {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
        /// The role
        #[arg(value_name = "ROLE", ignore_case = true)]
        role: Role,
    },
    /// List nicknames and pictures that were kept although they did not pass WeChat's content check
    ///
    /// Each line has the user's id, the field, WeChat's suggestion (RISKY, REVIEW, or UNCHECKED if it could not be
    /// called), its label, and the date. The oldest accounts come first. An entry is removed when a later value passes.
    Flagged {
        /// List only accounts after this user
        #[arg(long, value_name = "USER")]
        after: Option<String>,
        /// The approximate maximum number of lines, up to 1000
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u64,
    },
    /// Revoke the role of an account: it can read only itself
    ///
    /// Takes effect on every server within a second.
    RevokeRole {
        /// The user's id, in the form of the API or of the log
        #[arg(value_name = "USER")]
        user: String,
    },
}

/// A role to grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Can read every account.
    Admin,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn the_definition_of_the_command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_command() {
        assert_eq!(parse("miniaccount").command.unwrap_or_default(), Command::Serve);
        assert_eq!(parse("miniaccount check-config").command, Some(Command::CheckConfig));
    }

    #[test]
    fn the_settings_file_is_accepted_before_and_after_the_command() {
        for line in ["miniaccount --config a.toml migrate", "miniaccount migrate --config a.toml"] {
            assert_eq!(parse(line).config, Some(PathBuf::from("a.toml")));
        }
    }

    #[test]
    fn the_emulator_listens_on_loopback_by_default() {
        let Some(Command::Emulator { listen }) = parse("miniaccount emulator").command else { panic!("no emulator") };
        assert_eq!(listen, SocketAddr::from(([127, 0, 0, 1], 8001)));
    }

    #[test]
    fn admin_commands_follow_admin_with_all_their_arguments() {
        for line in ["miniaccount admin reseal", "miniaccount admin reseal --config a.toml"] {
            assert_eq!(parse(line).command, Some(Command::Admin { command: AdminCommand::Reseal }), "{line}");
        }
        for line in [
            "miniaccount admin",
            "miniaccount reseal",
            "miniaccount admin unseal",
            "miniaccount admin reseal x",
            "miniaccount admin suspend",
            "miniaccount admin grant u",
            "miniaccount admin grant u user",
            "miniaccount admin revoke-role",
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
            ("miniaccount admin grant --help", "admin"),
            ("miniaccount admin revoke-role --help", "within a second"),
            ("miniaccount admin delete --help", "--now"),
            ("miniaccount admin merge --help", "--yes"),
        ] {
            let help = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(help.kind(), clap::error::ErrorKind::DisplayHelp, "{line}");
            assert!(help.to_string().contains(words), "{help}");
        }
    }

    #[test]
    fn help_lists_every_command_and_the_settings() {
        let help = Cli::command().render_long_help().to_string();
        let words =
            ["serve", "migrate", "schema", "check-config", "emulator", "admin", "SECRET_KEY", "SESSIONS_PER_USER"];
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
    }
}
