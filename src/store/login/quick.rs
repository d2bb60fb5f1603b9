//! The usual login, of somebody known who has room for one more session: one statement, where the database can write
//! several tables by one (PostgreSQL). It writes everything or nothing, and nothing where it is not the usual case; the
//! transaction then sees to it.

use entity::user;
use sea_orm::{DbBackend, DbErr, EntityTrait, Statement, Value};

use super::{Known, LoggedIn, Login, steps::new_session};
use crate::store::Store;

/// Nobody else has logged in as this user since they were looked at (a login that waits for another's lock on the row
/// compares anew), no session has to be ended, and the unionid is known as theirs.
const USUAL: &str = "
WITH greeted AS (
    UPDATE users SET last_login_at = GREATEST($1, last_login_at + 1)
    WHERE id = $2 AND last_login_at = $3 AND status = 'ACTIVE'
      AND $4 > (SELECT count(*) FROM (
          SELECT 1 FROM sessions WHERE user_id = $2 AND ended_at IS NULL AND expires_at > $1 LIMIT $4
      ) AS live)
      AND ($5::varchar IS NULL OR NOT EXISTS (
          SELECT 1 FROM sessions WHERE user_id = $2 AND ended_at IS NULL AND expires_at > $1 AND device_id = $5
      ))
      AND ($6::varchar IS NULL OR EXISTS (
          SELECT 1 FROM union_links WHERE open_platform = $7 AND unionid = $6 AND user_id = $2
      ))
    RETURNING *
), keyed AS (
    UPDATE identities SET
        previous_session_key = CASE WHEN session_key_at = $8 THEN session_key ELSE previous_session_key END,
        session_key = $9,
        session_key_at = $10
    FROM greeted WHERE identities.id = $11 AND session_key_at < $10
), opened AS (
    INSERT INTO sessions (id, user_id, identity_id, refresh_generation, device_id, device_name, user_agent, ip_prefix,
        created_at, last_used_at, expires_at)
    SELECT $12, greeted.id, $11, 0, $5, $13, $14, $15, $1, $1, $16 FROM greeted
)
SELECT * FROM greeted";

impl Store {
    /// Writes a login by one statement; `None` where that cannot be done, and nothing was written.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn login_quickly(&self, known: Option<Known>, login: &Login) -> Result<Option<LoggedIn>, DbErr> {
        let (Some(known), DbBackend::Postgres) = (known, self.db.get_database_backend()) else { return Ok(None) };
        let usual = Statement::from_sql_and_values(DbBackend::Postgres, USUAL, values(known, login));
        let user = user::Entity::find().from_raw_sql(usual).one(&self.db).await?;
        Ok(user.map(|user| LoggedIn {
            session: new_session(user.id, known.identity, login),
            user,
            is_new_user: false,
            union_conflict: false,
        }))
    }
}

/// The values of the statement, in their order.
fn values(known: Known, login: &Login) -> [Value; 16] {
    let new = &login.session;
    [
        login.now.into(),
        known.user.into(),
        known.last_login_at.into(),
        i64::from(login.sessions_per_user).into(),
        new.device_id.clone().into(),
        login.unionid.as_ref().map(|unionid| unionid.0.clone()).into(),
        login.open_platform.clone().into(),
        login.replaces_key_of.into(),
        login.session_key.clone().into(),
        login.asked_at.into(),
        known.identity.into(),
        new.id.into(),
        new.device_name.clone().into(),
        new.user_agent.clone().into(),
        new.ip_prefix.clone().into(),
        new.expires_at.into(),
    ]
}
