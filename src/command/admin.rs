//! An operator's work on the accounts: opens them, does one thing, closes them, and says what came of it.

use std::error::Error;

use entity::UserId;

use super::Outcome;
use crate::{account::Accounts, cli::Admin, config::Config, error::ApiError, global_id::GlobalId, server};

/// How many identities are resealed between two lines that tell of it.
const RESEALED_BETWEEN_LINES: u64 = 10_000;

/// Does it.
pub(super) async fn run(work: Admin, config: Config) -> Outcome {
    let accounts = server::open(config).await?;
    let outcome = match work {
        Admin::Reseal => reseal(&accounts).await,
        Admin::Suspend { user } => suspend(&accounts, &user).await,
        Admin::Reinstate { user } => reinstate(&accounts, &user).await,
    };
    accounts.store.clone().close().await?;
    println!("{}", outcome?);
    Ok(())
}

/// Seals what is stored under the newest key, and tells what it could not open.
async fn reseal(accounts: &Accounts) -> Result<String, String> {
    let mut told = 0;
    let resealed = accounts.reseal(|identities| {
        if identities >= told + RESEALED_BETWEEN_LINES {
            told = identities;
            tracing::info!(identities, "resealed so far");
        }
    });
    let done = resealed.await.map_err(|error| failed("reseal", &error))?;
    let sentence = format!("Resealed the session keys of {} identities", done.identities);
    if done.unopened > 0 {
        let problem = "open with no value of SECRET_KEY: add the one they need behind the others and run this again, or \
                       leave them, for the next login brings a new session key";
        return Err(format!("{sentence}; those of {} {problem}.", done.unopened));
    }
    Ok(format!("{sentence}: nothing stored needs another key than the newest."))
}

async fn suspend(accounts: &Accounts, user: &str) -> Result<String, String> {
    let id = user_named(user)?;
    let ended = accounts.suspend(id).await.map_err(|error| failed("suspend", &error))?;
    let ended = ended.ok_or_else(|| nobody(user))?;
    Ok(format!("Suspended {user}: {ended} session(s) ended, and nobody logs in to the account."))
}

async fn reinstate(accounts: &Accounts, user: &str) -> Result<String, String> {
    let id = user_named(user)?;
    let found = accounts.reinstate(id).await.map_err(|error| failed("reinstate", &error))?;
    if found { Ok(format!("Reinstated {user}: the user may log in again.")) } else { Err(nobody(user)) }
}

/// A user by their id, as the API tells it or as the log does.
fn user_named(text: &str) -> Result<UserId, String> {
    let id = GlobalId::user(text).or_else(|| text.parse().ok().map(UserId));
    id.ok_or_else(|| format!("`{text}` is no id of a user"))
}

fn nobody(user: &str) -> String {
    format!("there is no user {user}")
}

fn failed(what: &str, error: &ApiError) -> String {
    format!("cannot {what}: {}", error.source().unwrap_or(error))
}
