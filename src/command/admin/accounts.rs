//! The commands for accounts: delete, export and merge them, end their sessions, and list the conflicts of unionids.

use std::fmt::Write;

use entity::UserId;

use super::{failed, no_such_user, user_of};
use crate::{
    account::{AccountExport, AccountMerge, Accounts, Refusal, UnionConflict},
    global_id::GlobalId,
    graphql::{DateTime, export},
    public_url::PublicUrl,
};

/// Conflicts that are read at once.
const BATCH: u64 = 200;

pub(super) async fn delete(accounts: &Accounts, user: &str, now: bool) -> Result<String, String> {
    let id = user_of(accounts, user).await?;
    if now {
        let found = accounts.delete_now(id).await.map_err(|error| failed("delete the account", &error))?;
        return if found { Ok(format!("Deleted {user}.")) } else { Err(no_such_user(user)) };
    }
    let deletes_at = accounts.schedule_deletion(id).await.map_err(|error| failed("delete the account", &error))?;
    let deletes_at = DateTime(deletes_at.ok_or_else(|| no_such_user(user))?).to_text();
    Ok(format!("{user} will be deleted at {deletes_at}: until then the user may cancel."))
}

pub(super) async fn end_sessions(accounts: &Accounts, user: &str) -> Result<String, String> {
    let ended = accounts
        .end_sessions_of(user_of(accounts, user).await?)
        .await
        .map_err(|error| failed("end the sessions", &error))?;
    let ended = ended.ok_or_else(|| no_such_user(user))?;
    Ok(format!("Ended {ended} session(s) of {user}."))
}

/// Prints an export. The URL of an uploaded picture begins with `PUBLIC_URL`; without it, only the path is printed.
pub(super) async fn export_json(accounts: &Accounts, user: &str, public_url: Option<String>) -> Result<String, String> {
    let rows = rows_of(accounts, user).await?;
    let public_url = public_url.map(|url| PublicUrl::Configured(url.into()));
    let address =
        |stored: &str| public_url.as_ref().map_or_else(|| stored.to_owned(), |url| url.absolute(stored).into_owned());
    serde_json::to_string_pretty(&export(&rows, address)).map_err(|cause| format!("cannot write the export: {cause}"))
}

pub(super) async fn merge(accounts: &Accounts, from: &str, into: &str, yes: bool) -> Result<String, String> {
    let (from_rows, into_rows) = (rows_of(accounts, from).await?, rows_of(accounts, into).await?);
    if !yes {
        let preview = format!("deleted: {}\nremains: {}", summary(&from_rows), summary(&into_rows));
        return Ok(format!("{preview}\nNothing was changed: repeat the command with --yes."));
    }
    let merged = accounts.merge_users(from_rows.rows.user.id, into_rows.rows.user.id).await;
    match merged.map_err(|error| failed("merge the accounts", &error))? {
        AccountMerge::Done(_) => Ok(format!("Merged {from} into {into}: the account is found by both ids.")),
        AccountMerge::Refused(Refusal::NotActive) => {
            Err("cannot merge an account that is suspended or will be deleted".to_owned())
        }
        AccountMerge::Refused(_) => Err("cannot merge an account with itself or with a deleted one".to_owned()),
    }
}

pub(super) async fn conflicts(accounts: &Accounts) -> Result<String, String> {
    let (mut after, mut lines, mut count) = (None, String::new(), 0);
    loop {
        let page =
            accounts.union_conflicts(after, BATCH).await.map_err(|error| failed("list the conflicts", &error))?;
        let Some((conflicts, last)) = page else { return Ok(format!("{lines}{count} conflict(s).")) };
        for conflict in &conflicts {
            // writing to a String cannot fail
            let _ = writeln!(lines, "{}", line(conflict));
        }
        (after, count) = (Some(last), count + conflicts.len());
    }
}

fn line(conflict: &UnionConflict) -> String {
    let (user, other, since) = (encoded(conflict.user), encoded(conflict.other), DateTime(conflict.since).to_text());
    format!("{user} in {} has the unionid of {other}, since {since}", conflict.app_id)
}

fn summary(export: &AccountExport) -> String {
    let rows = &export.rows;
    let apps = rows.identities.iter().map(|row| row.app_id.as_str()).collect::<Vec<_>>().join(", ");
    let live = rows.sessions.iter().filter(|session| session.is_live(rows.read_at)).count();
    let (created, last) = (DateTime(rows.user.created_at).to_text(), DateTime(rows.user.last_login_at).to_text());
    format!("{}, created {created}, last login {last}, {live} session(s), apps: {apps}", encoded(rows.user.id))
}

async fn rows_of(accounts: &Accounts, user: &str) -> Result<AccountExport, String> {
    let rows =
        accounts.export_of(user_of(accounts, user).await?).await.map_err(|error| failed("read the account", &error))?;
    rows.ok_or_else(|| no_such_user(user))
}

fn encoded(user: UserId) -> String {
    GlobalId::User(user).encode()
}
