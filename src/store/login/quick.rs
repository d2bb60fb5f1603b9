//! The usual login, of somebody known who has room for one more session: many by one statement, where the database can
//! write several tables by one (PostgreSQL). Of each it writes everything or nothing, and nothing where it is not the
//! usual case; the transaction then sees to it.

use std::collections::HashMap;

use entity::{IdentityId, SessionId, user};
use sea_orm::{
    DbErr, FromQueryResult, QueryResult,
    sqlx::{self, Postgres, postgres::PgArguments, query::Query},
};

use super::{LoggedIn, Login, steps::new_session};
use crate::store::{
    Store,
    batch::{Batches, is_refusal},
    connections::{Connections, Shelf},
};

/// The user is found and nobody else logs in as them, no session has to be ended, and the unionid is known as theirs.
/// Whoever logs in changes `last_login_at`: a row that has another one than a moment ago, or that somebody else holds, is
/// passed over. So nobody is counted wrongly, and no login waits for the user of another one.
const USUAL: &str = "
WITH asked AS (
    SELECT * FROM unnest($1::varchar[], $2::varchar[], $3::bigint[], $4::uuid[], $5::varchar[], $6::varchar[],
        $7::varchar[], $8::varchar[], $9::bigint[], $10::varchar[], $11::varchar[], $12::bytea[], $13::bigint[])
    AS asked (app_id, openid, now, session_id, device_id, device_name, user_agent, ip_prefix,
        expires_at, unionid, open_platform, session_key, asked_at)
), known AS MATERIALIZED (
    SELECT DISTINCT ON (users.id) asked.*, identities.id AS identity_id, users.id AS user_id, users.last_login_at
    FROM asked
    JOIN identities ON identities.app_id = asked.app_id AND identities.openid = asked.openid
    JOIN users ON users.id = identities.user_id
), welcome AS (
    SELECT known.* FROM known JOIN users ON users.id = known.user_id
    WHERE users.last_login_at = known.last_login_at AND users.status = 'ACTIVE'
      AND $14 > (SELECT count(*) FROM (
          SELECT 1 FROM sessions
          WHERE sessions.user_id = known.user_id AND ended_at IS NULL AND sessions.expires_at > now LIMIT $14
      ) AS live)
      AND (known.device_id IS NULL OR NOT EXISTS (
          SELECT 1 FROM sessions WHERE sessions.user_id = known.user_id AND ended_at IS NULL
              AND sessions.expires_at > now AND sessions.device_id = known.device_id
      ))
      AND (known.unionid IS NULL OR EXISTS (
          SELECT 1 FROM union_links WHERE union_links.open_platform = known.open_platform
              AND union_links.unionid = known.unionid AND union_links.user_id = known.user_id
      ))
    FOR NO KEY UPDATE OF users SKIP LOCKED
), greeted AS (
    UPDATE users SET last_login_at = GREATEST(now, users.last_login_at + 1)
    FROM welcome WHERE users.id = welcome.user_id
    RETURNING users.*, session_id, identity_id
), keyed AS (
    UPDATE identities SET
        previous_session_key = CASE WHEN identities.session_key = welcome.session_key
            THEN identities.previous_session_key ELSE identities.session_key END,
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

/// Who was logged in, and by what name.
pub(in crate::store) type Greeted = Option<(user::Model, IdentityId)>;

/// Writes logins; `None` for those that are not the usual case.
pub(in crate::store) fn batches(db: &Connections) -> Option<Batches<Login, Greeted>> {
    let shelf = db.postgres()?;
    Some(Batches::new(move |logins| Box::pin(greeted(shelf.clone(), logins))))
}

async fn greeted(shelf: Shelf<Postgres>, logins: Vec<Login>) -> Result<Vec<Greeted>, DbErr> {
    let rows = shelf.fetch_all(query(&logins)).await?;
    let mut greeted = rows.into_iter().map(|row| read(&row.into())).collect::<Result<HashMap<_, _>, _>>()?;
    Ok(logins.iter().map(|login| greeted.remove(&login.session.id)).collect())
}

fn read(row: &QueryResult) -> Result<(SessionId, (user::Model, IdentityId)), DbErr> {
    let user = user::Model::from_query_result(row, "")?;
    Ok((row.try_get("", "session_id")?, (user, row.try_get("", "identity_id")?)))
}

/// The statement with its values, in their order.
fn query(logins: &[Login]) -> Query<'static, Postgres, PgArguments> {
    let usual = sqlx::query(USUAL)
        .bind(column(logins, |login| login.app_id.clone()))
        .bind(column(logins, |login| login.openid.0.clone()))
        .bind(column(logins, |login| login.now.0))
        .bind(column(logins, |login| login.session.id.0))
        .bind(column(logins, |login| login.session.device_id.clone()))
        .bind(column(logins, |login| login.session.device_name.clone()))
        .bind(column(logins, |login| login.session.user_agent.clone()))
        .bind(column(logins, |login| login.session.ip_prefix.clone()))
        .bind(column(logins, |login| login.session.expires_at.0))
        .bind(column(logins, |login| login.unionid.as_ref().map(|unionid| unionid.0.clone())))
        .bind(column(logins, |login| login.open_platform.clone()))
        .bind(column(logins, |login| login.session_key.0.clone()))
        .bind(column(logins, |login| login.asked_at.0));
    // the cap is a setting, and one for all
    usual.bind(logins.first().map_or(0, |login| i64::from(login.sessions_per_user)))
}

/// One value of each login.
fn column<T>(logins: &[Login], value: impl Fn(&Login) -> T) -> Vec<T> {
    logins.iter().map(value).collect()
}

impl Store {
    /// Writes a login by a statement it shares with others; `None` where it is not the usual one, and nothing was
    /// written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_usual(&self, login: &Login) -> Result<Option<LoggedIn>, DbErr> {
        let Some(logins) = &self.batches.logins else { return Ok(None) };
        let greeted = match logins.ask(login.clone()).await {
            // the fault may be another login's: by itself each is told its own
            Err(error) if is_refusal(&error) => None,
            outcome => outcome?,
        };
        Ok(greeted.map(|(user, identity)| LoggedIn {
            session: new_session(user.id, identity, login),
            user,
            is_new_user: false,
            union_conflict: false,
        }))
    }
}
