//! Users can export everything that is stored about them, and nobody else can.

use std::time::Duration;

use entity::{SessionId, session};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    harness::Reply,
    suspend::{admin, admin_with},
};

on_each_database! {
    async fn export_contains_all_data_of_the_caller_and_no_secret(app: TestApp) {
        app.wechat.reply("alice.1", Reply::user("TheOpenid").with("unionid", "TheUnionid"));
        app.wechat.reply("alice.2", Reply::user("TheOpenid").with("unionid", "TheUnionid"));
        let device = json!({ "id": "d1", "name": "Alice's phone" });
        for code in ["alice.1", "alice.2"] {
            app.anonymous().login_with(json!({ "code": code, "device": device })).await.data();
            app.clock.advance(Duration::from_secs(1));
        }
        app.wechat.reply("alice.3", Reply::user("TheOpenid"));
        let alice = app.log_in("alice.3").await;
        app.log_in("bob").await;
        let query =
            "mutation { updateProfile(input: { nickname: \"Alice\", locale: \"en\" }) { userErrors { code } } }";
        alice.client.graphql(query, json!({})).await.data();
        let answer = alice.client.graphql("{ accountExport }", json!({})).await;
        let export = &answer.data()["accountExport"];
        let user = &export["user"];
        assert_eq!(
            (&user["id"], &user["nickname"], &user["locale"]),
            (&json!(alice.user_id), &json!("Alice"), &json!("en"))
        );
        assert_eq!(
            (&user["status"], &user["role"], &user["deletesAt"]),
            (&json!("ACTIVE"), &json!("USER"), &Value::Null)
        );
        assert_eq!(export["identities"][0]["appId"], "wx1");
        assert_eq!(export["openPlatforms"].as_array().unwrap().len(), 1);
        let sessions = export["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 3, "live and ended sessions");
        assert_eq!(
            (&sessions[0]["endReason"], &sessions[0]["deviceName"]),
            (&json!("REPLACED"), &json!("Alice's phone"))
        );
        for secret in ["TheOpenid", "TheUnionid", "session_key", &alice.token, &alice.refresh_token, "o_bob"] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
        let run = admin(&app, &["export", &alice.user_id]).await;
        let printed: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.code, &printed["user"]), (Some(0), user), "{run:?}");
        let path = "/media/0123456789abcdef0123456789abcdef.jpg";
        let (owner, now) = (crate::harness::user_key(&alice), app.accounts.now());
        app.store.media_file_insert(&path[7..], owner, now).await.unwrap();
        app.store.avatar_set(owner, &path[7..], path, now).await.unwrap().unwrap();
        let run = admin_with(&app, &["export", &alice.user_id], ("PUBLIC_URL", "https://public.example/x")).await;
        let printed: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(printed["user"]["avatarUrl"], format!("https://public.example/x{path}"), "{run:?}");
    }

    async fn the_export_of_many_sessions_holds_the_newest_ones(app: TestApp) {
        let alice = app.log_in("alice").await;
        let user = crate::harness::user_key(&alice);
        let model = session::Entity::find().filter(session::Column::UserId.eq(user)).one(&app.db().await).await;
        let row = model.unwrap().unwrap();
        let ended = (0..700).map(|n| session::Model {
            id: SessionId(uuid::Uuid::from_u128(row.id.0.as_u128() - 1 - n)),
            // the longest texts: four bytes for a character, and an escape for a byte
            user_agent: Some("\"".repeat(256)),
            device_id: Some("📱".repeat(64)),
            device_name: Some("📱".repeat(64)),
            refreshed_at: Some(app.accounts.now()),
            ended_at: Some(app.accounts.now()),
            end_reason: Some(session::EndReason::LoggedOut),
            ..row.clone()
        });
        let ended = ended.map(|row| session::ActiveModel::from(row).reset_all()).collect::<Vec<_>>();
        session::Entity::insert_many(ended).exec_without_returning(&app.db().await).await.unwrap();
        let answer = alice.client.graphql("{ accountExport }", json!({})).await;
        let export = &answer.data()["accountExport"];
        let sessions = export["sessions"].as_array().unwrap();
        assert_eq!((sessions.len(), &export["olderSessions"]), (300, &json!(401)));
        assert_eq!(sessions[299]["endedAt"], Value::Null, "the live session is among them");
    }
}
