//! The issued access tokens. Each lives for 7200 seconds; a call gets the same token until less than five minutes are
//! left.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Timestamp;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::random;

const LIFETIME: Duration = Duration::from_hours(2);
/// If a token has less than this left, the next call issues a new one, and both are valid.
const OVERLAP: Duration = Duration::from_mins(5);
/// Stored tokens: enough for the apps of any test.
const CAPACITY: usize = 1000;

/// The issued tokens, with the expired ones, because WeChat distinguishes an expired token from an unknown one.
#[derive(Default)]
pub(super) struct AccessTokens(VecDeque<Issued>);

struct Issued {
    app_id: String,
    token: String,
    expires: Timestamp,
}

impl AccessTokens {
    /// The response with the current token of an app.
    pub(super) fn issue(&mut self, app_id: String, now: Timestamp) -> Value {
        let newest = self.0.iter().rfind(|issued| issued.app_id == app_id);
        let current = newest.filter(|issued| issued.expires.since(now) >= OVERLAP);
        if let Some(issued) = current {
            return response_of(issued, now);
        }
        let token = format!("emulated_{}", URL_SAFE_NO_PAD.encode(random::bytes::<96>()));
        let issued = Issued { app_id, token, expires: now + LIFETIME };
        let response = response_of(&issued, now);
        if self.0.len() >= CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(issued);
        response
    }

    /// The app that a token was issued to.
    pub(super) fn app_of(&self, token: &str, now: Timestamp) -> Result<String, Refusal> {
        let issued = self.0.iter().find(|issued| issued.token == token).ok_or(Refusal::INVALID_TOKEN)?;
        if issued.expires <= now { Err(Refusal::TOKEN_EXPIRED) } else { Ok(issued.app_id.clone()) }
    }
}

fn response_of(issued: &Issued, now: Timestamp) -> Value {
    json!({ "access_token": issued.token, "expires_in": issued.expires.since(now).as_secs() })
}
