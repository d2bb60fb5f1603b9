//! Writes many logins by one statement, on a database that can write several tables by one (PostgreSQL): logins of
//! known and of new users, and the end of surplus sessions. It follows the rules of the transaction, and leaves rare
//! cases and races between logins of one person to it: each login is written completely or not at all.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use entity::{IdentityId, SessionId, user};
use sea_orm::{
    DbErr, FromQueryResult, QueryResult,
    sqlx::{
        self, Encode, Postgres, Type,
        postgres::{PgArguments, PgHasArrayType},
        query::Query,
    },
};
use uuid::Uuid;

use super::{LoggedIn, Login, steps::new_session};
use crate::store::{
    Store,
    batcher::Batcher,
    database::{Connection, Database},
    shared_statement::SharedStatement,
};

/// The statement, which its own comments explain.
const LOG_IN: &str = include_str!("batched.sql");

/// How long logins are collected for a batch. A third of the statement's cost is fixed (measured: 150 of 450 µs with
/// two logins), and the call to WeChat takes twenty times as long as this delay.
const GATHER: Duration = Duration::from_millis(2);

/// A login that the statement wrote.
#[derive(Debug)]
pub(in crate::store) struct LoginRow {
    user: user::Model,
    identity: IdentityId,
}

/// The batched statement; its result is `None` for logins that are left to the transaction.
pub(in crate::store) fn shared(db: &Database) -> SharedStatement<Login, Option<LoginRow>> {
    SharedStatement::on_postgres(db, || Batcher::gathering(db, GATHER, |db, logins| Box::pin(log_in(db, logins))))
}

async fn log_in(db: Connection, logins: Arc<[Login]>) -> Result<Vec<Option<LoginRow>>, DbErr> {
    let rows = db.fetch_postgres(query(&first_of_each_person(&logins))).await?;
    let mut written = rows.into_iter().map(|row| read(&row.into())).collect::<Result<HashMap<_, _>, _>>()?;
    Ok(logins.iter().map(|login| take_row(&mut written, login)).collect())
}

/// A user, and the identity if the user existed before.
type Written = (user::Model, Option<IdentityId>);

/// Reads a row: the key of the session or of the new user, and what was written.
fn read(row: &QueryResult) -> Result<(Uuid, Written), DbErr> {
    let user = user::Model::from_query_result(row, "")?;
    let session: Option<SessionId> = row.try_get("", "session_id")?;
    Ok((session.map_or(user.id.0, |id| id.0), (user, row.try_get("", "identity_id")?)))
}

fn take_row(written: &mut HashMap<Uuid, Written>, login: &Login) -> Option<LoginRow> {
    let (user, identity) = written.remove(&login.session.id.0).or_else(|| written.remove(&login.new_user.0))?;
    Some(LoginRow { user, identity: identity.unwrap_or(login.identity.new_identity) })
}

/// Keeps the first login of each person only, because the statement does not see its own writes.
fn first_of_each_person(logins: &[Login]) -> Vec<&Login> {
    let (mut openids, mut unionids) = (HashSet::new(), HashSet::new());
    let named = logins.iter().filter(|login| {
        let unionid = login.identity.unionid.as_ref();
        openids.insert((&login.identity.app_id, &login.identity.openid))
            & unionid.is_none_or(|unionid| unionids.insert((&login.identity.open_platform, unionid)))
    });
    named.collect()
}

/// The statement with its parameters.
fn query(logins: &[&Login]) -> Query<'static, Postgres, PgArguments> {
    let columns = Columns { query: sqlx::query(LOG_IN), logins }
        .bind(|login| login.identity.app_id.clone())
        .bind(|login| login.identity.openid.0.clone())
        .bind(|login| login.identity.open_platform.clone())
        .bind(|login| login.identity.unionid.as_ref().map(|unionid| unionid.0.clone()))
        .bind(|login| login.identity.session_key.0.clone())
        .bind(|login| login.identity.asked_at.0)
        .bind(|login| login.identity.now.0)
        .bind(|login| login.new_user.0)
        .bind(|login| login.identity.new_identity.0)
        .bind(|login| login.session.id.0)
        .bind(|login| login.session.device_id.clone())
        .bind(|login| login.session.device_name.clone())
        .bind(|login| login.session.user_agent.clone())
        .bind(|login| login.session.ip_prefix.clone())
        .bind(|login| login.session.expires_at.0)
        .bind(|login| login.code.as_ref().map(|code| code.claim.code.0.clone()))
        .bind(|login| login.code.as_ref().map(|code| code.claim.until.0))
        .bind(|login| login.code.as_ref().map(|code| code.sealed.0.clone()))
        .bind(|login| login.code.as_ref().map(|code| code.until.0));
    // the maximum number of sessions is a setting, and equal for all logins
    columns.query.bind(logins.first().map_or(1, |login| i64::from(login.sessions_per_user.max(1))))
}

/// Binds one array after the other to a query, each with one value for each login.
struct Columns<'a> {
    query: Query<'static, Postgres, PgArguments>,
    logins: &'a [&'a Login],
}

impl Columns<'_> {
    fn bind<T>(self, value: impl Fn(&Login) -> T) -> Self
    where
        T: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType + 'static,
    {
        let column: Vec<T> = self.logins.iter().map(|login| value(login)).collect();
        Self { query: self.query.bind(column), ..self }
    }
}

impl Store {
    /// Writes a login in a batch; `None` if it is left to the transaction and nothing was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_batched(&self, login: &Login) -> Result<Option<LoggedIn>, DbErr> {
        let written = self.batchers.logins.submit(login.clone()).await?.flatten();
        Ok(written.map(|LoginRow { user, identity }| LoggedIn {
            session: new_session(user.id, identity, login),
            is_new_user: user.id == login.new_user,
            user,
            union_conflict: false,
        }))
    }
}
