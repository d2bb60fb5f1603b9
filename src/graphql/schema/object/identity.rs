//! `Identity`: a mini program in which a user has logged in.

use async_graphql::{ID, Object};
use entity::identity;

use super::super::scalar::DateTime;
use crate::global_id::GlobalId;

/// An identity's row.
pub(in crate::graphql) struct Identity(pub(in crate::graphql) identity::Model);

/// The identity of a user in one mini program. Clients cannot read WeChat's id of the user.
#[Object]
impl Identity {
    /// Global id.
    pub(super) async fn id(&self) -> ID {
        GlobalId::Identity(self.0.id).encode().into()
    }

    /// Appid of the mini program.
    async fn app_id(&self) -> &str {
        &self.0.app_id
    }

    /// When the user first logged in there.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
