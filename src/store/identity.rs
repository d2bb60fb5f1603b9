//! Looks up identities. Concurrent lookups by openid are batched into one statement.

mod claim;
mod conflict;
mod link;
mod merge;
mod reseal;
mod ticket;
mod unlink;

pub use claim::ProvenIdentity;
pub use conflict::UnionConflict;
pub use link::Linked;
pub use merge::{Merge, Merged};
pub use reseal::ResealedIdentity;
pub use unlink::{Unlink, Unlinked};

pub(super) use claim::{identity_claim_in, session_key_update_in, union_conflict_upsert_in, union_link_claim_in};
pub(super) use conflict::conflicts_delete_in;
pub(super) use reseal::lacks_prefix;

use std::{collections::HashMap, sync::Arc};

use entity::{IdentityId, OpenId, SessionId, Timestamp, UserId, identity, session, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::SimpleExpr};

use super::{
    Store,
    batcher::{Batcher, padded},
    database::{Connection, Database},
};

/// The unique key of an identity: the mini program and the openid.
pub(super) type IdentityKey = (String, OpenId);

/// An identity with its user; `None` if either does not exist.
pub(super) type IdentityWithUser = Option<(identity::Model, user::Model)>;

/// Reads the identities of concurrent callers by one query for each mini program.
pub(super) fn batcher(db: &Database) -> Batcher<IdentityKey, IdentityWithUser> {
    Batcher::new(db, |db, names| Box::pin(identities_named(db, names)))
}

async fn identities_named(db: Connection, names: Arc<[IdentityKey]>) -> Result<Vec<IdentityWithUser>, DbErr> {
    let mut openids = HashMap::<_, Vec<_>>::new();
    for (app_id, openid) in &*names {
        openids.entry(app_id).or_default().push(openid.clone());
    }
    let mut found = HashMap::new();
    for (app_id, openids) in openids {
        let identities = identity::Entity::find()
            .filter(identity::Column::AppId.eq(app_id))
            .filter(identity::Column::Openid.is_in(padded(openids)))
            .find_also_related(user::Entity);
        let rows = identities.all(&db).await?.into_iter();
        found.extend(
            rows.map(|(identity, user)| ((identity.app_id.clone(), identity.openid.clone()), (identity, user))),
        );
    }
    let of = |name: &IdentityKey| found.get(name).and_then(|(identity, user)| Some((identity.clone(), user.clone()?)));
    Ok(names.iter().map(of).collect())
}

impl Store {
    /// The identity of an openid within a mini program, with its user, by a query shared with concurrent callers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_by_openid(&self, app_id: &str, openid: &OpenId) -> Result<IdentityWithUser, DbErr> {
        self.batchers.identities.submit((app_id.to_owned(), openid.clone())).await
    }

    /// An identity.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity(&self, id: IdentityId) -> Result<Option<identity::Model>, DbErr> {
        self.db.one(identity::Entity::find_by_id(id)).await
    }

    /// An identity, if it belongs to `owner`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_of(&self, owner: UserId, id: IdentityId) -> Result<Option<identity::Model>, DbErr> {
        self.db.one(identity::Entity::find_by_id(id).filter(identity::Column::UserId.eq(owner))).await
    }

    /// The identity that opened a session, live or ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_of_session(&self, session: SessionId) -> Result<Option<identity::Model>, DbErr> {
        self.db.one(identity::Entity::find().filter(opened(session::Entity::find_by_id(session)))).await
    }

    /// The identity that opened a session of `owner`, if the session is live at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_of_live_session(
        &self,
        owner: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<identity::Model>, DbErr> {
        let session = session::Entity::find_by_id(session).filter(session::Column::UserId.eq(owner));
        let identity = identity::Entity::find().filter(opened(session.filter(session::live(now))));
        self.db.one(identity.filter(identity::Column::UserId.eq(owner))).await
    }

    /// The identities of a user, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities_of(&self, owner: UserId) -> Result<Vec<identity::Model>, DbErr> {
        let identities = identity::Entity::find().filter(identity::Column::UserId.eq(owner));
        self.db.all(identities.order_by_asc(identity::Column::Id)).await
    }
}

/// The identities that opened these sessions.
fn opened(sessions: Select<session::Entity>) -> SimpleExpr {
    let mut sessions = sessions.select_only().column(session::Column::IdentityId);
    identity::Column::Id.in_subquery(QuerySelect::query(&mut sessions).take())
}
