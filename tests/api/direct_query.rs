//! `DirectQuery` and the executor answer every document alike, whatever the caller's token.

use std::{net::Ipv4Addr, time::Duration};

use axum::http::{HeaderMap, StatusCode};
use entity::user::Role;
use miniaccount::{
    account,
    error::Language,
    graphql::{Caller, Engine, Parameters, Query},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client, TestApp};

/// The number of generated documents.
const DOCUMENTS: usize = 2000;

/// The first documents, of which the test counts those that are answered directly.
const SAMPLE: usize = 300;

/// The fields of a user that `DirectQuery` writes.
const VALUES: &str =
    "(__typename|id|nickname|avatarUrl|createdAt|locale|phoneNumber|status|role|lastLoginAt|updatedAt|deletesAt)";

/// One selection of a user.
fn field() -> impl Strategy<Value = String> + Clone {
    let value = (proptest::option::weighted(0.3, "(a|b|id|status|me)"), VALUES)
        .prop_map(|(alias, field)| alias.map_or(field.clone(), |alias| format!("{alias}: {field}")));
    let directive = "@(skip|include)\\(if: (true|false|\\$yes)\\)";
    prop_oneof![
        40 => value.clone(),
        2 => (value.clone(), directive).prop_map(|(field, directive)| format!("{field} {directive}")),
        1 => (value.clone(), value.clone()).prop_map(|(a, b)| format!("... on User {{ {a} {b} }}")),
        1 => (value.clone(), directive).prop_map(|(field, directive)| format!("... {directive} {{ {field} }}")),
        1 => Just("...F".to_owned()),
        1 => "(identities \\{ appId \\}|sessions(\\(first: 1\\))? \\{ totalCount nodes \\{ isCurrent \\} \\})",
        1 => "(nothing|id \\{ id \\}|sessions|id\\(a: 1\\))",
    ]
}

/// One selection of the root: mostly `me`.
fn root() -> impl Strategy<Value = String> {
    let me = proptest::collection::vec(field(), 1..8).prop_map(|fields| format!("me {{ {} }}", fields.join(" ")));
    let other = prop_oneof![
        Just("__typename".to_owned()),
        Just("serverInfo { version emulator }".to_owned()),
        Just("user(id: \"x\") { id }".to_owned()),
        me.clone().prop_map(|me| format!("... on Query {{ {me} }}")),
        me.clone().prop_map(|me| format!("me: {me}")),
        me.clone().prop_map(|me| me.replacen('{', "@include(if: $yes) {", 1)),
    ];
    let aliased = (proptest::option::weighted(0.3, "(you|me|a): "), me.clone())
        .prop_map(|(alias, me)| format!("{}{me}", alias.unwrap_or_default()));
    prop_oneof![
        12 => aliased.clone(),
        1 => (me, other.clone()).prop_map(|(me, other)| format!("{me} {other}")),
        1 => (aliased.clone(), aliased).prop_map(|(a, b)| format!("{a} {b}")),
        1 => other,
    ]
}

/// A document with the fragments and variables that it uses.
fn document() -> impl Strategy<Value = String> {
    let head = prop_oneof![
        8 => "(|query |query Q )",
        1 => "(mutation |query @nothing |query P \\{ me \\{ id \\} \\} query Q )",
    ];
    (head, root()).prop_map(|(head, root)| {
        let head = match (root.contains("$yes"), head.trim()) {
            (true, "" | "query" | "query Q") => "query Q($yes: Boolean! = true) ".to_owned(),
            _ => head,
        };
        let fragment = if root.contains("...F") {
            " fragment F on User { id locale ...G } fragment G on User { role }"
        } else {
            ""
        };
        format!("{head}{{ {root} }}{fragment}")
    })
}

/// The parts of a response that clients see, without the request id and the date.
fn visible_parts(answer: &ApiResponse) -> (StatusCode, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    let id = headers.remove("x-request-id").unwrap();
    headers.remove("date");
    (answer.status, headers, answer.text.replace(id.to_str().unwrap(), "the-request"))
}

async fn send_query(client: &Client, document: &str, variables: &Value) -> (StatusCode, HeaderMap, String) {
    visible_parts(&client.graphql(document, variables.clone()).await)
}

/// Whether a document that has been executed once is answered directly.
async fn is_direct(engine: &Engine, document: &str, token: &str) -> bool {
    let client =
        account::Client { address: Ipv4Addr::LOCALHOST.into(), user_agent: None, hosted: account::Hosted::Unknown };
    let caller = Caller::new(client, Language::En, Some(token.into()));
    let prepare = || {
        let query = Query::Text(document.to_owned());
        engine.prepare(Parameters { query, operation_name: None, variables: async_graphql::Variables::default() })
    };
    let Ok(prepared) = prepare() else { return false };
    engine.execute(prepared, caller.clone()).await;
    engine.answer_directly(&prepare().unwrap(), &caller).await.is_some()
}

/// Callers of all kinds: their tokens, or none.
async fn tokens(app: &TestApp) -> Vec<Option<String>> {
    let expired = app.log_in("expired").await;
    app.clock.advance(Duration::from_hours(3));
    let (alice, admin, ended) = (app.log_in("alice").await, app.log_in("admin").await, app.log_in("ended").await);
    app.db_set_role(&admin, Role::Admin).await;
    ended.client.graphql("mutation { logout { endedSessions } }", json!({})).await.data();
    let update = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { message } } }";
    let input =
        json!({ "nickname": "Zoë \"Z\" \\ 小明", "locale": "zh-CN", "avatarUrl": "https://a.example/?q=1&z=%22" });
    admin.client.graphql(update, json!({ "input": input })).await.data();
    let live = [alice.token, admin.token].map(Some);
    live.into_iter().chain([Some(expired.token), Some(ended.token), Some("bad".to_owned()), None]).collect()
}

on_any_database! {
    async fn direct_queries_and_the_executor_answer_alike(app: TestApp) {
        let (executor, engine, mut runner) = (app.without_direct_queries(), app.engine(), TestRunner::default());
        let tokens = tokens(&app).await;
        let _tailing = app.tail_feed();
        let live = tokens[0].clone().unwrap();
        let mut direct = 0;
        for n in 0..DOCUMENTS {
            let document = document().new_tree(&mut runner).unwrap().current();
            let variables = [json!({}), json!({ "yes": false }), json!({ "yes": "wrong" })][n % 3].clone();
            direct += usize::from(n < SAMPLE && is_direct(&engine, &document, &live).await);
            let token = &tokens[(n / 3) % tokens.len()];
            let client = |app: &TestApp| {
                let client = token.as_ref().map_or_else(|| app.anonymous(), |token| app.with_token(token));
                client.header("accept", ["application/json", "application/graphql-response+json"][n % 2])
            };
            let expected = send_query(&client(&executor), &document, &variables).await;
            // the first time through the executor, then directly
            for _ in 0..2 {
                assert_eq!(
                    send_query(&client(&app), &document, &variables).await,
                    expected,
                    "{document} {variables} {token:?}"
                );
            }
        }
        // about 85 of 300 are expected; the bounds are far beyond random variation
        assert!((SAMPLE / 10..SAMPLE * 3 / 4).contains(&direct), "{direct} of {SAMPLE} were answered directly");
    }
}
