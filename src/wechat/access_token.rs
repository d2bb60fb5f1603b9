//! `POST /cgi-bin/stable_token` in its normal mode: WeChat gives the same access token until less than five minutes of it
//! are left, and then a new one; for these five minutes both are good. `force_refresh`, which would end the one that other
//! nodes use, is never sent.

use std::time::Duration;

use entity::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    App,
    answer::Answer,
    endpoint::{Call, Endpoint},
    error::Failure,
};

/// The longest token taken: twice what WeChat says to leave room for would not fit its column.
const MAX_TOKEN: usize = 900;
/// The longest life believed.
const MAX_LIFE: u64 = 24 * 60 * 60;

/// An access token of an app.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// When WeChat was asked for it.
    pub asked_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

pub(super) async fn fetch(endpoint: &Endpoint, app: &App) -> Result<AccessToken, Failure> {
    let secret = app.secret().expose_secret();
    let body = json!({ "grant_type": "client_credential", "appid": app.id(), "secret": secret });
    read(&endpoint.send(app, &Call::post("cgi-bin/stable_token", body.to_string().into())).await?)
}

fn read(answer: &Answer) -> Result<AccessToken, Failure> {
    let token = answer.text("access_token").unwrap_or_default();
    if !(1..=MAX_TOKEN).contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Unreadable("without a good access token"));
    }
    let life = answer.get("expires_in").and_then(seconds).filter(|life| (1..=MAX_LIFE).contains(life));
    let life = life.ok_or(Failure::Unreadable("without a good time of expiry"))?;
    let asked_at = answer.asked_at;
    Ok(AccessToken { token: token.into(), asked_at, expires_at: asked_at + Duration::from_secs(life) })
}

fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
