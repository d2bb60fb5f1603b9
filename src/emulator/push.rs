//! Pushes events to the server beside the emulator, as WeChat would: one about a person, whom `emulator:push:EVENT:NAME` then
//! logs in, or the outcome of a check.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::{fake::FakeWeChat, people::open_id, push_target::PushTarget, scenario::PushedEvent};

/// How long the server may take to answer: WeChat gives it as long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Pushes an event; `false` where there is no server to push to, or it does not acknowledge the event.
pub(super) async fn push(fake: &FakeWeChat, app_id: &str, name: &str, event: PushedEvent) -> bool {
    let Some(target) = fake.push_target() else { return false };
    let time = fake.now().seconds();
    let mut message = message(app_id, &open_id(app_id, name), event.name(), time);
    if let PushedEvent::Revoke(info) = event {
        message["RevokeInfo"] = info.to_string().into();
    }
    deliver(target, app_id, time, &message).await
}

/// Pushes the outcome of a check, where there is a server to push to.
pub(super) async fn push_check(fake: &FakeWeChat, app_id: &str, openid: &str, outcome: Value) {
    let Some(target) = fake.push_target() else { return };
    let time = fake.now().seconds();
    let mut message = message(app_id, openid, "wxa_media_check", time);
    if let (Value::Object(message), Value::Object(outcome)) = (&mut message, outcome) {
        message.extend(outcome);
    }
    deliver(target, app_id, time, &message).await;
}

/// Sends a message, and tells whether it was acknowledged.
async fn deliver(target: &PushTarget, app_id: &str, time: i64, message: &Value) -> bool {
    let answer = send(target, app_id, time, message.to_string()).await;
    let is_taken = answer.is_ok_and(|answer| answer == "success");
    tracing::debug!(is_taken, "the emulator pushed an event");
    is_taken
}

async fn send(target: &PushTarget, app_id: &str, time: i64, body: String) -> Result<String, reqwest::Error> {
    // this machine alone is called, without TLS
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build()?;
    let (time, nonce) = (time.to_string(), crate::random::unique_id());
    let url = format!(
        "{}/wechat/push/{app_id}?signature={}&timestamp={time}&nonce={}",
        target.base,
        signature(&[&target.token, &time, &nonce]),
        &*nonce
    );
    // WeChat calls its JSON so
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
