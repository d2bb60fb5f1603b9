//! Profiles: reads users, and updates the caller's profile.

mod avatar;
mod content;
mod field_error;
mod locale;
mod metadata;
mod nickname;
mod update;

use std::collections::HashMap;

use entity::{Metadata, UserId, user};

pub use field_error::{FieldError, FieldErrorKind, ProfileField};
pub use update::{ProfileRequest, ProfileUpdate};

use super::Accounts;
use crate::error::{ApiError, Code};

/// Maximum number of ids in one lookup.
const USERS_AT_ONCE: usize = 100;

impl Accounts {
    /// A user by id. The id of a merged user resolves to the surviving user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<user::Model>, ApiError> {
        match self.store.user(id).await? {
            Some(user) => Ok(Some(user)),
            None => Ok(self.store.users_merged(&[id]).await?.pop().map(|(_, survivor)| survivor)),
        }
    }

    /// The users of `ids`, in their order, by one query; `None` for an id without a user. Ids that the query does not
    /// find are looked up among the merged users.
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
        let mut by_id: HashMap<UserId, user::Model> = found.into_iter().map(|user| (user.id, user)).collect();
        let missing: Vec<UserId> = wanted.into_iter().filter(|id| !by_id.contains_key(id)).collect();
        if !missing.is_empty() {
            by_id.extend(self.store.users_merged(&missing).await?);
        }
        Ok(ids.iter().map(|id| by_id.get(id.as_ref()?).cloned()).collect())
    }

    /// The metadata of a user, read by a query shared with concurrent callers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn metadata(&self, user: UserId) -> Result<Option<Metadata>, ApiError> {
        Ok(self.store.user_metadata(user).await?)
    }
}
