//! A login, as the database sees it: one transaction that finds or makes the user, keeps the session key, opens the
//! session and ends the ones there are too many of. Unique keys decide between logins at the same moment.

use entity::{
    IdentityId, OpenId, Sealed, SessionId, Timestamp, UnionId, UserId, identity,
    session::{self, EndReason, live},
    union_link, user,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, IntoCondition},
};

use super::{
    Store,
    feed::{Change, feed_append_in},
    session::{endings, sessions_end_in},
    transaction::{ATTEMPTS, is_conflict},
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
    /// Whether it differs from the key held before, which is then kept as the previous one.
    pub session_key_rotated: bool,
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
    pub async fn login(
        &self,
        mut known: Option<(IdentityId, UserId)>,
        login: &Login,
    ) -> Result<Option<LoggedIn>, DbErr> {
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
            known = found.map(|(identity, user)| (identity.id, user.id));
        }
    }

    /// Locks the user's row, then the identity's, then the unionid's, whoever logs in how: two transactions that took
    /// them in different orders would wait for each other in a circle. So one that made a user, and finds that it
    /// should have been somebody else, does not go on with theirs: it is undone.
    async fn login_once(&self, known: Option<(IdentityId, UserId)>, login: &Login) -> Result<LoggedIn, Stop> {
        let owner = match known {
            Some((_, user)) => Some(user),
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
            Some((identity, _)) => identity,
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

/// Puts the identity under its unique key, unless one of the same user stands there. Who was first is told by reading
/// back what does: the number of rows an insert reports for a row that was there already differs between databases.
async fn identity_claim_in(tx: &DatabaseTransaction, login: &Login, owner: UserId) -> Result<IdentityId, Stop> {
    identity::Entity::insert(new_identity(login, owner))
        .on_conflict_do_nothing_on([identity::Column::AppId, identity::Column::Openid])
        .exec_without_returning(tx)
        .await?;
    let identity = identity::Entity::find()
        .filter(identity::Column::AppId.eq(&login.app_id))
        .filter(identity::Column::Openid.eq(login.openid.clone()))
        .one(tx)
        .await?;
    identity.filter(|identity| identity.user_id == owner).map(|identity| identity.id).ok_or(Stop::Overtaken)
}

/// Joins a unionid to `user` unless it belongs to somebody already, and tells whose it is.
async fn union_join_in(
    tx: &DatabaseTransaction,
    login: &Login,
    unionid: &UnionId,
    user: UserId,
) -> Result<UserId, DbErr> {
    let link = union_link::ActiveModel {
        open_platform: Set(login.open_platform.clone()),
        unionid: Set(unionid.clone()),
        user_id: Set(user),
        created_at: Set(login.now),
    };
    union_link::Entity::insert(link)
        .on_conflict_do_nothing_on([union_link::Column::OpenPlatform, union_link::Column::Unionid])
        .exec_without_returning(tx)
        .await?;
    let link = union_link::Entity::find_by_id((login.open_platform.clone(), unionid.clone())).one(tx).await?;
    link.map(|link| link.user_id).ok_or_else(|| DbErr::RecordNotFound("the unionid just written".to_owned()))
}

/// Notes the login in the user's row, and reads it.
async fn user_greet_in(tx: &DatabaseTransaction, id: UserId, now: Timestamp) -> Result<user::Model, DbErr> {
    user::Entity::update_many()
        .col_expr(user::Column::LastLoginAt, Expr::value(now))
        .filter(user::Column::Id.eq(id))
        .exec(tx)
        .await?;
    let user = user::Entity::find_by_id(id).one(tx).await?;
    user.ok_or_else(|| DbErr::RecordNotFound("the user who logs in".to_owned()))
}

/// Keeps the session key, unless a login that asked WeChat later has kept its own.
async fn session_key_keep_in(tx: &DatabaseTransaction, id: IdentityId, login: &Login) -> Result<(), DbErr> {
    use identity::Column::{Id, PreviousSessionKey, SessionKey, SessionKeyAt};
    let mut update = identity::Entity::update_many().filter(Id.eq(id)).filter(SessionKeyAt.lt(login.asked_at));
    if login.session_key_rotated {
        // before the key itself: MySQL assigns from left to right
        update = update.col_expr(PreviousSessionKey, Expr::col(SessionKey));
    }
    update
        .col_expr(SessionKey, Expr::value(login.session_key.clone()))
        .col_expr(SessionKeyAt, Expr::value(login.asked_at))
        .exec(tx)
        .await
        .map(drop)
}

async fn session_open_in(
    tx: &DatabaseTransaction,
    user: UserId,
    identity: IdentityId,
    login: &Login,
) -> Result<session::Model, DbErr> {
    let new = &login.session;
    let session = session::Model {
        id: new.id,
        user_id: user,
        identity_id: identity,
        refresh_generation: 0,
        device_id: new.device_id.clone(),
        device_name: new.device_name.clone(),
        user_agent: new.user_agent.clone(),
        ip_prefix: new.ip_prefix.clone(),
        created_at: login.now,
        last_used_at: login.now,
        expires_at: new.expires_at,
        ended_at: None,
        end_reason: None,
    };
    let row = session::ActiveModel::from(session.clone()).reset_all();
    session::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(session)
}

/// Ends the older sessions of the same device, and the oldest ones beyond the cap.
async fn sessions_cap_in(
    tx: &DatabaseTransaction,
    opened: &session::Model,
    login: &Login,
) -> Result<Vec<Change>, DbErr> {
    let (owner, now) = (opened.user_id, login.now);
    let others = session::Column::Id.ne(opened.id);
    let mut changes = Vec::new();
    if let Some(device) = &opened.device_id {
        let same_device = others.clone().and(session::Column::DeviceId.eq(device)).into_condition();
        let ended = sessions_end_in(tx, owner, same_device, EndReason::Replaced, now).await?;
        changes.extend(endings(&ended, EndReason::Replaced));
    }
    let surplus: Vec<SessionId> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::UserId.eq(owner))
        .filter(others)
        .filter(live(now))
        .order_by_desc(session::Column::Id)
        .offset(u64::from(login.sessions_per_user.saturating_sub(1)))
        // one login makes one too many; a cap that was lowered makes more
        .limit(100)
        .into_tuple()
        .all(tx)
        .await?;
    if !surplus.is_empty() {
        let surplus = session::Column::Id.is_in(surplus).into_condition();
        let ended = sessions_end_in(tx, owner, surplus, EndReason::Evicted, now).await?;
        changes.extend(endings(&ended, EndReason::Evicted));
    }
    Ok(changes)
}

fn new_user(login: &Login) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(login.new_user),
        nickname: Set(None),
        avatar_url: Set(None),
        locale: Set(None),
        phone_number: Set(None),
        status: Set(user::Status::Active),
        role: Set(user::Role::User),
        created_at: Set(login.now),
        updated_at: Set(login.now),
        last_login_at: Set(login.now),
    }
}

fn new_identity(login: &Login, user: UserId) -> identity::ActiveModel {
    identity::ActiveModel {
        id: Set(login.new_identity),
        user_id: Set(user),
        app_id: Set(login.app_id.clone()),
        openid: Set(login.openid.clone()),
        session_key: Set(login.session_key.clone()),
        session_key_at: Set(login.asked_at),
        previous_session_key: Set(None),
        created_at: Set(login.now),
    }
}
