//! The sessions of one user: one for each device, and a limited number.

use std::time::Duration;

use serde_json::json;

use super::{end_reason, log_in_from};

on_each_database! {
    async fn login_of_a_device_replaces_only_its_own_session(app: TestApp) {
        let device = |id: &str| json!({ "id": id, "name": "爱丽丝的手机 📱" });
        let phone = log_in_from(&app, "alice.1", device("phone")).await;
        let tablet = log_in_from(&app, "alice.2", device("tablet")).await;
        let unnamed = log_in_from(&app, "alice.3", device("")).await;
        let stranger = log_in_from(&app, "bob", device("phone")).await;
        log_in_from(&app, "alice.4", device("phone")).await;
        log_in_from(&app, "alice.5", device("")).await;
        assert_eq!(end_reason(&app, &phone).await, "REPLACED");
        for alive in [&tablet, &unnamed, &stranger] {
            app.with_token(alive["token"].as_str().unwrap()).me().await.data();
        }
        assert_eq!(phone["session"]["deviceName"], json!("爱丽丝的手机 📱"));
    }

    async fn longest_device_name_is_stored(app: TestApp) {
        let longest = "📱".repeat(64);
        let login = log_in_from(&app, "alice", json!({ "id": longest, "name": longest })).await;
        assert_eq!(login["session"]["deviceName"], json!(longest));
    }

    async fn login_beyond_the_limit_evicts_the_oldest_session(app: TestApp) {
        let mut sessions = Vec::new();
        for n in 0..21 {
            app.clock.advance(Duration::from_secs(1));
            sessions.push(app.log_in(&format!("alice.{n}")).await);
        }
        assert_eq!(end_reason(&app, &sessions[0].login).await, "EVICTED");
        for alive in &sessions[1..] {
            alive.client.me().await.data();
        }
    }

    async fn thirty_concurrent_logins_leave_twenty_sessions(app: TestApp) {
        app.log_in("alice.first").await;
        app.clock.advance(Duration::from_secs(1));
        let logins = (0..30).map(|n| {
            let app = app.clone();
            tokio::spawn(async move { app.log_in(&format!("alice.{n}")).await })
        });
        let (mut alive, mut clients) = (0, Vec::new());
        for login in logins.collect::<Vec<_>>() {
            clients.push(login.await.unwrap().client);
        }
        for client in clients {
            alive += usize::from(client.me().await.body.get("errors").is_none());
        }
        assert_eq!(alive, 20);
    }
}
