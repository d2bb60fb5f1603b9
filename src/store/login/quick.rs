//! The usual login, of somebody known who has room for one more session: many by one statement, where the database can
//! write several tables by one (PostgreSQL). Of each it writes everything or nothing, and nothing where it is not the
//! usual case; the transaction then sees to it.

use std::collections::{HashMap, HashSet};

use entity::user;
use sea_orm::{
    DbErr, FromQueryResult, QueryResult,
    sqlx::{self, Postgres, postgres::PgArguments, query::Query},
};

use super::{Known, LoggedIn, Login, steps::new_session};
use crate::store::{
    Store,
    batch::{Batches, is_refusal},
    connections::{Connections, Shelf, not_read},
};

/// Nobody else has logged in as this user since they were looked at, no session has to be ended, and the unionid is known
/// as theirs. A row somebody else has locked is passed over: no login waits for the user of another one.
const USUAL: &str = "
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::varchar[], $7::varchar[],
        $8::varchar[], $9::varchar[], $10::bigint[], $11::varchar[], $12::varchar[], $13::bytea[], $14::bigint[],
        $15::bigint[])
    AS asked (user_id, identity_id, last_login_at, now, session_id, device_id, device_name, user_agent, ip_prefix,
        expires_at, unionid, open_platform, session_key, asked_at, replaces_key_of)
), welcome AS (
    SELECT asked.* FROM asked JOIN users ON users.id = asked.user_id
    WHERE users.last_login_at = asked.last_login_at AND users.status = 'ACTIVE'
      AND $16 > (SELECT count(*) FROM (
          SELECT 1 FROM sessions
          WHERE sessions.user_id = asked.user_id AND ended_at IS NULL AND sessions.expires_at > now LIMIT $16
      ) AS live)
      AND (asked.device_id IS NULL OR NOT EXISTS (
          SELECT 1 FROM sessions WHERE sessions.user_id = asked.user_id AND ended_at IS NULL
              AND sessions.expires_at > now AND sessions.device_id = asked.device_id
      ))
      AND (asked.unionid IS NULL OR EXISTS (
          SELECT 1 FROM union_links WHERE union_links.open_platform = asked.open_platform
              AND union_links.unionid = asked.unionid AND union_links.user_id = asked.user_id
      ))
    FOR NO KEY UPDATE OF users SKIP LOCKED
), greeted AS (
    UPDATE users SET last_login_at = GREATEST(now, users.last_login_at + 1)
    FROM welcome WHERE users.id = welcome.user_id
    RETURNING users.*
), keyed AS (
    UPDATE identities SET
        previous_session_key = CASE WHEN identities.session_key_at = replaces_key_of
            THEN identities.session_key ELSE identities.previous_session_key END,
        session_key = welcome.session_key,
        session_key_at = asked_at
    FROM welcome WHERE identities.id = welcome.identity_id AND identities.session_key_at < asked_at
), opened AS (
    INSERT INTO sessions (id, user_id, identity_id, refresh_generation, device_id, device_name, user_agent, ip_prefix,
        created_at, last_used_at, expires_at)
    SELECT session_id, user_id, identity_id, 0, device_id, device_name, user_agent, ip_prefix, now, now, expires_at
    FROM welcome
)
SELECT * FROM greeted";

/// A login of somebody known.
pub(in crate::store) type Usual = (Known, Login);

/// Writes logins; `None` for those that are not the usual case.
pub(in crate::store) fn batches(db: &Connections) -> Option<Batches<Usual, Option<user::Model>>> {
    let shelf = db.postgres()?;
    Some(Batches::new(move |logins| Box::pin(greeted(shelf.clone(), logins))))
}

async fn greeted(shelf: Shelf<Postgres>, logins: Vec<Usual>) -> Result<Vec<Option<user::Model>>, DbErr> {
    let mut users = HashSet::new();
    // of two logins of one user the second finds that the first came between
    let first: Vec<_> = logins.iter().filter(|(known, _)| users.insert(known.user)).collect();
    let mut taken = shelf.take().await?;
    let rows = query(&first).fetch_all(taken.connection()).await.map_err(not_read)?;
    taken.put_back();
    let users = rows.into_iter().map(|row| user::Model::from_query_result(&QueryResult::from(row), ""));
    let mut greeted: HashMap<_, _> = users.map(|user| user.map(|user| (user.id, user))).collect::<Result<_, _>>()?;
    Ok(logins.iter().map(|(known, _)| greeted.remove(&known.user)).collect())
}

/// The statement with its values, in their order.
fn query(logins: &[&Usual]) -> Query<'static, Postgres, PgArguments> {
    let usual = sqlx::query(USUAL)
        .bind(column(logins, |known, _| known.user.0))
        .bind(column(logins, |known, _| known.identity.0))
        .bind(column(logins, |known, _| known.last_login_at.0))
        .bind(column(logins, |_, login| login.now.0))
        .bind(column(logins, |_, login| login.session.id.0))
        .bind(column(logins, |_, login| login.session.device_id.clone()))
        .bind(column(logins, |_, login| login.session.device_name.clone()))
        .bind(column(logins, |_, login| login.session.user_agent.clone()))
        .bind(column(logins, |_, login| login.session.ip_prefix.clone()))
        .bind(column(logins, |_, login| login.session.expires_at.0))
        .bind(column(logins, |_, login| login.unionid.as_ref().map(|unionid| unionid.0.clone())))
        .bind(column(logins, |_, login| login.open_platform.clone()))
        .bind(column(logins, |_, login| login.session_key.0.clone()))
        .bind(column(logins, |_, login| login.asked_at.0))
        .bind(column(logins, |_, login| login.replaces_key_of.map(|asked_at| asked_at.0)));
    // the cap is a setting, and one for all
    usual.bind(logins.first().map_or(0, |(_, login)| i64::from(login.sessions_per_user)))
}

/// One value of each login.
fn column<T>(logins: &[&Usual], value: impl Fn(&Known, &Login) -> T) -> Vec<T> {
    logins.iter().map(|(known, login)| value(known, login)).collect()
}

impl Store {
    /// Writes a login by a statement it shares with others; `None` where that cannot be done, and nothing was written.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn login_quickly(&self, known: Option<Known>, login: &Login) -> Result<Option<LoggedIn>, DbErr> {
        let (Some(known), Some(logins)) = (known, &self.batches.logins) else { return Ok(None) };
        let user = match logins.ask((known, login.clone())).await {
            // the fault may be another login's: by itself each is told its own
            Err(error) if is_refusal(&error) => None,
            outcome => outcome?,
        };
        Ok(user.map(|user| LoggedIn {
            session: new_session(user.id, known.identity, login),
            user,
            is_new_user: false,
            union_conflict: false,
        }))
    }
}
