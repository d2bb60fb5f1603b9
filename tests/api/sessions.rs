//! The list of a user's sessions: its order, its pages in both directions, and the fields of a session.

use std::time::Duration;

use miniaccount::graphql::DateTime;
use serde_json::{Value, json};

use crate::harness::{ApiResponse, TestApp, TestUser};

const DAY: Duration = Duration::from_hours(24);

/// A page of the caller's own sessions.
async fn page(user: &TestUser, arguments: Value) -> ApiResponse {
    let query = "query($first: Int, $after: String, $last: Int, $before: String) {
        me { sessions(first: $first, after: $after, last: $last, before: $before) {
            edges { cursor node { id } } nodes { id }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } } }";
    user.client.graphql(query, arguments).await
}

/// The connection of a response without errors.
#[track_caller]
fn connection(answer: &ApiResponse) -> &Value {
    let connection = &answer.data()["me"]["sessions"];
    let nodes: Vec<&Value> = connection["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    assert_eq!(json!(nodes), connection["nodes"]);
    let ends = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
    let edges = connection["edges"].as_array().unwrap();
    assert_eq!(connection["pageInfo"]["startCursor"], ends(edges.first()));
    assert_eq!(connection["pageInfo"]["endCursor"], ends(edges.last()));
    connection
}

#[track_caller]
fn ids(connection: &Value) -> Vec<String> {
    let id = |node: &Value| node["id"].as_str().unwrap().to_owned();
    connection["nodes"].as_array().unwrap().iter().map(id).collect()
}

/// `count` logins of Alice, a second apart, oldest first, and one of Bob between them.
async fn logins(app: &TestApp, count: usize) -> Vec<TestUser> {
    let mut logins = Vec::new();
    for n in 0..count {
        app.clock.advance(Duration::from_secs(1));
        logins.push(app.log_in(&format!("alice.{n}")).await);
        if n == 0 {
            app.log_in("bob").await;
        }
    }
    logins
}

/// The session ids in the order of the list.
fn newest_first(logins: &[TestUser]) -> Vec<String> {
    logins.iter().rev().map(|login| login.session_id.clone()).collect()
}

/// All fields of each session.
async fn details(user: &TestUser) -> Value {
    let query = "{ me { sessions { nodes {
        id deviceName userAgent ipPrefix isCurrent createdAt lastUsedAt expiresAt } } } }";
    user.client.graphql(query, json!({})).await.data()["me"]["sessions"]["nodes"].clone()
}

