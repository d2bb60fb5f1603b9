//! Who asks. A token is looked at only when a resolver needs to know, so that a stale one never stands in the way of a
//! login; and once, however many resolvers ask.

use std::sync::Arc;

use async_graphql::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    account::{Accounts, Client, SignedIn},
    error::{ApiError, Code, Language},
};

/// The caller of a request.
#[derive(Debug)]
pub struct Caller {
    client: Client,
    language: Language,
    token: Option<SecretString>,
    signed_in: OnceCell<Result<Arc<SignedIn>, ApiError>>,
}

impl Caller {
    /// A caller with the bearer token they sent, if any.
    #[must_use]
    pub fn new(client: Client, language: Language, token: Option<SecretString>) -> Self {
        Self { client, language, token, signed_in: OnceCell::new() }
    }
}

/// What resolvers ask of the context.
pub(super) trait ContextExt {
    /// The accounts.
    fn accounts(&self) -> Result<&Accounts, ApiError>;
    /// The same for what outlives the request.
    fn accounts_shared(&self) -> Result<Arc<Accounts>, ApiError>;
    /// The client.
    fn client(&self) -> Result<&Client, ApiError>;
    /// The language the caller reads.
    fn language(&self) -> Result<Language, ApiError>;
    /// The token that was sent, unread.
    fn token(&self) -> Result<&str, ApiError>;
    /// The guard: the caller, who must be signed in.
    async fn signed_in(&self) -> Result<Arc<SignedIn>, ApiError>;
}

impl ContextExt for Context<'_> {
    fn accounts(&self) -> Result<&Accounts, ApiError> {
        self.data_opt::<Arc<Accounts>>().map(AsRef::as_ref).ok_or_else(missing)
    }

    fn accounts_shared(&self) -> Result<Arc<Accounts>, ApiError> {
        self.data_opt::<Arc<Accounts>>().cloned().ok_or_else(missing)
    }

    fn client(&self) -> Result<&Client, ApiError> {
        Ok(&caller(self)?.client)
    }

    fn language(&self) -> Result<Language, ApiError> {
        Ok(caller(self)?.language)
    }

    fn token(&self) -> Result<&str, ApiError> {
        let token = caller(self)?.token.as_ref();
        token.map(ExposeSecret::expose_secret).ok_or_else(|| ApiError::unauthenticated("MISSING"))
    }

    async fn signed_in(&self) -> Result<Arc<SignedIn>, ApiError> {
        let (accounts, token) = (self.accounts()?, self.token()?);
        caller(self)?.signed_in.get_or_init(|| accounts.authenticate(token)).await.clone()
    }
}

fn caller<'a>(context: &Context<'a>) -> Result<&'a Caller, ApiError> {
    context.data_opt::<Caller>().ok_or_else(missing)
}

/// The schema was built or called without what its resolvers need: a fault of ours.
fn missing() -> ApiError {
    Code::InternalServerError.into()
}
