//! A call with an access token: its request, and how its response is read.

use std::fmt;

use secrecy::SecretString;

use super::{
    App,
    endpoint::{Call, Endpoint},
    error::Failure,
    response::ApiResponse,
};
use crate::error::ApiError;

/// A call of WeChat's API that returns a `T`. Functions such as `phone_number` create it, and [`super::Wechat::call`]
/// sends it.
pub struct Request<T> {
    call: Call,
    read: fn(&App, &ApiResponse) -> Result<T, Failure>,
}

/// The outcome of a call that WeChat responded to.
#[derive(Debug)]
pub enum CallOutcome<T> {
    /// The result.
    Success(T),
    /// The access token is no longer valid. The call had no effect, and may be sent again with another token.
    TokenRefused(ApiError),
}

impl<T> Request<T> {
    pub(super) fn new(call: Call, read: fn(&App, &ApiResponse) -> Result<T, Failure>) -> Self {
        Self { call, read }
    }

    pub(super) fn name(&self) -> &'static str {
        self.call.path()
    }

    pub(super) async fn send(&self, endpoint: &Endpoint, app: &App, token: &SecretString) -> Result<T, Failure> {
        let call = self.call.clone().with("access_token", token.clone());
        (self.read)(app, &endpoint.send(app, &call).await?)
    }
}

/// Shows only the name of the call: its parameters may be secret.
impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("call", &self.name()).finish_non_exhaustive()
    }
}