on_each_database! {
    async fn newest_session_is_first(app: TestApp) {
        let alice = logins(&app, 5).await;
        let answer = page(&alice[2], json!({})).await;
        let list = connection(&answer);
        assert_eq!(ids(list), newest_first(&alice));
        assert_eq!(list["totalCount"], json!(5));
        assert_eq!(
            (&list["pageInfo"]["hasNextPage"], &list["pageInfo"]["hasPreviousPage"]),
            (&json!(false), &json!(false))
        );
    }

    async fn forward_pagination_returns_every_session_once(app: TestApp) {
        let alice = logins(&app, 7).await;
        let (mut seen, mut after, mut more) = (Vec::new(), Value::Null, Vec::new());
        while more.last() != Some(&json!(false)) {
            let answer = page(&alice[0], json!({ "first": 3, "after": after })).await;
            let list = connection(&answer);
            assert_eq!(list["totalCount"], json!(7));
            seen.extend(ids(list));
            after = list["pageInfo"]["endCursor"].clone();
            more.push(list["pageInfo"]["hasNextPage"].clone());
        }
        assert_eq!(more, [true, true, false].map(Value::from));
        assert_eq!(seen, newest_first(&alice));
    }

    async fn backward_pagination_returns_every_session_once(app: TestApp) {
        let alice = logins(&app, 7).await;
        let (mut seen, mut before, mut more) = (Vec::new(), Value::Null, Vec::new());
        while more.last() != Some(&json!(false)) {
            let answer = page(&alice[0], json!({ "last": 3, "before": before })).await;
            let list = connection(&answer);
            // a page is in the order of the list, in both directions
            seen.splice(0..0, ids(list));
            before = list["pageInfo"]["startCursor"].clone();
            more.push(list["pageInfo"]["hasPreviousPage"].clone());
        }
        assert_eq!(more, [true, true, false].map(Value::from));
        assert_eq!(seen, newest_first(&alice));
    }

    async fn last_page_has_no_next_page(app: TestApp) {
        let alice = logins(&app, 4).await;
        let answer = page(&alice[0], json!({ "first": 4 })).await;
        assert_eq!(connection(&answer)["pageInfo"]["hasNextPage"], json!(false));
        let end = connection(&answer)["pageInfo"]["endCursor"].clone();
        let behind = page(&alice[0], json!({ "first": 4, "after": end })).await;
        assert_eq!(connection(&behind)["nodes"], json!([]));
        assert_eq!(connection(&behind)["totalCount"], json!(4));
    }

    async fn page_is_limited_by_two_cursors(app: TestApp) {
        let alice = logins(&app, 5).await;
        let answer = page(&alice[0], json!({})).await;
        let cursor = |place: usize| connection(&answer)["edges"][place]["cursor"].clone();
        let between = json!({ "after": cursor(0), "before": cursor(4) });
        let answer = page(&alice[0], between).await;
        assert_eq!(ids(connection(&answer)), newest_first(&alice)[1..4]);
    }

    async fn page_of_zero_sessions_is_empty(app: TestApp) {
        let alice = logins(&app, 2).await;
        let answer = page(&alice[0], json!({ "first": 0 })).await;
        assert_eq!(connection(&answer)["nodes"], json!([]));
        assert_eq!(connection(&answer)["pageInfo"]["hasNextPage"], json!(true));
        assert_eq!(connection(&answer)["totalCount"], json!(2));
    }

    async fn cursor_of_an_ended_session_stays_valid(app: TestApp) {
        let alice = logins(&app, 4).await;
        let answer = page(&alice[0], json!({ "first": 2 })).await;
        let end = connection(&answer)["pageInfo"]["endCursor"].clone();
        alice[2].client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        let rest = page(&alice[0], json!({ "first": 2, "after": end })).await;
        assert_eq!(ids(connection(&rest)), newest_first(&alice)[2..]);
    }

    async fn invalid_page_arguments_are_refused(app: TestApp) {
        let alice = app.log_in("alice").await;
        for bad in [
            json!({ "first": 1, "last": 1 }),
            json!({ "first": 101 }),
            json!({ "last": 101 }),
            json!({ "first": -1 }),
            json!({ "last": -1 }),
            json!({ "first": i32::MIN }),
            json!({ "after": "" }),
            json!({ "after": "garbage" }),
            json!({ "before": "x".repeat(5000) }),
            json!({ "before": alice.session_id }),
        ] {
            let answer = page(&alice, bad.clone()).await;
            assert_eq!((answer.code(), &answer.error()["action"]), ("BAD_USER_INPUT", &json!("FIX")), "{bad}");
            assert_eq!(answer.body["data"], json!({ "me": { "sessions": null } }), "{bad}");
        }
        page(&alice, json!({ "first": 100 })).await.data();
    }

    async fn exactly_one_session_is_current(app: TestApp) {
        let alice = logins(&app, 4).await;
        for login in &alice {
            let all = details(login).await;
            let current: Vec<_> = all.as_array().unwrap().iter().filter(|it| it["isCurrent"] == json!(true)).collect();
            assert_eq!(current.len(), 1);
            assert_eq!(current[0]["id"], json!(login.session_id));
        }
    }

    async fn ended_sessions_are_not_listed(app: TestApp) {
        let expired = app.log_in("alice.expired").await;
        app.clock.advance(20 * DAY);
        let alice = logins(&app, 3).await;
        assert_eq!(ids(connection(&page(&alice[0], json!({})).await)).len(), 4);
        alice[1].client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
        app.clock.advance(10 * DAY);
        let now = app.log_in("alice.9").await;
        let answer = page(&now, json!({})).await;
        let live = [&now, &alice[2], &alice[0]].map(|login| login.session_id.clone());
        assert_eq!(ids(connection(&answer)), live);
        assert_eq!(connection(&answer)["totalCount"], json!(3));
        assert!(!ids(connection(&answer)).contains(&expired.session_id));
    }

    async fn session_has_times_of_creation_last_use_and_expiry(app: TestApp) {
        use miniaccount::clock::Clock;
        let opened = app.clock.now();
        let alice = app.log_in("alice").await;
        app.clock.advance(Duration::from_mins(10));
        details(&alice).await;
        app.accounts.flush_last_used().await.unwrap();
        let session = details(&alice).await[0].clone();
        assert_eq!(session["createdAt"], json!(DateTime(opened).to_text()));
        assert_eq!(session["lastUsedAt"], json!(DateTime(app.clock.now()).to_text()));
        assert_eq!(session["expiresAt"], json!(DateTime(opened + 30 * DAY).to_text()));
    }

    async fn session_stores_the_device_and_the_truncated_user_agent(app: TestApp) {
        let long = format!("MicroMessenger/8.0 {}", "x".repeat(1000));
        let client = app.anonymous().header("user-agent", &long);
        client.login_with(json!({ "code": "alice.1", "device": { "name": "Alice 的手机" } })).await.data();
        let short = app.anonymous().header("user-agent", "MicroMessenger/8.0");
        short.login("alice.2").await.data();
        let alice = app.log_in("alice.3").await;
        let all = details(&alice).await;
        let of = |name: &str| -> Vec<Value> { all.as_array().unwrap().iter().map(|it| it[name].clone()).collect() };
        let mut agents = of("userAgent");
        agents.sort_by_key(Value::to_string);
        assert_eq!(agents, [json!(long[..256]), json!("MicroMessenger/8.0"), Value::Null]);
        assert!(of("deviceName").contains(&json!("Alice 的手机")));
    }

    async fn only_the_network_of_an_address_is_stored(app: TestApp, [("TRUSTED_PROXIES", "127.0.0.0/8")]) {
        for (address, prefix) in [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48")] {
            let answer = app.anonymous().header("x-forwarded-for", address).login(&format!("alice.{address}")).await;
            assert_eq!(answer.data()["login"]["session"]["ipPrefix"], json!(prefix));
            let alice = app.with_token(answer.data()["login"]["token"].as_str().unwrap());
            let listed = alice.graphql("{ me { sessions { nodes { isCurrent ipPrefix } } } }", json!({})).await;
            assert!(listed.text.contains(prefix) && !listed.text.contains(address), "{}", listed.text);
        }
    }
}
