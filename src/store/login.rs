//! Writes a login: one transaction that finds or creates the user, stores the session key, inserts the session, ends
//! surplus sessions, and stores the outcome for repeats of the code. Unique keys decide races between logins.

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
    identity::{
        ProvenIdentity, identity_claim_in, session_key_update_in, union_conflict_upsert_in, union_link_claim_in,
    },
    session::sessions_evict_in,
};
pub(super) use batched::{LoginRow, shared};
use steps::{session_insert_in, touch_last_login_in, user_create_in};

/// The data of a login.
#[derive(Clone, Debug)]
pub struct Login {
    /// The identity, as WeChat proved it.
    pub identity: ProvenIdentity,
    /// The key of the user, if the login creates one.
    pub new_user: UserId,
    /// The existing user that a new identity joins, determined by the telephone number.
    pub joins: Option<UserId>,
    /// Whether the login may create a user.
    pub create_user: bool,
    /// The session to open.
    pub session: NewSession,
    /// Maximum number of live sessions of one user.
    pub sessions_per_user: u32,
    /// The outcome for repeats of the code; `None` if it is not stored.
    pub code: Option<CodeOutcome>,
}

/// An identity that exists already, with its user.
#[derive(Clone, Copy, Debug)]
pub struct KnownIdentity {
    /// The identity.
    pub identity: IdentityId,
    /// The user of the identity.
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
    /// The client's own identifier of the device: an older session of the user with the same one ends.
    pub device_id: Option<String>,
    /// The human-readable name of the device.
    pub device_name: Option<String>,
    /// `User-Agent` of the login.
    pub user_agent: Option<String>,
    /// Network of the login.
    pub ip_prefix: Option<String>,
    /// When the session expires unless it is refreshed.
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
    /// Whether the unionid belongs to another user than the openid. The two users stay separate: only the person or an
    /// operator merges accounts, never a login.
    pub union_conflict: bool,
}

/// The result of a login. A login that is refused writes nothing.
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
    /// A concurrent login created the user or the identity first, or one of them was deleted since it was read. Nothing
    /// was written.
    LostRace,
}

/// Attempts at a login that loses races against concurrent logins.
const ATTEMPTS: u32 = 5;

impl Store {
    /// Writes a login. `known` is the identity as read before, if it exists. A login that loses a race is run again,
    /// and then finds the rows of the winner.
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
        Err(DbErr::Custom("the login lost every race against concurrent logins".to_owned()))
    }

    /// The user of a new identity: the owner of its unionid, or the user it joins.
    async fn owner_of_new_identity(&self, login: &Login) -> Result<Option<UserId>, DbErr> {
        if let Some(unionid) = &login.identity.unionid
            && let Some(owner) = self.union_owner(&login.identity.open_platform, unionid).await?
        {
            return Ok(Some(owner));
        }
        // a user who was deleted meanwhile is not joined
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

/// Every login locks the rows of user, identity and unionid in this order: two transactions with different orders could
/// deadlock. Therefore a login that has created a user, and finds that the identity or the unionid already has another
/// user, does not switch to that user; it is rolled back and retried.
async fn login_in(
    tx: Connection,
    known: Option<KnownIdentity>,
    owner: Option<UserId>,
    login: Arc<Login>,
) -> Result<TransactionEnd<Attempt>, DbErr> {
    let (is_new_user, owner) = (owner.is_none(), owner.unwrap_or(login.new_user));
    let proven = &login.identity;
    // this row's lock also serialises the logins of one user, so that the maximum number of sessions holds
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
        union_conflict_upsert_in(&tx, proven, identity).await?;
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
