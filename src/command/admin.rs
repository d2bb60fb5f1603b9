//! The commands of an administrator. Each opens the accounts, does one thing and prints the result.

mod accounts;

use std::error::Error;

use entity::{UserId, content_flag, user::Role};

use super::CommandResult;
use crate::{
    account::Accounts,
    cli::{self, AdminCommand},
    config::Config,
    error::ApiError,
    global_id::GlobalId,
    graphql::DateTime,
    server,
};

/// Identities between two lines of progress.
const PROGRESS_INTERVAL: u64 = 10_000;

/// Runs the command.
pub(super) async fn run(command: AdminCommand, config: Config) -> CommandResult {
    let public_url = config.public_url.clone();
    let accounts = server::open(config).await?;
    let result = match command {
        AdminCommand::Conflicts => accounts::conflicts(&accounts).await,
        AdminCommand::Delete { user, now } => accounts::delete(&accounts, &user, now).await,
        AdminCommand::EndSessions { user } => accounts::end_sessions(&accounts, &user).await,
        AdminCommand::Export { user } => accounts::export_json(&accounts, &user, public_url).await,
        AdminCommand::Merge { from, into, yes } => accounts::merge(&accounts, &from, &into, yes).await,
        AdminCommand::Reseal => reseal(&accounts).await,
        AdminCommand::Suspend { user } => suspend(&accounts, &user).await,
        AdminCommand::Reinstate { user } => reinstate(&accounts, &user).await,
        AdminCommand::Flagged { after, limit } => flagged(&accounts, after.as_deref(), limit).await,
        AdminCommand::Grant { user, role: cli::Role::Admin } => set_role(&accounts, &user, Role::Admin).await,
        AdminCommand::RevokeRole { user } => set_role(&accounts, &user, Role::User).await,
    };
    accounts.close().await?;
    println!("{}", result?);
    Ok(())
}

/// Encrypts session keys, phone numbers and access tokens with the newest key, and reports those it could not decrypt.
async fn reseal(accounts: &Accounts) -> Result<String, String> {
    let mut reported = 0;
    let resealed = accounts.reseal(|identities| {
        if identities >= reported + PROGRESS_INTERVAL {
            reported = identities;
            tracing::info!(identities, "resealed so far");
        }
    });
    let done = resealed.await.map_err(|error| failed("reseal", &error))?;
    let message =
        format!("Resealed the session keys of {} identities and {} phone numbers", done.identities, done.phones);
    if done.phones_left > 0 {
        let problem = "were not changed: no value of SECRET_KEY decrypts them, or another user has the same number now";
        return Err(format!("{message}; the phone numbers of {} users {problem}.", done.phones_left));
    }
    if done.unopened > 0 {
        let problem = "open with no value of SECRET_KEY: add the one they need after the others and run this again, or \
                       leave them: the next login of these users stores a new session key";
        return Err(format!("{message}; those of {} {problem}.", done.unopened));
    }
    Ok(format!("{message}: nothing stored needs another key than the newest."))
}

async fn flagged(accounts: &Accounts, after: Option<&str>, limit: u64) -> Result<String, String> {
    let after = after.map(user_id).transpose()?;
    let flags = accounts.content_flags(after, limit).await.map_err(|error| failed("list the flags", &error))?;
    let line = |flag: &content_flag::Model| {
        let user = GlobalId::User(flag.user_id).encode();
        let (field, suggestion) = (flag.field.as_str(), flag.suggestion.as_str());
        let label = flag.label.map_or_else(|| "-".to_owned(), |label| label.to_string());
        format!("{user}  {field}  {suggestion}  {label}  {}", DateTime(flag.created_at).to_text())
    };
    let lines: Vec<_> = flags.iter().map(line).collect();
    if lines.is_empty() { Ok("Nothing is flagged.".to_owned()) } else { Ok(lines.join("\n")) }
}

async fn suspend(accounts: &Accounts, user: &str) -> Result<String, String> {
    let id = user_of(accounts, user).await?;
    let ended = accounts.suspend(id).await.map_err(|error| failed("suspend", &error))?;
    let ended = ended.ok_or_else(|| no_such_user(user))?;
    Ok(format!("Suspended {user}: {ended} session(s) ended, and logins to the account are refused."))
}

async fn reinstate(accounts: &Accounts, user: &str) -> Result<String, String> {
    let id = user_of(accounts, user).await?;
    let found = accounts.reinstate(id).await.map_err(|error| failed("reinstate", &error))?;
    if found { Ok(format!("Reinstated {user}: the user may log in again.")) } else { Err(no_such_user(user)) }
}

async fn set_role(accounts: &Accounts, user: &str, role: Role) -> Result<String, String> {
    let id = user_of(accounts, user).await?;
    let found = accounts.set_role(id, role).await.map_err(|error| failed("set the role", &error))?;
    let done = match role {
        Role::Admin => format!("Granted {user} the role admin: the account can read every account."),
        Role::User => format!("Revoked the role of {user}: the account can read only itself."),
    };
    if found { Ok(done) } else { Err(no_such_user(user)) }
}

/// The user with an id; for a merged account, the account that remains.
async fn user_of(accounts: &Accounts, text: &str) -> Result<UserId, String> {
    let found = accounts.user(user_id(text)?).await.map_err(|error| failed("find the account", &error))?;
    found.map(|user| user.id).ok_or_else(|| no_such_user(text))
}

/// Parses the id of a user, in the form of the API or of the log.
fn user_id(text: &str) -> Result<UserId, String> {
    let id = GlobalId::user(text).or_else(|| text.parse().ok().map(UserId));
    id.ok_or_else(|| format!("`{text}` is not the id of a user"))
}

fn no_such_user(user: &str) -> String {
    format!("there is no user {user}")
}

fn failed(action: &str, error: &ApiError) -> String {
    format!("cannot {action}: {}", error.source().unwrap_or(error))
}
