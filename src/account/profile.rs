//! Users and their identities, as they are looked up; what they may write of themselves is in the files below.

mod avatar;
mod locale;
mod nickname;
mod update;

use std::collections::HashMap;

use entity::{IdentityId, UserId, identity, user};

pub use update::{Fault, Flaw, ProfileField, ProfileRequest, ProfileUpdate};

use super::Accounts;
use crate::error::{ApiError, Code};

/// The most users one request may name.
const USERS_AT_ONCE: usize = 100;

impl Accounts {
    /// A user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>, ApiError> {
        Ok(self.store.user(id).await?)
    }

    /// The users of `ids`, in their order, by one query; `None` stands where an id names nobody.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for more than a hundred ids.
    pub async fn users(&self, ids: &[Option<UserId>]) -> Result<Vec<Option<user::Model>>, ApiError> {
        if ids.len() > USERS_AT_ONCE {
            let detail = format!("At most {USERS_AT_ONCE} ids at once.");
            return Err(ApiError::new(Code::BadUserInput).detail(detail));
        }
        let wanted: Vec<UserId> = ids.iter().copied().flatten().collect();
        if wanted.is_empty() {
            return Ok(vec![None; ids.len()]);
        }
        let found = self.store.users(&wanted).await?;
        let by_id: HashMap<UserId, user::Model> = found.into_iter().map(|user| (user.id, user)).collect();
        Ok(ids.iter().map(|id| by_id.get(id.as_ref()?).cloned()).collect())
    }

    /// An identity of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identity(&self, owner: UserId, id: IdentityId) -> Result<Option<identity::Model>, ApiError> {
        Ok(self.store.identity_of(owner, id).await?)
    }

    /// The identities of a user, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities(&self, owner: UserId) -> Result<Vec<identity::Model>, ApiError> {
        Ok(self.store.identities_of(owner).await?)
    }
}
