//! The access tokens of mini programs: read by all nodes, renewed by one at a time. Each step is one conditional
//! statement that decides between nodes; no transaction is open while WeChat is called.

use entity::{
    Sealed, Timestamp,
    access_token::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, sea_query::Expr};

use super::Store;

/// A claim to renew the token of a mini program. Another node may take it over after it has expired.
#[derive(Clone, Debug)]
pub struct RenewalClaim {
    /// The mini program.
    pub app_id: String,
    /// When it expires.
    pub until: Timestamp,
}

impl Store {
    /// The stored token of a mini program.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token(&self, app_id: &str) -> Result<Option<Model>, DbErr> {
        self.db.one(Entity::find_by_id(app_id)).await
    }

    /// Claims the renewal of the token that was `read`; `false` if another node is renewing it or has renewed it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token_claim(
        &self,
        read: Option<&Model>,
        claim: &RenewalClaim,
        now: Timestamp,
    ) -> Result<bool, DbErr> {
        if read.is_none() {
            self.insert_row_if_absent(&claim.app_id).await?;
        }
        let expires_at = read.map_or(Timestamp(0), |read| read.expires_at);
        let is_free = Condition::any().add(Column::RenewingUntil.is_null()).add(Column::RenewingUntil.lte(now));
        let update = Entity::update_many()
            .col_expr(Column::RenewingUntil, Expr::value(claim.until))
            .filter(Column::AppId.eq(&claim.app_id))
            .filter(Column::ExpiresAt.eq(expires_at))
            .filter(is_free);
        Ok(self.db.write(&update).await? == 1)
    }

    /// Inserts an empty row, to which claims are written, unless the row exists.
    async fn insert_row_if_absent(&self, app_id: &str) -> Result<(), DbErr> {
        let row = ActiveModel {
            app_id: Set(app_id.to_owned()),
            sealed_token: Set(None),
            expires_at: Set(Timestamp(0)),
            renewing_until: Set(None),
        };
        self.db
            .run(move |db| {
                let insert = Entity::insert(row.clone()).on_conflict_do_nothing_on([Column::AppId]);
                async move { insert.exec_without_returning(&db).await.map(drop) }
            })
            .await
    }

    /// Stores the token of a claim; `false` if another node has taken the claim over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token_store(
        &self,
        claim: &RenewalClaim,
        sealed: &Sealed,
        expires_at: Timestamp,
    ) -> Result<bool, DbErr> {
        let update = Entity::update_many()
            .col_expr(Column::SealedToken, Expr::value(sealed.clone()))
            .col_expr(Column::ExpiresAt, Expr::value(expires_at))
            .col_expr(Column::RenewingUntil, Expr::value(None::<Timestamp>))
            .filter(Column::AppId.eq(&claim.app_id))
            .filter(Column::RenewingUntil.eq(claim.until));
        Ok(self.db.write(&update).await? == 1)
    }

    /// The tokens of all mini programs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_tokens(&self) -> Result<Vec<Model>, DbErr> {
        self.db.all(Entity::find()).await
    }

    /// Writes a re-encrypted token if the row still contains the value that was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token_reseal(&self, read: &Model, sealed: &Sealed) -> Result<bool, DbErr> {
        let update = Entity::update_many()
            .col_expr(Column::SealedToken, Expr::value(sealed.clone()))
            .filter(Column::AppId.eq(&read.app_id))
            .filter(Column::SealedToken.eq(read.sealed_token.clone()));
        Ok(self.db.write(&update).await? == 1)
    }

    /// Releases a claim, so that any node may renew the token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token_release(&self, claim: &RenewalClaim) -> Result<bool, DbErr> {
        let update = Entity::update_many()
            .col_expr(Column::RenewingUntil, Expr::value(None::<Timestamp>))
            .filter(Column::AppId.eq(&claim.app_id))
            .filter(Column::RenewingUntil.eq(claim.until));
        Ok(self.db.write(&update).await? == 1)
    }
}
