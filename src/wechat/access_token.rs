//! `POST /cgi-bin/stable_token` in its normal mode: WeChat returns the same access token until less than five minutes
//! of it are left, and then a new one; both are valid for these five minutes. `force_refresh` is never sent: it would
//! invalidate the token that other nodes use.

use std::time::Duration;

use entity::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    App,
    endpoint::{Call, Endpoint},
    error::Failure,
    response::ApiResponse,
};

/// The longest accepted token, in bytes. WeChat's documentation requires space for 512; the database column limits it.
const MAX_TOKEN: usize = 900;
/// The longest accepted lifetime, in seconds.
const MAX_LIFETIME: u64 = 24 * 60 * 60;

/// An access token of an app.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// When the call was sent.
    pub requested_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

pub(super) async fn fetch(endpoint: &Endpoint, app: &App) -> Result<AccessToken, Failure> {
    let secret = app.secret().expose_secret();
    let body = json!({ "grant_type": "client_credential", "appid": app.id(), "secret": secret });
    read(&endpoint.send(app, &Call::post("cgi-bin/stable_token", body.to_string().into())).await?)
}

fn read(response: &ApiResponse) -> Result<AccessToken, Failure> {
    let token = response.text("access_token").unwrap_or_default();
    if !(1..=MAX_TOKEN).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Unreadable("no valid access_token"));
    }
    let lifetime = response.get("expires_in").and_then(seconds).filter(|seconds| (1..=MAX_LIFETIME).contains(seconds));
    let lifetime = lifetime.ok_or(Failure::Unreadable("no valid expires_in"))?;
    let requested_at = response.requested_at;
    Ok(AccessToken { token: token.into(), requested_at, expires_at: requested_at + Duration::from_secs(lifetime) })
}

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
