//! The content check of nicknames: each verdict under each setting, and an unavailable WeChat.

use std::sync::Arc;

use entity::content_flag::{self, Field, Suggestion};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::harness::{Program, Reply, TestApp, TestUser, folder, user_key};

const PATH: &str = "/wxa/msg_sec_check";

fn verdict(suggest: &str, label: i64) -> Reply {
    Reply::Json(json!({ "errcode": 0, "errmsg": "ok", "result": { "suggest": suggest, "label": label },
        "detail": [{ "strategy": "keyword", "errcode": 0 }], "trace_id": "t" }))
}

/// Sets a nickname, and returns the code of the error, if any.
async fn set_nickname(user: &TestUser, nickname: Value) -> Option<String> {
    let query = "mutation($n: String) { updateProfile(input: { nickname: $n }) { userErrors { code field } } }";
    let answer = user.client.graphql(query, json!({ "n": nickname })).await;
    let errors = &answer.data()["updateProfile"]["userErrors"];
    let error = errors.get(0)?;
    assert_eq!(error["field"], json!(["input", "nickname"]));
    error["code"].as_str().map(str::to_owned)
}

async fn nickname(user: &TestUser) -> Value {
    user.client.graphql("{ me { nickname } }", json!({})).await.data()["me"]["nickname"].clone()
}

async fn flag(app: &TestApp, user: &TestUser) -> Option<(Suggestion, Option<i32>)> {
    let flag = content_flag::Entity::find_by_id((user_key(user), Field::Nickname)).one(&app.db().await).await.unwrap();
    flag.map(|flag| (flag.suggestion, flag.label))
}

on_each_database! {
    async fn failed_nickname_is_flagged_and_a_later_pass_clears_the_flag(app: TestApp, [("CONTENT_CHECK", "flag")]) {
        let alice = app.log_in("alice").await;
        for (reply, expected) in [
            (verdict("risky", 20001), Some((Suggestion::Risky, Some(20001)))),
            (verdict("review", 21000), Some((Suggestion::Review, Some(21000)))),
            (Reply::errcode(43104), Some((Suggestion::Unchecked, None))),
            (Reply::Raw(500, "text/html", "no".to_owned()), Some((Suggestion::Unchecked, None))),
            (verdict("pass", 100), None),
        ] {
            app.wechat.reply(PATH, reply);
            let text = format!("{expected:?}").chars().take(30).collect::<String>();
            assert_eq!(set_nickname(&alice, json!(text)).await, None);
            assert_eq!((nickname(&alice).await, flag(&app, &alice).await), (json!(text), expected));
        }
        app.wechat.reply(PATH, verdict("risky", 20001));
        set_nickname(&alice, json!("risky")).await;
        assert!(flag(&app, &alice).await.is_some());
        set_nickname(&alice, Value::Null).await;
        assert_eq!(flag(&app, &alice).await, None, "a cleared nickname has no flag");
    }
}

