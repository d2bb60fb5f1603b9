//! Reads users and their identities.

use std::collections::HashMap;

use entity::{IdentityId, OpenId, UserId, identity, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::{
    Store,
    batch::{Batches, padded, read},
    connections::Connections,
};

/// Whom WeChat names: the mini program and the openid.
pub(super) type Name = (String, OpenId);

/// An identity with its user, where there is one.
pub(super) type Known = Option<(identity::Model, user::Model)>;

/// Reads identities, all that are asked for at the same time by one query for each mini program.
pub(super) fn batches(db: &Connections) -> Batches<Name, Known> {
    let db = db.clone();
    Batches::new(move |names| Box::pin(identities_named(db.clone(), names)))
}

async fn identities_named(db: Connections, names: Vec<Name>) -> Result<Vec<Known>, DbErr> {
    let mut openids = HashMap::<_, Vec<_>>::new();
    for (app_id, openid) in &names {
        openids.entry(app_id).or_default().push(openid.clone());
    }
    let mut found = HashMap::new();
    for (app_id, openids) in openids {
        let identities = identity::Entity::find()
            .filter(identity::Column::AppId.eq(app_id))
            .filter(identity::Column::Openid.is_in(padded(openids)))
            .find_also_related(user::Entity);
        let known = read(|| identities.clone().all(&db)).await?.into_iter();
        found.extend(
            known.map(|(identity, user)| ((identity.app_id.clone(), identity.openid.clone()), (identity, user))),
        );
    }
    let of = |name| found.get(&name).and_then(|(identity, user)| Some((identity.clone(), user.clone()?)));
    Ok(names.into_iter().map(of).collect())
}

impl Store {
    /// The identity an openid names within a mini program, with its user: by a query that serves all who ask at the same
    /// time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_by_openid(&self, app_id: &str, openid: &OpenId) -> Result<Known, DbErr> {
        self.batches.identities.ask((app_id.to_owned(), openid.clone())).await
    }

    /// An identity, where it belongs to `owner`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_of(&self, owner: UserId, id: IdentityId) -> Result<Option<identity::Model>, DbErr> {
        identity::Entity::find_by_id(id).filter(identity::Column::UserId.eq(owner)).one(&self.db).await
    }

    /// The identities of a user, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities_of(&self, owner: UserId) -> Result<Vec<identity::Model>, DbErr> {
        identity::Entity::find()
            .filter(identity::Column::UserId.eq(owner))
            .order_by_asc(identity::Column::Id)
            .all(&self.db)
            .await
    }

    /// A user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>, DbErr> {
        user::Entity::find_by_id(id).one(&self.db).await
    }

    /// Those of `ids` that are users, in no order, by one query.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<user::Model>, DbErr> {
        user::Entity::find().filter(user::Column::Id.is_in(ids.iter().copied())).all(&self.db).await
    }
}
