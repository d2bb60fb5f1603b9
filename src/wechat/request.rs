//! A call with an access token: what is sent, and how its answer is read.

use std::fmt;

use secrecy::SecretString;

use super::{
    App,
    answer::Answer,
    endpoint::{Call, Endpoint},
    error::Failure,
};
use crate::error::ApiError;

/// A call of WeChat's API that gives a `T`. The functions of this room make them, such as `phone_number`, and
/// [`super::Wechat::call`] sends them.
pub struct Request<T> {
    call: Call,
    read: fn(&App, &Answer) -> Result<T, Failure>,
}

/// What came of a call.
#[derive(Debug)]
pub enum Called<T> {
    /// The answer.
    Answered(T),
    /// WeChat does not know the access token any more. The call had no effect; with another token it may be sent again.
    TokenRefused(ApiError),
}

impl<T> Request<T> {
    pub(super) fn new(call: Call, read: fn(&App, &Answer) -> Result<T, Failure>) -> Self {
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

/// Tells nothing of what is sent.
impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("call", &self.name()).finish_non_exhaustive()
    }
}
