//! Short requests that would take long to execute: each is refused before execution, also when it is repeated.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{GRAPHQL, assert_refused};
use crate::harness::{ApiResponse, Client};

/// Much longer than a refusal takes in a debug build on a busy machine, and much shorter than the execution.
const REFUSAL_LIMIT: Duration = Duration::from_secs(2);

on_any_database! {
    async fn fragments_that_double_are_refused(app: TestApp) {
        let chain = joined(31, |n| format!("fragment F{n} on Query{{...F{m} ...F{m}}}", m = n + 1));
        let inline = joined(20, |n| format!("fragment F{n} on Query{{...{{...F{m}}}...{{...F{m}}}}}", m = n + 1));
        let end = |n| format!("fragment F{n} on Query{{__typename}}");
        refused(&app.anonymous(), &format!("{{...F0}} {chain}"), json!({}), "GRAPHQL_VALIDATION_FAILED").await;
        refused(&app.anonymous(), &format!("{{...F0}} {inline}"), json!({}), "GRAPHQL_VALIDATION_FAILED").await;
        refused(&app.anonymous(), &format!("{{...F0}} {chain} {}", end(31)), json!({}), "QUERY_TOO_EXPENSIVE").await;
        refused(&app.anonymous(), &format!("{{...F0}} {inline} {}", end(20)), json!({}), "QUERY_TOO_EXPENSIVE").await;
    }

    async fn costs_of_all_operations_are_added(app: TestApp) {
        let content = "id ".repeat(900);
        let operations = joined(60, |n| format!("query Q{n}{{me{{...F}}}}"));
        let document = format!("{operations} fragment F on User{{{content}}}");
        let body = json!({ "query": document, "operationName": "Q0" });
        assert_refused_quickly(&app.anonymous(), &body, "QUERY_TOO_EXPENSIVE").await;
        let fragments = joined(130, |n| format!("fragment F{n} on User{{...F}}"));
        let document = format!("{{me{{id}}}} fragment F on User{{{content}}} {fragments}");
        refused(&app.anonymous(), &document, json!({}), "QUERY_TOO_EXPENSIVE").await;
    }

    async fn large_variable_that_is_used_often_is_refused(app: TestApp) {
        let many = vec![1; 25_000];
        let query = format!("query($v:[ID!]!){{{}}}", "users(ids:$v){id}".repeat(3));
        refused(&app.anonymous(), &query, json!({ "v": many }), "QUERY_TOO_EXPENSIVE").await;
        let kept = "query($v:ID!){a:users(ids:[$v $v $v $v $v $v $v $v]){id} serverInfo{version}}";
        let alice = app.log_in("alice").await;
        alice.client.graphql(kept, json!({ "v": "a" })).await.data();
        let long = "x".repeat(60_000);
        alice.client.graphql(kept, json!({ "v": long })).await.data();
        let often = format!("query($v:ID!){{users(ids:[{}]){{id}}}}", "$v ".repeat(90));
        alice.client.graphql(&often, json!({ "v": "a" })).await.data();
        refused(&alice.client, &often, json!({ "v": long }), "QUERY_TOO_EXPENSIVE").await;
    }

    async fn variable_defined_twice_is_refused(app: TestApp) {
        let many = vec![1; 25_000];
        let query = format!("query({}){{users(ids:$v){{id}}}}", "$v:[ID!]!".repeat(200));
        refused(&app.anonymous(), &query, json!({ "v": many }), "GRAPHQL_VALIDATION_FAILED").await;
    }

    async fn introspection_that_multiplies_is_refused(app: TestApp) {
        let leaves = "name ".repeat(200);
        let thrice = format!(
            "{{__type(name:\"Node\"){{possibleTypes{{interfaces{{possibleTypes\
             {{interfaces{{possibleTypes{{{leaves}}}}}}}}}}}}}}}"
        );
        let twice = format!("{{__schema{{types{{fields{{type{{fields{{{leaves}}}}}}}}}}}}}");
        let hidden = format!(
            "{{__schema{{types{{...F}}}}}} fragment F on __Type{{fields{{type{{...G}}}}}} \
             fragment G on __Type{{fields{{type{{fields{{{leaves}}}}}}}}}"
        );
        for query in [thrice, twice, hidden] {
            refused(&app.anonymous(), &query, json!({}), "QUERY_TOO_EXPENSIVE").await;
        }
        let small = "{__type(name:\"User\"){fields{type{fields{name}}}}}";
        assert!(app.anonymous().graphql(small, json!({})).await.data()["__type"]["fields"].is_array());
    }

    async fn variable_of_an_unknown_type_is_refused(app: TestApp) {
        for ty in ["Foo", "[Foo]", "[Foo!]!", "User", "[User]", "Node", "[Float]", "[Upload]", "__TypeKind", "[Query!]"]
        {
            for query in [
                format!("query($v:{ty}=[1]){{serverInfo{{version}}}}"),
                format!("query($v:{ty}){{serverInfo{{version}}}}"),
            ] {
                refused(&app.anonymous(), &query, json!({}), "GRAPHQL_VALIDATION_FAILED").await;
            }
            let other = format!("query A{{serverInfo{{version}}}} query B($v:{ty}=[1]){{serverInfo{{version}}}}");
            let body = json!({ "query": other, "operationName": "A" });
            assert_refused_quickly(&app.anonymous(), &body, "GRAPHQL_VALIDATION_FAILED").await;
        }
    }

    async fn nullable_variable_in_a_required_argument_is_refused_before_execution(app: TestApp) {
        let alice = app.log_in("alice").await;
        for (ty, value) in
            [("ID", json!({})), ("ID", json!({ "v": null })), ("Int!", json!({ "v": 1 })), ("[ID!]", json!({}))]
        {
            let query =
                format!("mutation($v:{ty}){{logout{{endedSessions}} revokeSession(sessionId:$v){{session{{id}}}}}}");
            refused(&alice.client, &query, value, "GRAPHQL_VALIDATION_FAILED").await;
        }
        assert_eq!(alice.client.me().await.data()["me"]["id"], json!(alice.user_id));
    }

    async fn literals_next_to_a_variable_are_checked_before_execution(app: TestApp) {
        let alice = app.log_in("alice").await;
        for device in
            ["{id:5,name:$n}", "{id:\"a\",name:$n,other:1}", "{id:[\"a\"],name:$n}", "[{name:$n}]", "{id:{a:$n}}"]
        {
            let login = format!("login(code:\"alice.2\",device:{device}){{token}}");
            let query = format!("mutation($n:String){{logout{{endedSessions}} {login}}}");
            refused(&alice.client, &query, json!({}), "GRAPHQL_VALIDATION_FAILED").await;
            let hidden =
                format!("mutation($n:String){{logout{{endedSessions}} ...F}} fragment F on Mutation{{{login}}}");
            refused(&alice.client, &hidden, json!({}), "GRAPHQL_VALIDATION_FAILED").await;
        }
        assert_eq!(alice.client.me().await.data()["me"]["id"], json!(alice.user_id));
        let good = "mutation($n:String){login(code:\"alice.3\",device:{id:\"a\",name:$n}){session{deviceName}}}";
        let answer = app.anonymous().graphql(good, json!({})).await;
        assert_eq!(answer.data()["login"]["session"]["deviceName"], Value::Null);
    }
}

/// Joins generated parts with spaces.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

async fn refused(client: &Client, query: &str, variables: Value, code: &str) {
    assert_refused_quickly(client, &json!({ "query": query, "variables": variables }), code).await;
}

async fn assert_refused_quickly(client: &Client, body: &Value, code: &str) {
    let client = client.clone().header("accept", GRAPHQL);
    for _ in 0..2 {
        let began = Instant::now();
        let answer: ApiResponse = client.post("/graphql", body).await;
        let took = began.elapsed();
        assert_refused(&answer, 400, code);
        assert!(answer.text.len() < 8000, "{}", answer.text.len());
        assert!(took < REFUSAL_LIMIT, "{took:?}: {}", body["query"]);
    }
}
