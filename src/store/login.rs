//! A login in the database: one transaction that finds or creates the user, stores the session key, inserts the session,
//! ends surplus ones, and stores the outcome for repeats of the code. Unique keys decide races between logins.

mod batched;
mod steps;

use std::sync::Arc;

use entity::{IdentityId, SessionId, Timestamp, UnionId, UserId, identity, session, union_link, user};
use sea_orm::{DbErr, EntityTrait};

use super::{
    CodeOutcome, Store,
    code_exchange::code_exchange_store_outcome_in,
    database::{Connection, TransactionEnd},
    feed::feed_append_in,
    identity::{ProvenIdentity, identity_claim_in, session_key_update_in, union_conflict_note_in, union_link_claim_in},
    session::sessions_evict_in,
};
pub(super) use batched::{LoginRow, shared};
use steps::{session_insert_in, touch_last_login_in, user_create_in};

/// Everything a login writes.
#[derive(Clone, Debug)]
pub struct Login {
    /// Who logged in, as WeChat proved it.
    pub identity: ProvenIdentity,
    /// Key of the user, should this be their first login.
    pub new_user: UserId,
    /// The user a first login joins, where their telephone number says so.
    pub joins: Option<UserId>,
    /// Whether somebody who is not known yet becomes a user.
    pub create_user: bool,
    /// The session to open.
    pub session: NewSession,
    /// Live sessions one user may have.
    pub sessions_per_user: u32,
    /// The outcome for repeats of the code; `None` where it is not stored.
    pub code: Option<CodeOutcome>,
}

/// The identity that logs in, where it exists.
#[derive(Clone, Copy, Debug)]
pub struct KnownIdentity {
    /// The identity.
    pub identity: IdentityId,
    /// Whose it is.
    pub user: UserId,
}

impl KnownIdentity {
    /// The keys of an identity.
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

/// The result of a login.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The user.
    pub user: user::Model,
    /// The session that was opened.
    pub session: session::Model,
    /// Whether this login created the user.
    pub is_new_user: bool,
    /// The unionid belongs to another user than the openid does. The two stay separate: merging them is the person's
    /// decision, never a login's.
    pub union_conflict: bool,
}

/// The result of a login that may be refused. Nothing was written where it was.
#[derive(Clone, Debug)]
pub enum LoginOutcome {
    /// The login was written.
    LoggedIn(Box<LoggedIn>),
    /// The account is suspended. A unionid may lead a new identity to such an account, and an account may be suspended
    /// during its login.
    Suspended,
    /// There is no account, and the login does not create one.
    NoAccount,
}

/// The result of one attempt at a login.
enum Attempt {
    Done(LoginOutcome),
    /// A concurrent login created the user or the identity first, or the user or the identity is gone since it was read:
    /// nothing was written.
    LostRace,
}

/// Attempts at a login before it fails because concurrent ones won each race.
const ATTEMPTS: u32 = 5;

impl Store {
    /// Writes a login. `known` is the identity as read before, where there was one. A login that loses a race is run again,
    /// and then finds what the other one created.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login(&self, mut known: Option<KnownIdentity>, login: &Login) -> Result<LoginOutcome, DbErr> {
        for _ in 0..ATTEMPTS {
            let owner = match known {
                Some(known) => Some(known.user),
                None => self.owner_of_new_identity(login).await?,
            };
            if owner.is_none() && !login.create_user {
                return Ok(LoginOutcome::NoAccount);
            }
            let login = Arc::new(login.clone());
            let attempt = self.db.transaction_with_end({
                let login = Arc::clone(&login);
                move |tx| login_in(tx, known, owner, Arc::clone(&login))
            });
            match attempt.await? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::LostRace => {}
            }
            let found = self.identity_by_openid(&login.identity.app_id, &login.identity.openid).await?;
            known = found.map(|(identity, _)| KnownIdentity::of(&identity));
        }
        Err(DbErr::Custom("other logins of the user were faster each time".to_owned()))
    }

    /// Whose login it is where the identity is new: the unionid's owner's, or that of the user it joins.
    async fn owner_of_new_identity(&self, login: &Login) -> Result<Option<UserId>, DbErr> {
        if let Some(unionid) = &login.identity.unionid
            && let Some(owner) = self.union_owner(&login.identity.open_platform, unionid).await?
        {
            return Ok(Some(owner));
        }
        // who is gone by now is not joined
        let Some(joins) = login.joins else { return Ok(None) };
        Ok(self.user(joins).await?.map(|user| user.id))
    }

    /// The owner of a unionid.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn union_owner(&self, open_platform: &str, unionid: &UnionId) -> Result<Option<UserId>, DbErr> {
        let key = (open_platform.to_owned(), unionid.clone());
        Ok(self.db.one(union_link::Entity::find_by_id(key)).await?.map(|link| link.user_id))
    }
}

/// Every login locks the user's row, then the identity's, then the unionid's: two transactions that locked them in
/// different orders would deadlock. So a login that created a user, and finds that the person already is another one, does
/// not switch to that one: it is rolled back.
async fn login_in(
    tx: Connection,
    known: Option<KnownIdentity>,
    owner: Option<UserId>,
    login: Arc<Login>,
) -> Result<TransactionEnd<Attempt>, DbErr> {
    let (is_new_user, owner) = (owner.is_none(), owner.unwrap_or(login.new_user));
    let proven = &login.identity;
    // this row's lock also serialises logins of one user, so that the cap on sessions holds
    let user = if is_new_user {
        Some(user_create_in(&tx, &login).await?)
    } else {
        touch_last_login_in(&tx, owner, login.identity.now).await?
    };
    // the account was deleted, or merged into another one
    let Some(user) = user else { return Ok(TransactionEnd::RollBack(Attempt::LostRace)) };
    if user.status == user::Status::Suspended {
        return Ok(TransactionEnd::RollBack(Attempt::Done(LoginOutcome::Suspended)));
    }
    let identity = if let Some(known) = known {
        Some(known.identity)
    } else {
        let row = identity_claim_in(&tx, proven, owner).await?;
        row.filter(|row| row.user_id == owner).map(|row| row.id)
    };
    let Some(identity) = identity else { return Ok(TransactionEnd::RollBack(Attempt::LostRace)) };
    if !is_new_user && !session_key_update_in(&tx, proven, (identity, owner)).await? {
        return Ok(TransactionEnd::RollBack(Attempt::LostRace));
    }
    let union_owner = union_link_claim_in(&tx, proven, owner).await?;
    let union_conflict = union_owner.is_some_and(|union_owner| union_owner != owner);
    if is_new_user && union_conflict {
        return Ok(TransactionEnd::RollBack(Attempt::LostRace));
    }
    if union_conflict {
        union_conflict_note_in(&tx, proven, identity).await?;
    }
    let session = session_insert_in(&tx, owner, identity, &login).await?;
    let ended = sessions_evict_in(&tx, &session, login.sessions_per_user).await?;
    if let Some(outcome) = &login.code {
        code_exchange_store_outcome_in(&tx, outcome).await?;
    }
    feed_append_in(&tx, owner, &ended, login.identity.now).await?;
    let logged_in = LoggedIn { user, session, is_new_user, union_conflict };
    Ok(TransactionEnd::Commit(Attempt::Done(LoginOutcome::LoggedIn(Box::new(logged_in)))))
}
