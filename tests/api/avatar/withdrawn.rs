//! An uploaded avatar that the user withdraws at WeChat, or that WeChat removes, is also deleted from the storage.

use serde_json::{Value, json};

use super::{assert_only, avatar_url, jpeg, uploaded};
use crate::push::{deliver_event, event, revocation};

on_each_database! {
    async fn avatar_cleared_by_wechat_is_deleted_from_the_storage(app: TestApp, [("WECHAT_PUSH_TOKEN", "push-token")]) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let kept = uploaded(&bob.client, &jpeg()).await;
        for message in [
            event("user_info_modified", "o_alice", 1),
            revocation("o_alice", json!("6")),
            revocation("o_alice", json!("20")),
        ] {
            let path = uploaded(&alice.client, &jpeg()).await;
            deliver_event(&app, &message).await;
            assert_eq!(avatar_url(&alice.client).await, Value::Null, "{message}");
            app.accounts.purge().await.unwrap();
            assert_eq!(app.anonymous().get(&path).await.status, 404, "{message}");
            assert_only(&app, &kept).await;
        }
        let own = uploaded(&alice.client, &jpeg()).await;
        deliver_event(&app, &revocation("o_alice", json!("19"))).await;
        app.accounts.purge().await.unwrap();
        assert_eq!(app.anonymous().get(&own).await.status, 200, "only the nickname was withdrawn");
    }
}
