//! The caller of a request. The token is checked when the first resolver needs a signed-in caller, so that an expired
//! token does not prevent a login. It is checked only once for all resolvers.

use std::sync::Arc;

use async_graphql::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    account::{Accounts, Client, SignedIn},
    error::{ApiError, Code, Language},
    public_url::PublicUrl,
};

/// The caller of a request. Clones are the same caller.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    language: Language,
    token: Option<SecretString>,
    public_url: PublicUrl,
    signed_in: OnceCell<Result<Arc<SignedIn>, ApiError>>,
}

impl Caller {
    /// A caller with the bearer token they sent, if any.
    #[must_use]
    pub fn new(client: Client, language: Language, token: Option<SecretString>) -> Self {
        Self::with(client, language, token, PublicUrl::default())
    }

    fn with(client: Client, language: Language, token: Option<SecretString>, public_url: PublicUrl) -> Self {
        Self(Arc::new(Inner { client, language, token, public_url, signed_in: OnceCell::new() }))
    }

    /// The same caller with the URL of the server that the client uses.
    #[must_use]
    pub fn at(mut self, public_url: PublicUrl) -> Self {
        match Arc::get_mut(&mut self.0) {
            Some(inner) => inner.public_url = public_url,
            None => self = Self::with(self.0.client.clone(), self.0.language, self.0.token.clone(), public_url),
        }
        self
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: Option<SecretString>) -> Self {
        Self::with(self.0.client.clone(), self.0.language, token, self.0.public_url.clone())
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The URL of the server that the client uses.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.0.public_url
    }

    /// The language the caller reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// The token as it was sent, unchecked.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.0.token.as_ref()
    }

    /// The guard: the user and session of the token, checked once.
    pub(super) async fn signed_in(&self, accounts: &Accounts) -> Result<&Arc<SignedIn>, &ApiError> {
        let signed_in = self.0.signed_in.get_or_init(async || match &self.0.token {
            Some(token) => accounts.authenticate(token.expose_secret()).await,
            None => Err(missing_token()),
        });
        signed_in.await.as_ref()
    }
}

/// The data that resolvers read from the context.
pub(super) trait ContextExt {
    /// The accounts.
    fn accounts(&self) -> Result<&Accounts, ApiError>;
    /// The accounts, for work that outlives the request.
    fn accounts_shared(&self) -> Result<Arc<Accounts>, ApiError>;
    /// The client.
    fn client(&self) -> Result<&Client, ApiError>;
    /// The language the caller reads.
    fn language(&self) -> Result<Language, ApiError>;
    /// The URL of the server that the client uses.
    fn public_url(&self) -> Result<&PublicUrl, ApiError>;
    /// The token as it was sent, unchecked.
    fn token(&self) -> Result<&str, ApiError>;
    /// The guard: the signed-in caller.
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

    fn public_url(&self) -> Result<&PublicUrl, ApiError> {
        Ok(caller(self)?.public_url())
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

/// An internal error: the context does not contain the data of the schema.
fn missing() -> ApiError {
    Code::InternalServerError.into()
}
