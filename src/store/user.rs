//! Reads users and their identities.

use entity::{IdentityId, OpenId, UserId, identity, user};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::Store;

impl Store {
    /// The identity an openid names within a mini program, with its user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity_by_openid(
        &self,
        app_id: &str,
        openid: &OpenId,
    ) -> Result<Option<(identity::Model, user::Model)>, DbErr> {
        let found = identity::Entity::find()
            .filter(identity::Column::AppId.eq(app_id))
            .filter(identity::Column::Openid.eq(openid.clone()))
            .find_also_related(user::Entity)
            .one(&self.db)
            .await?;
        Ok(found.and_then(|(identity, user)| Some((identity, user?))))
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
