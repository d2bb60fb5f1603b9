//! All stored data of a user, as JSON. The openid and unionid, keys and tokens are not included.

use async_graphql::resolver_utils::enum_value;
use entity::{Timestamp, content_flag, session};
use serde_json::{Value, json};

use super::{
    super::scalar::DateTime,
    user::{Role, UserStatus},
};
use crate::{account::AccountExport, global_id::GlobalId};

/// The stored data of a user as JSON; `absolute` makes a URL of the path of a picture.
pub fn export(export: &AccountExport, absolute: impl Fn(&str) -> String) -> Value {
    let rows = &export.rows;
    let user = &rows.user;
    let identities = rows.identities.iter().map(|row| {
        let id = GlobalId::Identity(row.id).encode();
        json!({ "id": id, "appId": row.app_id, "createdAt": text(row.created_at), "lastLoginAt": text(row.session_key_at) })
    });
    let union_links = rows.union_links.iter();
    let merged = rows.merged_users.iter();
    json!({
        "exportedAt": text(rows.read_at),
        "user": {
            "id": GlobalId::User(user.id).encode(),
            "nickname": user.nickname,
            "avatarUrl": user.avatar_url.as_deref().map(absolute),
            "locale": user.locale,
            "phoneNumber": export.phone_number,
            "status": enum_value(UserStatus::from(user)),
            "role": enum_value(Role::from(user.role)),
            "createdAt": text(user.created_at),
            "updatedAt": text(user.updated_at),
            "lastLoginAt": text(user.last_login_at),
            "deletesAt": user.deletes_at.map(text),
        },
        "identities": identities.collect::<Vec<_>>(),
        "openPlatforms": union_links
            .map(|row| json!({ "name": row.open_platform, "createdAt": text(row.created_at) }))
            .collect::<Vec<_>>(),
        "metadata": rows.metadata.as_ref().and_then(|row| serde_json::from_str::<Value>(&row.json.0).ok()),
        "contentFlags": rows.content_flags.iter().map(content_flag).collect::<Vec<_>>(),
        "pictureChecks": rows.media_checks
            .iter()
            .map(|row| json!({ "appId": row.app_id, "picture": row.media_key, "createdAt": text(row.created_at) }))
            .collect::<Vec<_>>(),
        "sessions": rows.sessions.iter().map(session).collect::<Vec<_>>(),
        "mergedAccounts": merged
            .map(|row| json!({ "id": GlobalId::User(row.id).encode(), "mergedAt": text(row.created_at) }))
            .collect::<Vec<_>>(),
    })
}

fn content_flag(row: &content_flag::Model) -> Value {
    let (field, suggestion) = (row.field.as_str(), row.suggestion.as_str());
    json!({ "field": field, "suggestion": suggestion, "label": row.label, "createdAt": text(row.created_at) })
}

fn session(row: &session::Model) -> Value {
    json!({
        "id": GlobalId::Session(row.id).encode(),
        "identityId": GlobalId::Identity(row.identity_id).encode(),
        "deviceId": row.device_id,
        "deviceName": row.device_name,
        "userAgent": row.user_agent,
        "ipPrefix": row.ip_prefix,
        "createdAt": text(row.created_at),
        "lastUsedAt": text(row.last_used_at),
        "refreshedAt": row.refreshed_at.map(text),
        "expiresAt": text(row.expires_at),
        "endedAt": row.ended_at.map(text),
        "endReason": row.end_reason.map(session::EndReason::as_str),
    })
}

fn text(moment: Timestamp) -> String {
    DateTime(moment).to_text()
}
