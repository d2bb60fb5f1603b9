//! Pushes events to the emulator's server, as WeChat does: an event about a user, before `emulator:push:EVENT:NAME`
//! logs them in, or the result of a content check.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::{push_target::PushTarget, scenario::PushedEvent, state::EmulatorState, users::open_id};

/// How long the server may take to respond, as with WeChat.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Pushes an event; `false` if there is no server, or if it does not acknowledge the event.
pub(super) async fn push(state: &EmulatorState, app_id: &str, name: &str, event: PushedEvent) -> bool {
    let Some(target) = state.push_target() else { return false };
    let time = state.now().seconds();
    let mut message = message(app_id, &open_id(app_id, name), event.name(), time);
    if let PushedEvent::Revoke(info) = event {
        message["RevokeInfo"] = info.to_string().into();
    }
    deliver(target, app_id, time, &message).await
}

/// Pushes the result of a content check, if there is a server.
pub(super) async fn push_check(state: &EmulatorState, app_id: &str, openid: &str, result: Value) {
    let Some(target) = state.push_target() else { return };
    let time = state.now().seconds();
    let mut message = message(app_id, openid, "wxa_media_check", time);
    if let (Value::Object(message), Value::Object(result)) = (&mut message, result) {
        message.extend(result);
    }
    deliver(target, app_id, time, &message).await;
}

/// Sends a message, and returns whether it was acknowledged.
async fn deliver(target: &PushTarget, app_id: &str, time: i64, message: &Value) -> bool {
    let response = send(target, app_id, time, message.to_string()).await;
    let is_acknowledged = response.is_ok_and(|response| response == "success");
    tracing::debug!(is_acknowledged, "the emulator pushed an event");
    is_acknowledged
}

async fn send(target: &PushTarget, app_id: &str, time: i64, body: String) -> Result<String, reqwest::Error> {
    // the server is on this machine: no TLS and no proxy
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build()?;
    let (time, nonce) = (time.to_string(), crate::random::unique_id());
    let url = format!(
        "{}/wechat/push/{app_id}?signature={}&timestamp={time}&nonce={}",
        target.base,
        signature(&[&target.token, &time, &nonce]),
        &*nonce
    );
    // WeChat, too, sends JSON with this Content-Type
    let request = client.post(url).header("content-type", "text/xml").body(body);
    request.send().await?.error_for_status()?.text().await
}

fn signature(parts: &[&str; 3]) -> String {
    let mut parts = *parts;
    parts.sort_unstable();
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    hex::encode(hash)
}

fn message(app_id: &str, openid: &str, event: &str, time: i64) -> Value {
    json!({
        "ToUserName": "gh_emulator", "FromUserName": openid, "CreateTime": time, "MsgType": "event",
        "Event": event, "OpenID": openid, "AppID": app_id, "PluginID": "", "OpenPID": ""
    })
}
