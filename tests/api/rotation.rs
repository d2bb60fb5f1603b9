//! `SECRET_KEY` is rotated while users are logged in: nobody is logged out, and later values need only the new key.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::{Settings, TestApp, TestUser};

/// The new key before that of all tests.
pub(crate) const NEW_FIRST: Settings =
    &[("SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")];

/// The new key after the old one, as on a node that learns it before any node uses it.
pub(crate) const OLD_FIRST: Settings =
    &[("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")];

/// The new key alone.
pub(crate) const NEW_ONLY: Settings = &[("SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")];

on_each_database! {
    async fn old_tokens_stay_valid_and_new_ones_have_the_new_key(app: TestApp) {
        let alice = app.log_in("alice").await;
        let rotated = app.another_node_with(NEW_FIRST).await;
        let [old_kid] = kids(&app).await.try_into().unwrap();
        let [new_kid, previous_kid] = kids(&rotated).await.try_into().unwrap();
        assert_eq!((kid(&alice.token), &previous_kid), (old_kid.clone(), &old_kid));
        assert_eq!(rotated.with_token(&alice.token).me().await.data()["me"]["id"], json!(alice.user_id));
        let next = refreshed(&rotated, &alice.refresh_token).await;
        assert_eq!((kid(&next.0), kid(&rotated.log_in("bob").await.token)), (new_kid.clone(), new_kid));
        rotated.with_token(&alice.token).me().await.data();
    }

    async fn user_who_refreshed_needs_only_the_new_key(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let (token, refresh_token) = refreshed(&app.another_node_with(NEW_FIRST).await, &alice.refresh_token).await;
        let after = app.another_node_with(NEW_ONLY).await;
        after.with_token(&token).me().await.data();
        refreshed(&after, &refresh_token).await;
        assert_eq!(kids(&after).await.len(), 1);
        for refused in [after.with_token(&bob.token).me().await, after.anonymous().refresh(&bob.refresh_token).await] {
            assert_eq!(refused.refusal(), "INVALID");
        }
    }

    async fn nodes_rotated_one_after_the_other_accept_each_others_tokens(app: TestApp) {
        let (prepared, rotated) = (app.another_node_with(OLD_FIRST).await, app.another_node_with(NEW_FIRST).await);
        for (from, to) in [(&prepared, &rotated), (&rotated, &prepared)] {
            app.clock.advance(Duration::from_mins(1));
            let alice = from.log_in("alice").await;
            assert_eq!(to.log_in("alice").await.user_id, alice.user_id, "the repeated code has the same user");
            to.with_token(&alice.token).me().await.data();
            let (token, _) = refreshed(to, &alice.refresh_token).await;
            from.with_token(&token).me().await.data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }
}

/// Refreshes, and returns the next access token and refresh token.
pub(crate) async fn refreshed(app: &TestApp, refresh_token: &str) -> (String, String) {
    let answer = app.anonymous().refresh(refresh_token).await;
    let tokens = &answer.data()["refreshSession"];
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("token"), text("refreshToken"))
}

/// Asserts that a user is still logged in, with the same tokens and session.
pub(crate) async fn assert_still_logged_in(app: &TestApp, user: &TestUser) {
    assert_eq!(app.with_token(&user.token).me().await.data()["me"]["id"], json!(user.user_id));
    refreshed(app, &user.refresh_token).await;
}

/// The names of the keys a server publishes, in order.
async fn kids(app: &TestApp) -> Vec<String> {
    let jwks = app.anonymous().get("/.well-known/jwks.json").await.body;
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The name of the key that signed a token.
fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}
