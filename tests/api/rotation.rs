//! `SECRET_KEY` is changed while people are logged in: nobody is logged out, and what is written from then on needs the
//! new value alone.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::harness::{LoggedIn, Settings, TestApp};

/// The new value of `SECRET_KEY` in front of the one every test begins with.
pub(crate) const BOTH: Settings =
    &[("SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")];

/// Behind it, as on a node that is told of it before any node uses it.
pub(crate) const OLD_FIRST: Settings =
    &[("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")];

/// Alone.
pub(crate) const NEW: Settings = &[("SECRET_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")];

on_each_database! {
    async fn tokens_of_before_are_good_and_new_ones_are_signed_by_the_new_key(app: TestApp) {
        let alice = app.log_in("alice").await;
        let rotated = app.beside_with(BOTH).await;
        let [old_kid] = kids(&app).await.try_into().unwrap();
        let [new_kid, previous_kid] = kids(&rotated).await.try_into().unwrap();
        assert_eq!((kid(&alice.token), &previous_kid), (old_kid.clone(), &old_kid));
        assert_eq!(rotated.with_token(&alice.token).me().await.data()["me"]["id"], json!(alice.user_id));
        let next = refreshed(&rotated, &alice.refresh_token).await;
        assert_eq!((kid(&next.0), kid(&rotated.log_in("bob").await.token)), (new_kid.clone(), new_kid));
        rotated.with_token(&alice.token).me().await.data();
    }

    async fn who_came_back_meanwhile_needs_the_new_key_alone(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await, app.log_in("bob").await);
        let (token, refresh_token) = refreshed(&app.beside_with(BOTH).await, &alice.refresh_token).await;
        let after = app.beside_with(NEW).await;
        after.with_token(&token).me().await.data();
        refreshed(&after, &refresh_token).await;
        assert_eq!(kids(&after).await.len(), 1);
        for refused in [after.with_token(&bob.token).me().await, after.anonymous().refresh(&bob.refresh_token).await] {
            assert_eq!(refused.refusal(), "INVALID");
        }
    }

    async fn nodes_that_change_one_after_the_other_understand_each_other(app: TestApp) {
        let (told, changed) = (app.beside_with(OLD_FIRST).await, app.beside_with(BOTH).await);
        for (from, to) in [(&told, &changed), (&changed, &told)] {
            app.clock.advance(Duration::from_mins(1));
            let alice = from.log_in("alice").await;
            assert_eq!(to.log_in("alice").await.user_id, alice.user_id, "a repeat of its code");
            to.with_token(&alice.token).me().await.data();
            let (token, _) = refreshed(to, &alice.refresh_token).await;
            from.with_token(&token).me().await.data();
        }
        assert_eq!(app.wechat.times_sent("alice"), 2);
    }
}

/// The next pair of tokens: for access, and for the next refresh.
pub(crate) async fn refreshed(app: &TestApp, refresh_token: &str) -> (String, String) {
    let answer = app.anonymous().refresh(refresh_token).await;
    let tokens = &answer.data()["refreshSession"];
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("token"), text("refreshToken"))
}

/// Asserts that a user is as logged in as before: same tokens, same session.
pub(crate) async fn assert_still_in(app: &TestApp, user: &LoggedIn) {
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
