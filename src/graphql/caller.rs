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

/// The caller of a request. Clones are the same caller.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    language: Language,
    token: Option<SecretString>,
    signed_in: OnceCell<Result<Arc<SignedIn>, ApiError>>,
}

impl Caller {
    /// A caller with the bearer token they sent, if any.
    #[must_use]
    pub fn new(client: Client, language: Language, token: Option<SecretString>) -> Self {
        Self(Arc::new(Inner { client, language, token, signed_in: OnceCell::new() }))
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: Option<SecretString>) -> Self {
        Self::new(self.0.client.clone(), self.0.language, token)
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The language the caller reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// The token that was sent, unread.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.0.token.as_ref()
    }

    /// The guard: who the token speaks for, looked up once.
    pub(super) async fn signed_in(&self, accounts: &Accounts) -> Result<&Arc<SignedIn>, &ApiError> {
        let signed_in = self.0.signed_in.get_or_init(async || match &self.0.token {
            Some(token) => accounts.authenticate(token.expose_secret()).await,
            None => Err(missing_token()),
        });
        signed_in.await.as_ref()
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
        Ok(caller(self)?.client())
    }

    fn language(&self) -> Result<Language, ApiError> {
        Ok(caller(self)?.language())
    }

    fn token(&self) -> Result<&str, ApiError> {
        caller(self)?.token().map(ExposeSecret::expose_secret).ok_or_else(missing_token)
    }

    async fn signed_in(&self) -> Result<Arc<SignedIn>, ApiError> {
        caller(self)?.signed_in(self.accounts()?).await.cloned().map_err(Clone::clone)
    }
}

fn caller<'a>(context: &Context<'a>) -> Result<&'a Caller, ApiError> {
    context.data_opt::<Caller>().ok_or_else(missing)
}

fn missing_token() -> ApiError {
    ApiError::unauthenticated("MISSING")
}

/// The schema was built or called without what its resolvers need: a fault of ours.
fn missing() -> ApiError {
    Code::InternalServerError.into()
}
