//! Binds telephone numbers to users. The unique key of the index decides between users who bind one number at the same
//! time.

use entity::{PhoneIndex, Sealed, Timestamp, UserId, user};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use super::{ProfileEdit, profile_clear_in};
use crate::store::{
    Store,
    database::{Connection, TransactionEnd},
    feed::{Change, feed_append_in},
};

/// A telephone number in its stored form.
#[derive(Clone, Debug)]
pub struct StoredPhone {
    /// The number, encrypted for its user.
    pub sealed: Sealed,
    /// Its index under each key, newest first. The first one is stored.
    pub indexes: Vec<PhoneIndex>,
}

/// The result of binding a number.
#[derive(Clone, Debug)]
pub enum PhoneBinding {
    /// The user owns the number; and whether the row changed.
    Bound(Box<user::Model>, bool),
    /// The number belongs to another user. Nothing was written.
    Taken,
    /// The user does not exist.
    NoUser,
}

impl Store {
    /// The user who owns a number, by its indexes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn phone_owner(&self, indexes: &[PhoneIndex]) -> Result<Option<user::Model>, DbErr> {
        self.db.one(user::Entity::find().filter(user::Column::PhoneIndex.is_in(indexes.to_vec()))).await
    }

    /// Binds a number to a user, replacing a previous number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn phone_bind(&self, id: UserId, phone: &StoredPhone, now: Timestamp) -> Result<PhoneBinding, DbErr> {
        // read first, so that a number of another user rarely causes a database error
        if self.belongs_to_other(id, phone).await? {
            return Ok(PhoneBinding::Taken);
        }
        let given = phone.clone();
        let bound = self.db.transaction_with_end(move |tx| phone_bind_in(tx, id, given.clone(), now)).await;
        match bound {
            // the error may come from the unique key; not every engine reports that in a readable form, so the owner is
            // read again
            Err(_) if self.belongs_to_other(id, phone).await? => Ok(PhoneBinding::Taken),
            bound => bound,
        }
    }

    async fn belongs_to_other(&self, id: UserId, phone: &StoredPhone) -> Result<bool, DbErr> {
        Ok(self.phone_owner(&phone.indexes).await?.is_some_and(|owner| owner.id != id))
    }

    /// Unbinds a user's number. Returns the updated user, and whether the row changed; `None` if the user does not
    /// exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn phone_unbind(&self, id: UserId, now: Timestamp) -> Result<Option<(user::Model, bool)>, DbErr> {
        self.db.transaction(move |tx| phone_unbind_in(tx, id, now)).await
    }

    /// Users whose encrypted number does not begin with `prefix`, the prefix of the newest key, in the order of their
    /// keys: at most `limit` of those after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn phones_not_sealed_by(
        &self,
        prefix: &[u8],
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<user::Model>, DbErr> {
        let users = user::Entity::find()
            .filter(crate::store::identity::lacks_prefix(user::Column::SealedPhone, prefix))
            .filter(Condition::all().add_option(after.map(|after| user::Column::Id.gt(after))))
            .order_by_asc(user::Column::Id)
            .limit(limit);
        self.db.all(users).await
    }

    /// Writes a re-encrypted number if the row still contains the value that was read. `false` if it does not, or if
    /// the number belongs to another user by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn phone_reseal(&self, read: &user::Model, phone: &StoredPhone) -> Result<bool, DbErr> {
        if self.belongs_to_other(read.id, phone).await? {
            return Ok(false);
        }
        let update = user::Entity::update_many()
            .col_expr(user::Column::SealedPhone, Expr::value(phone.sealed.clone()))
            .col_expr(user::Column::PhoneIndex, Expr::value(phone.indexes.first().cloned()))
            .filter(user::Column::Id.eq(read.id))
            .filter(user::Column::SealedPhone.eq(read.sealed_phone.clone()));
        match self.db.write(&update).await {
            Ok(written) => Ok(written == 1),
            Err(_) if self.belongs_to_other(read.id, phone).await? => Ok(false),
            Err(error) => Err(error),
        }
    }
}

async fn phone_bind_in(
    tx: Connection,
    id: UserId,
    phone: StoredPhone,
    now: Timestamp,
) -> Result<TransactionEnd<PhoneBinding>, DbErr> {
    use user::Column::{Id, PhoneIndex as Index, SealedPhone, UpdatedAt};
    let differs = Condition::any()
        .add(SealedPhone.is_null())
        .add(SealedPhone.ne(phone.sealed.clone()))
        .add(Index.is_null())
        .add(Index.ne(phone.indexes.first().cloned()));
    let update = user::Entity::update_many()
        .col_expr(SealedPhone, Expr::value(phone.sealed))
        .col_expr(Index, Expr::value(phone.indexes.first().cloned()))
        .col_expr(UpdatedAt, Expr::value(now))
        .filter(Id.eq(id))
        .filter(differs);
    let changed = update.exec(&tx).await?.rows_affected > 0;
    // the unique key does not detect an equal number whose index was derived from an older key
    let others = user::Entity::find().filter(Index.is_in(phone.indexes)).filter(Id.ne(id));
    if others.one(&tx).await?.is_some() {
        return Ok(TransactionEnd::RollBack(PhoneBinding::Taken));
    }
    let Some(user) = user::Entity::find_by_id(id).one(&tx).await? else {
        return Ok(TransactionEnd::RollBack(PhoneBinding::NoUser));
    };
    if changed {
        feed_append_in(&tx, id, &[Change::UserChanged], now).await?;
    }
    Ok(TransactionEnd::Commit(PhoneBinding::Bound(Box::new(user), changed)))
}

async fn phone_unbind_in(tx: Connection, id: UserId, now: Timestamp) -> Result<Option<(user::Model, bool)>, DbErr> {
    let changed = profile_clear_in(&tx, id, &ProfileEdit::default(), true, now).await?;
    let user = user::Entity::find_by_id(id).one(&tx).await?;
    Ok(user.map(|user| (user, changed)))
}
