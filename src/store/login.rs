//! A login, as the database sees it: one transaction that finds or makes the user, keeps the session key, opens the
//! session and ends the ones there are too many of. Unique keys decide between logins at the same moment.

mod quick;
mod steps;

use entity::{IdentityId, OpenId, Sealed, SessionId, Timestamp, UnionId, UserId, identity, session, union_link, user};
use sea_orm::{DbErr, EntityTrait};

use super::{
    Store,
    feed::feed_append_in,
    transaction::{ATTEMPTS, is_conflict},
};
pub(super) use quick::{Greeted, batches};
use steps::{
    identity_claim_in, new_user, session_key_keep_in, session_open_in, sessions_cap_in, union_join_in, user_greet_in,
};

/// Everything a login writes.
#[derive(Clone, Debug)]
pub struct Login {
    /// The mini program.
    pub app_id: String,
    /// Scope of its unionids.
    pub open_platform: String,
    /// Who logged in.
    pub openid: OpenId,
    /// The same person across mini programs, where WeChat told.
    pub unionid: Option<UnionId>,
    /// WeChat's session key, encrypted.
    pub session_key: Sealed,
    /// When WeChat was asked: orders the keys of logins that overtake each other.
    pub asked_at: Timestamp,
    /// Key of the user, should this be their first login.
    pub new_user: UserId,
    /// Key of the identity, should it be new.
    pub new_identity: IdentityId,
    /// The session to open.
    pub session: NewSession,
    /// Live sessions one user may have.
    pub sessions_per_user: u32,
    /// The present moment.
    pub now: Timestamp,
}

/// Who logs in, where they have been here before.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The identity.
    pub identity: IdentityId,
    /// Whose it is.
    pub user: UserId,
}

impl Known {
    /// Whom an identity names.
    #[must_use]
    pub fn of(identity: &identity::Model) -> Self {
        Self { identity: identity.id, user: identity.user_id }
    }
}

/// A session to open.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its key.
    pub id: SessionId,
    /// The client's own name for the device: an older session of the user with the same name ends.
    pub device_id: Option<String>,
    /// The device as a person would call it.
    pub device_name: Option<String>,
    /// `User-Agent` of the login.
    pub user_agent: Option<String>,
    /// Network of the login.
    pub ip_prefix: Option<String>,
    /// When it ends unless refreshed.
    pub expires_at: Timestamp,
}

/// What a login came to.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The user.
    pub user: user::Model,
    /// The session that was opened.
    pub session: session::Model,
    /// Whether this login made the user.
    pub is_new_user: bool,
    /// The unionid belongs to another user than the openid does. The two are left apart: joining them is a decision
    /// for the person, never for a login.
    pub union_conflict: bool,
}

/// Why an attempt at a login wrote nothing.
enum Stop {
    /// The database failed, or undid it in favour of another transaction.
    Failed(DbErr),
    /// A parallel login has made the user or the identity meanwhile.
    Overtaken,
    /// An operator has closed the account.
    Suspended,
}

impl From<DbErr> for Stop {
    fn from(error: DbErr) -> Self {
        Self::Failed(error)
    }
}

impl Store {
    /// Writes a login. `known` is the identity as read before, where there was one. A login that another one overtakes
    /// is run again, and then finds what the other one has made.
    ///
    /// `None` where an operator has closed the account: nothing was written then. A unionid may lead a new identity to
    /// such an account, and one may be closed while its login is under way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login(&self, mut known: Option<Known>, login: &Login) -> Result<Option<LoggedIn>, DbErr> {
        let mut attempt = 1;
        loop {
            match self.login_once(known, login).await {
                Ok(logged_in) => return Ok(Some(logged_in)),
                Err(Stop::Suspended) => return Ok(None),
                Err(Stop::Failed(error)) if attempt == ATTEMPTS || !is_conflict(&error) => return Err(error),
                Err(Stop::Overtaken) if attempt == ATTEMPTS => {
                    return Err(DbErr::Custom("other logins of the user were faster each time".to_owned()));
                }
                Err(_) => attempt += 1,
            }
            let found = self.identity_by_openid(&login.app_id, &login.openid).await?;
            known = found.map(|(identity, _)| Known::of(&identity));
        }
    }

    /// Locks the user's row, then the identity's, then the unionid's, whoever logs in how: two transactions that took
    /// them in different orders would wait for each other in a circle. So one that made a user, and finds that it
    /// should have been somebody else, does not go on with theirs: it is undone.
    async fn login_once(&self, known: Option<Known>, login: &Login) -> Result<LoggedIn, Stop> {
        let owner = match known {
            Some(known) => Some(known.user),
            None => self.union_owner(login).await?,
        };
        let (is_new_user, owner) = (owner.is_none(), owner.unwrap_or(login.new_user));
        let tx = self.begin().await?;
        if is_new_user {
            user::Entity::insert(new_user(login)).exec_without_returning(&tx).await?;
        }
        // this row's lock also puts parallel logins of one user in a row, so that the cap on sessions holds
        let user = user_greet_in(&tx, owner, login.now).await?;
        if user.status == user::Status::Suspended {
            return Err(Stop::Suspended);
        }
        let identity = match known {
            Some(known) => known.identity,
            None => identity_claim_in(&tx, login, owner).await?,
        };
        if !is_new_user {
            session_key_keep_in(&tx, identity, login).await?;
        }
        let union_conflict = match &login.unionid {
            Some(unionid) => union_join_in(&tx, login, unionid, owner).await? != owner,
            None => false,
        };
        if is_new_user && union_conflict {
            return Err(Stop::Overtaken);
        }
        let session = session_open_in(&tx, owner, identity, login).await?;
        let ended = sessions_cap_in(&tx, &session, login).await?;
        feed_append_in(&tx, owner, &ended, login.now).await?;
        tx.commit().await?;
        Ok(LoggedIn { user, session, is_new_user, union_conflict })
    }

    /// Whose the unionid is, where WeChat told one.
    async fn union_owner(&self, login: &Login) -> Result<Option<UserId>, DbErr> {
        let Some(unionid) = &login.unionid else { return Ok(None) };
        let key = (login.open_platform.clone(), unionid.clone());
        Ok(union_link::Entity::find_by_id(key).one(&self.db).await?.map(|link| link.user_id))
    }
}
