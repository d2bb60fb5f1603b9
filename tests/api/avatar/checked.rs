//! WeChat checks uploaded avatars after they are in use. A later push flags them or removes them.

use std::time::Duration;

use entity::{
    content_flag::{self, Field, Suggestion},
    media_check,
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{assert_none, assert_only, avatar_url, clear, jpeg, uploaded};
use crate::{
    harness::{Client, Reply, TestApp, TestUser, user_key},
    push::{deliver_event, event},
    suspend::admin,
};

const PATH: &str = "/wxa/media_check_async";

/// A limited wait for a condition.
struct Wait(Instant);

impl Wait {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Pauses before the next poll, and fails after the limit.
    async fn pause(&self) {
        assert!(self.0.elapsed() < Duration::from_secs(20), "timed out");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until no avatar is shown.
async fn until_hidden(client: &Client) {
    let wait = Wait::begin();
    while !avatar_url(client).await.is_null() {
        wait.pause().await;
    }
}

async fn db_checks(app: &TestApp) -> u64 {
    media_check::Entity::find().count(&app.db().await).await.unwrap()
}

async fn db_flag(app: &TestApp, user: &TestUser) -> Option<(Suggestion, Option<i32>)> {
    let flag = content_flag::Entity::find_by_id((user_key(user), Field::Avatar)).one(&app.db().await).await.unwrap();
    flag.map(|flag| (flag.suggestion, flag.label))
}

/// Uploads an avatar, and waits until its check is stored under `trace_id`.
async fn checked(app: &TestApp, user: &TestUser, trace_id: &str) -> String {
    app.wechat.reply(PATH, Reply::Json(json!({ "errcode": 0, "errmsg": "ok", "trace_id": trace_id })));
    let path = uploaded(&user.client, &jpeg()).await;
    let (db, wait) = (app.db().await, Wait::begin());
    while media_check::Entity::find_by_id(trace_id.to_owned()).one(&db).await.unwrap().is_none() {
        wait.pause().await;
    }
    path
}

fn verdict(trace_id: &str, suggest: &str) -> Value {
    let mut message = event("wxa_media_check", "o_alice", 1);
    message["trace_id"] = json!(trace_id);
    message["errcode"] = json!(0);
    message["result"] = json!({ "suggest": suggest, "label": 20002 });
    message
}

on_each_database! {
    async fn risky_avatar_is_removed_if_checks_are_enforced(
        app: TestApp,
        [("CONTENT_CHECK", "enforce"), ("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let other = app.another_node().await;
        let _tasks = [app.tail_feed(), other.tail_feed()];
        let alice = app.log_in("alice").await;
        let other_client = other.with_token(&alice.token);
        let path = checked(&app, &alice, "t1").await;
        let [call] = &app.wechat.calls_of(PATH)[..] else { panic!("one call") };
        let url = format!("http://api.example{path}");
        for (name, expected) in
            [("media_url", &*url), ("media_type", "2"), ("version", "2"), ("scene", "1"), ("openid", "o_alice")]
        {
            assert_eq!(call[name], expected, "{name}");
        }
        deliver_event(&app, &verdict("t0", "risky")).await;
        assert_eq!(avatar_url(&other_client).await, url, "the verdict on another picture");
        deliver_event(&app, &verdict("t1", "risky")).await;
        deliver_event(&app, &verdict("t1", "risky")).await;
        until_hidden(&other_client).await;
        assert_eq!((db_checks(&app).await, db_flag(&app, &alice).await), (0, None));
        app.accounts.purge().await.unwrap();
        assert_none(&app).await;
    }

    async fn verdict_flags_the_avatar_until_it_passes_or_is_replaced(
        app: TestApp,
        [("CONTENT_CHECK", "flag"), ("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let alice = app.log_in("alice").await;
        let path = checked(&app, &alice, "t1").await;
        deliver_event(&app, &verdict("t1", "risky")).await;
        assert_eq!(db_flag(&app, &alice).await, Some((Suggestion::Risky, Some(20002))));
        assert_only(&app, &path).await;
        let listed = admin(&app, &["flagged"]).await;
        assert!(listed.stdout.contains("AVATAR  RISKY  20002"), "{listed:?}");
        checked(&app, &alice, "t2").await;
        assert_eq!(db_flag(&app, &alice).await, None, "the flag belonged to the previous avatar");
        deliver_event(&app, &verdict("t2", "review")).await;
        assert_eq!(db_flag(&app, &alice).await, Some((Suggestion::Review, Some(20002))));
        clear(&alice.client).await;
        assert_eq!(db_flag(&app, &alice).await, None);
        let path = checked(&app, &alice, "t3").await;
        let mut failed = verdict("t3", "");
        failed["errcode"] = json!(-1008);
        deliver_event(&app, &failed).await;
        assert_eq!((db_flag(&app, &alice).await, db_checks(&app).await), (Some((Suggestion::Unchecked, None)), 0));
        assert_only(&app, &path).await;
    }

    async fn verdict_on_a_replaced_avatar_changes_nothing(
        app: TestApp,
        [("CONTENT_CHECK", "enforce"), ("WECHAT_PUSH_TOKEN", "push-token")]
    ) {
        let alice = app.log_in("alice").await;
        checked(&app, &alice, "t1").await;
        let path = checked(&app, &alice, "t2").await;
        deliver_event(&app, &verdict("t1", "risky")).await;
        assert_only(&app, &path).await;
        assert_eq!(db_checks(&app).await, 1);
        // checks that WeChat never answers are deleted
        app.clock.advance(Duration::from_hours(25));
        app.accounts.purge().await.unwrap();
        assert_eq!(db_checks(&app).await, 0);
    }

    async fn unchecked_avatar_is_flagged_or_removed(app: TestApp, [("CONTENT_CHECK", "enforce")]) {
        app.wechat.reply(PATH, Reply::errcode(40129));
        let alice = app.log_in("alice").await;
        let path = uploaded(&alice.client, &jpeg()).await;
        let wait = Wait::begin();
        while db_flag(&app, &alice).await != Some((Suggestion::Unchecked, None)) {
            wait.pause().await;
        }
        assert_only(&app, &path).await;
        let strict = app.another_node_with(&[("CONTENT_CHECK_UNAVAILABLE", "refuse")]).await;
        let again = strict.with_token(&alice.token);
        uploaded(&again, &jpeg()).await;
        until_hidden(&again).await;
        assert_eq!(db_flag(&app, &alice).await, None);
    }
}

on_any_database! {
    async fn wechat_is_not_called_if_checks_are_off(app: TestApp) {
        let alice = app.log_in("alice").await;
        uploaded(&alice.client, &jpeg()).await;
        sleep(Duration::from_millis(300)).await;
        assert!(app.wechat.calls_of(PATH).is_empty());
    }

    async fn pass_clears_the_flag_and_wechat_fetches_the_public_url(
        app: TestApp,
        [("CONTENT_CHECK", "flag"), ("WECHAT_PUSH_TOKEN", "push-token"), ("PUBLIC_URL", "http://api.example")]
    ) {
        let alice = app.log_in("alice").await;
        let path = checked(&app, &alice, "t1").await;
        assert_eq!(app.wechat.calls_of(PATH)[0]["media_url"], format!("http://api.example{path}"));
        let flagged = content_flag::ActiveModel {
            user_id: sea_orm::Set(user_key(&alice)),
            field: sea_orm::Set(Field::Avatar),
            suggestion: sea_orm::Set(Suggestion::Unchecked),
            label: sea_orm::Set(None),
            created_at: sea_orm::Set(app.accounts.now()),
        };
        content_flag::Entity::insert(flagged).exec_without_returning(&app.db().await).await.unwrap();
        deliver_event(&app, &verdict("t1", "pass")).await;
        assert_eq!((db_flag(&app, &alice).await, db_checks(&app).await), (None, 0));
    }
}