on_any_database! {
    async fn check_has_the_callers_openid_and_the_stored_form_of_the_name(
        app: TestApp,
        [("CONTENT_CHECK", "enforce")]
    ) {
        let alice = app.log_in("alice").await;
        app.wechat.reply(PATH, verdict("pass", 100));
        assert_eq!(set_nickname(&alice, json!(" 爱丽丝\u{3000}")).await, None);
        let [call] = &app.wechat.calls_of(PATH)[..] else { panic!("one call") };
        for (name, expected) in [("version", "2"), ("openid", "o_alice"), ("scene", "1"), ("content", "爱丽丝")] {
            assert_eq!(call[name], expected, "{name}");
        }
        // neither null nor an invalid nickname is sent
        assert_eq!(
            (set_nickname(&alice, Value::Null).await, set_nickname(&alice, json!("")).await.as_deref()),
            (None, Some("BLANK"))
        );
        assert_eq!(app.wechat.calls_of(PATH).len(), 1);
    }

    async fn wechat_is_not_called_by_default(app: TestApp) {
        let alice = app.log_in("alice").await;
        app.wechat.reply(PATH, verdict("risky", 20001));
        assert_eq!(set_nickname(&alice, json!("Alice")).await, None);
        assert_eq!((app.wechat.calls_of(PATH).len(), flag(&app, &alice).await), (0, None));
    }

    async fn setting_decides_which_verdicts_are_refused(app: TestApp) {
        let down = Reply::Raw(503, "text/html", "no".to_owned());
        let refusals = [Reply::errcode(40129), down];
        for (settings, risky, review, unavailable) in [
            (&[("CONTENT_CHECK", "enforce")][..], true, false, false),
            (&[("CONTENT_CHECK", "enforce"), ("CONTENT_CHECK_REVIEW", "refuse")][..], true, true, false),
            (&[("CONTENT_CHECK", "enforce"), ("CONTENT_CHECK_UNAVAILABLE", "refuse")][..], true, false, true),
            (
                &[
                    ("CONTENT_CHECK", "flag"),
                    ("CONTENT_CHECK_REVIEW", "refuse"),
                    ("CONTENT_CHECK_UNAVAILABLE", "refuse"),
                ][..],
                false,
                false,
                false,
            ),
        ] {
            let server = app.another_node_with(settings).await;
            let replies = [
                (verdict("risky", 1), risky),
                (verdict("review", 2), review),
                (verdict("pass", 100), false),
                (verdict("new", 3), unavailable),
            ];
            let replies = replies.into_iter().chain(refusals.clone().map(|reply| (reply, unavailable)));
            for (n, (reply, is_refused)) in replies.enumerate() {
                let user = server.log_in(&format!("user{n}.{}", settings.len())).await;
                set_nickname(&user, Value::Null).await;
                server.wechat.reply(PATH, reply.clone());
                let code = set_nickname(&user, json!(format!("name {n}"))).await;
                assert_eq!(code.as_deref(), is_refused.then_some("CONTENT_REFUSED"), "{settings:?} {reply:?}");
                let is_pass = n == 2;
                assert_eq!(flag(&server, &user).await.is_some(), !is_refused && !is_pass, "{settings:?} {reply:?}");
                assert_eq!(nickname(&user).await.is_null(), is_refused);
            }
        }
    }

    async fn timeout_of_wechat_counts_as_an_outage(
        app: TestApp,
        [("CONTENT_CHECK", "enforce"), ("WECHAT_TIMEOUT", "200ms")]
    ) {
        let alice = app.log_in("alice").await;
        app.wechat.reply(PATH, Reply::Hang);
        assert_eq!(set_nickname(&alice, json!("Alice")).await, None);
        assert_eq!(flag(&app, &alice).await, Some((Suggestion::Unchecked, None)));
    }

    async fn command_lists_flagged_accounts_in_pages(app: TestApp, [("CONTENT_CHECK", "flag")]) {
        let mut users = Vec::new();
        app.wechat.reply(PATH, verdict("risky", 20001));
        for n in 0..3 {
            let user = app.log_in(&format!("user{n}")).await;
            set_nickname(&user, json!("risky")).await;
            users.push(user.user_id);
            app.clock.advance(std::time::Duration::from_millis(5));
        }
        let (url, settings) = (Arc::new(app.database.clone()), folder());
        let flagged = async |arguments: &[&str]| {
            let arguments: Vec<_> =
                ["admin", "flagged"].into_iter().chain(arguments.iter().copied()).map(str::to_owned).collect();
            let (url, path) = (Arc::clone(&url), settings.path().to_owned());
            let run = move || {
                let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                Program::new(&path, &arguments).set("DATABASE_URL", secrecy::ExposeSecret::expose_secret(&*url)).run()
            };
            let run = tokio::task::spawn_blocking(run).await.unwrap();
            assert_eq!(run.code, Some(0), "{run:?}");
            run.stdout
        };
        let first = flagged(&["--limit", "2"]).await;
        assert_eq!(first.lines().count(), 2, "{first}");
        assert!(first.starts_with(&format!("{}  NICKNAME  RISKY  20001  20", users[0])), "{first}");
        let second = flagged(&["--after", &users[1]]).await;
        assert!(second.lines().count() == 1 && second.contains(&users[2]), "{second}");
        assert_eq!(flagged(&["--after", &users[2]]).await.trim_end(), "Nothing is flagged.");
    }
}
