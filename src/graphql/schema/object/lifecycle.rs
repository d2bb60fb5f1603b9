//! The payloads of the mutations that link identities, and merge and delete accounts.

use async_graphql::SimpleObject;
use entity::user;
use secrecy::ExposeSecret;

use super::{super::scalar::DateTime, Identity, User, user_error::UserError};
use crate::{
    account::{AccountMerge, Deletion, IdentityLink, Refusal, SignedIn, viewer},
    error::Language,
};

/// The result of requesting the deletion of the account.
#[derive(SimpleObject)]
pub(in crate::graphql) struct DeleteAccountPayload {
    /// When the account will be deleted; `null` if there are errors.
    deletes_at: Option<DateTime>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of cancelling the deletion of the account.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CancelAccountDeletionPayload {
    /// The caller after the change.
    user: Option<User>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of linking an identity.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LinkIdentityPayload {
    /// The caller.
    user: Option<User>,
    /// The identity that was linked; `null` if there are errors.
    identity: Option<Identity>,
    /// With the error `IDENTITY_TAKEN`: the ticket for `mergeAccounts`. It is a secret, valid once, for ten minutes.
    merge_ticket: Option<String>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of merging two accounts.
#[derive(SimpleObject)]
pub(in crate::graphql) struct MergeAccountsPayload {
    /// The merged account; `null` if there are errors.
    user: Option<User>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

/// The result of unlinking an identity.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UnlinkIdentityPayload {
    /// The caller; `null` if there are errors.
    user: Option<User>,
    /// Errors to show to the user.
    user_errors: Vec<UserError>,
}

impl DeleteAccountPayload {
    pub(in crate::graphql) fn new(deletion: &Deletion, language: Language) -> Self {
        match deletion {
            Deletion::Scheduled(moment) => Self { deletes_at: Some(DateTime(*moment)), user_errors: Vec::new() },
            Deletion::Refused(refusal) => Self { deletes_at: None, user_errors: errors(*refusal, language) },
        }
    }
}

impl CancelAccountDeletionPayload {
    pub(in crate::graphql) fn new(row: user::Model, caller: &SignedIn) -> Self {
        Self { user: Some(own(row, caller)), user_errors: Vec::new() }
    }
}

impl LinkIdentityPayload {
    pub(in crate::graphql) fn new(link: IdentityLink, row: user::Model, caller: &SignedIn, language: Language) -> Self {
        let user_errors = link.refusal().map(|refusal| errors(refusal, language)).unwrap_or_default();
        let (identity, merge_ticket) = match link {
            IdentityLink::Done(row) => (Some(Identity(row)), None),
            IdentityLink::Taken(ticket) => (None, Some(ticket.expose_secret().to_owned())),
        };
        Self { user: Some(own(row, caller)), identity, merge_ticket, user_errors }
    }
}

impl MergeAccountsPayload {
    pub(in crate::graphql) fn new(merge: AccountMerge, caller: &SignedIn, language: Language) -> Self {
        match merge {
            AccountMerge::Done(row) => Self { user: Some(own(row, caller)), user_errors: Vec::new() },
            AccountMerge::Refused(refusal) => Self { user: None, user_errors: errors(refusal, language) },
        }
    }
}

impl UnlinkIdentityPayload {
    pub(in crate::graphql) fn new(user: Result<user::Model, Refusal>, caller: &SignedIn, language: Language) -> Self {
        match user {
            Ok(row) => Self { user: Some(own(row, caller)), user_errors: Vec::new() },
            Err(refusal) => Self { user: None, user_errors: errors(refusal, language) },
        }
    }
}

/// A row as its own user sees it.
fn own(row: user::Model, caller: &SignedIn) -> User {
    let viewer = viewer(&row, caller.session);
    User::new(row.into(), viewer)
}

fn errors(refusal: Refusal, language: Language) -> Vec<UserError> {
    vec![UserError::of_account(refusal, language)]
}
