//! All stored data of a user, as JSON. The openid and unionid, keys and tokens are not included.
//! Rows are destructured without `..`: a new column does not compile until it is exported or named here as left out.

use async_graphql::resolver_utils::enum_value;
use entity::{Timestamp, content_flag, identity, media_check, merged_user, session, union_link, user};
use serde_json::{Value, json};

use super::{
    super::scalar::DateTime,
    user::{Role, UserStatus},
};
use crate::{
    account::{AccountExport, UserRows},
    global_id::GlobalId,
};

/// The stored data of a user as JSON; `absolute` makes a URL of the path of a picture.
pub fn export(export: &AccountExport, absolute: impl Fn(&str) -> String) -> Value {
    let UserRows {
        user,
        identities,
        union_links,
        sessions,
        merged_users,
        metadata,
        content_flags,
        media_checks,
        read_at,
    } = &export.rows;
    json!({
        "exportedAt": text(*read_at),
        "user": profile(user, export.phone_number.as_deref(), absolute),
        "identities": identities.iter().map(identity).collect::<Vec<_>>(),
        "openPlatforms": union_links.iter().map(open_platform).collect::<Vec<_>>(),
        "metadata": metadata.as_ref().and_then(|row| serde_json::from_str::<Value>(&row.json.0).ok()),
        "contentFlags": content_flags.iter().map(content_flag).collect::<Vec<_>>(),
        "pictureChecks": media_checks.iter().map(picture_check).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "olderSessions": export.older_sessions,
        "mergedAccounts": merged_users.iter().map(merged_account).collect::<Vec<_>>(),
    })
}

fn profile(row: &user::Model, phone_number: Option<&str>, absolute: impl Fn(&str) -> String) -> Value {
    let user::Model {
        id,
        nickname,
        avatar_url,
        locale,
        // exported as the number it encrypts
        sealed_phone: _,
        phone_index: _,
        // `UserStatus` is made of it and of `deletes_at`
        status: _,
        role,
        created_at,
        updated_at,
        last_login_at,
        deletes_at,
    } = row;
    json!({
        "id": GlobalId::User(*id).encode(),
        "nickname": nickname,
        "avatarUrl": avatar_url.as_deref().map(absolute),
        "locale": locale,
        "phoneNumber": phone_number,
        "status": enum_value(UserStatus::from(row)),
        "role": enum_value(Role::from(*role)),
        "createdAt": text(*created_at),
        "updatedAt": text(*updated_at),
        "lastLoginAt": text(*last_login_at),
        "deletesAt": deletes_at.map(text),
    })
}

fn identity(row: &identity::Model) -> Value {
    let identity::Model {
        id,
        user_id: _,
        app_id,
        openid: _,
        session_key: _,
        session_key_at,
        previous_session_key: _,
        created_at,
    } = row;
    // an identity known by cloud hosting alone has no key
    let session_key_at = (session_key_at.0 != 0).then(|| text(*session_key_at));
    json!({
        "id": GlobalId::Identity(*id).encode(),
        "appId": app_id,
        "createdAt": text(*created_at),
        "sessionKeyAt": session_key_at,
    })
}

fn open_platform(row: &union_link::Model) -> Value {
    let union_link::Model { open_platform, unionid: _, user_id: _, created_at } = row;
    json!({ "name": open_platform, "createdAt": text(*created_at) })
}

fn content_flag(row: &content_flag::Model) -> Value {
    let content_flag::Model { user_id: _, field, suggestion, label, created_at } = row;
    let (field, suggestion) = (field.as_str(), suggestion.as_str());
    json!({ "field": field, "suggestion": suggestion, "label": label, "createdAt": text(*created_at) })
}

fn picture_check(row: &media_check::Model) -> Value {
    let media_check::Model { trace_id: _, app_id, user_id: _, media_key, created_at } = row;
    json!({ "appId": app_id, "picture": media_key, "createdAt": text(*created_at) })
}

fn merged_account(row: &merged_user::Model) -> Value {
    let merged_user::Model { id, into_user: _, created_at } = row;
    json!({ "id": GlobalId::User(*id).encode(), "mergedAt": text(*created_at) })
}

fn session(row: &session::Model) -> Value {
    let session::Model {
        id,
        user_id: _,
        identity_id,
        // counters of the refresh token
        refresh_generation: _,
        used_generation: _,
        refreshed_at,
        device_id,
        device_name,
        user_agent,
        ip_prefix,
        created_at,
        last_used_at,
        expires_at,
        ended_at,
        end_reason,
    } = row;
    json!({
        "id": GlobalId::Session(*id).encode(),
        "identityId": GlobalId::Identity(*identity_id).encode(),
        "deviceId": device_id,
        "deviceName": device_name,
        "userAgent": user_agent,
        "ipPrefix": ip_prefix,
        "createdAt": text(*created_at),
        "lastUsedAt": text(*last_used_at),
        "refreshedAt": refreshed_at.map(text),
        "expiresAt": text(*expires_at),
        "endedAt": ended_at.map(text),
        "endReason": end_reason.map(session::EndReason::as_str),
    })
}

fn text(moment: Timestamp) -> String {
    DateTime(moment).to_text()
}
