//! Documents: an invalid or expensive document is refused before execution, and errors quote little of it.

use serde_json::{Value, json};

use super::{GRAPHQL, accepting, assert_complete, assert_refused, get, send_query};

on_any_database! {
    async fn syntax_error_has_a_location_and_does_not_quote_the_document(app: TestApp) {
        let answer = send_query(&app.anonymous(), "{\n  me { id }\n  secret9(: 1)\n}").await;
        assert_refused(&answer, 200, "GRAPHQL_PARSE_FAILED");
        let place = &answer.body["errors"][0]["locations"][0];
        assert_eq!((&place["line"], &place["column"]), (&json!(3), &json!(11)), "{}", answer.text);
        assert!(!answer.text.contains("secret9"), "{}", answer.text);
        let long = send_query(&app.anonymous(), &format!("{{ {} ", "x".repeat(50_000))).await;
        assert!(long.text.len() < 500, "{}", long.text);
    }

    async fn unicode_escapes_are_read_by_post_and_by_get(app: TestApp) {
        let escaped = r#"mutation { login(code: "al\u{69}ce", device: { name: "\uD83D\uDE00 \u{1F600}" }) {
            session { deviceName } } }"#;
        let answer = send_query(&app.anonymous(), escaped).await;
        assert_eq!(answer.data()["login"]["session"]["deviceName"], "😀 😀");
        for literal in [r"\u{55}ser", r"\u0055ser", r"\u{0000000055}ser"] {
            let query = format!("{{ __type(name: \"{literal}\") {{ name }} }}");
            assert_eq!(get(&app.anonymous(), &[("query", &query)]).await.data()["__type"]["name"], "User", "{literal}");
        }
    }

    async fn escape_that_is_not_a_character_is_refused_with_its_location(app: TestApp) {
        for bad in [r"\uD83D", r"\uDE00", r"\u{D83D}", r"\u{110000}", r"\u{}", r"\uD83D\u0041"] {
            let query = format!("{{\n  node(id: \"é{bad}\") {{ id }}\n}}");
            for answer in
                [send_query(&app.anonymous(), &query).await, get(&app.anonymous(), &[("query", &query)]).await]
            {
                assert_refused(&answer, 200, "GRAPHQL_PARSE_FAILED");
                assert_eq!(answer.body["errors"][0]["locations"], json!([{ "line": 2, "column": 14 }]), "{bad}");
            }
        }
    }

    async fn invalid_document_is_refused(app: TestApp) {
        for query in [
            "{ nothing }",
            "{ me { openid } }",
            "{ me }",
            "{ node { id } }",
            "mutation { login { token } }",
            "{ node(id: {a: 1}) { id } }",
            "{ ...missing }",
        ] {
            let answer = accepting(&app.anonymous(), Some(GRAPHQL), query).await;
            assert_refused(&answer, 400, "GRAPHQL_VALIDATION_FAILED");
        }
    }

    async fn validation_message_is_truncated(app: TestApp) {
        let answer = send_query(&app.anonymous(), &format!("{{ {} }}", "x".repeat(10_000))).await;
        assert!(answer.text.len() < 1000, "{}", answer.text.len());
    }

    async fn ambiguous_or_unknown_operation_name_is_refused(app: TestApp) {
        let two = "query A { serverInfo { version } } query B { serverInfo { version } }";
        let one = "query A { serverInfo { version } }";
        for (query, name) in [(two, json!("C")), (two, Value::Null), (two, json!("")), (one, json!("B"))] {
            let body = json!({ "query": query, "operationName": name });
            assert_refused(&app.anonymous().post("/graphql", &body).await, 200, "OPERATION_RESOLUTION_FAILURE");
        }
        for (query, name) in [(two, json!("B")), (one, json!("A")), (one, Value::Null)] {
            app.anonymous().post("/graphql", &json!({ "query": query, "operationName": name })).await.data();
        }
    }

    async fn missing_variable_is_refused_before_anything_runs(app: TestApp) {
        for variables in [json!({}), json!({ "id": null }), json!({ "other": "x" })] {
            assert_refused(&app.anonymous().graphql(LOGIN_FIRST, variables).await, 200, "BAD_USER_INPUT");
        }
        assert!(app.wechat.sent().is_empty(), "a login ran");
    }

    async fn variable_of_the_wrong_type_is_refused_before_anything_runs(app: TestApp) {
        for id in [json!({}), json!([["x"]]), json!(true)] {
            let answer = app.anonymous().graphql(LOGIN_FIRST, json!({ "id": id })).await;
            assert_complete(&answer);
            assert_eq!(answer.error()["action"], "FIX", "{}", answer.text);
            assert!(answer.body.get("data").is_none(), "{}", answer.text);
        }
        assert!(app.wechat.sent().is_empty(), "a login ran");
    }

    async fn expensive_documents_are_refused(app: TestApp) {
        let deep = format!("{{ __schema {{ types {}{{ name }}{} }} }}", "{ fields { type ".repeat(8), "} }".repeat(8));
        let wide = format!("{{ serverInfo {{ {} }} }}", "version ".repeat(1001));
        let fields = (0..40).map(|n| format!("v{n}: version ")).collect::<Vec<_>>().concat();
        let aliased = format!("{{ serverInfo {{ {fields} }} }}");
        let directives = format!("{{ serverInfo {{ version {} }} }}", "@skip(if: false) ".repeat(51));
        let recursive = "{ ".to_owned() + &"... on Query { ".repeat(50) + "me { id }" + &" }".repeat(51);
        for query in [deep, wide, aliased, directives, recursive] {
            let answer = accepting(&app.anonymous(), Some(GRAPHQL), &query).await;
            assert_refused(&answer, 400, "QUERY_TOO_EXPENSIVE");
        }
    }

    async fn settings_change_the_limits(
        app: TestApp,
        [("FILE", "query_aliases = 60\nquery_directives = 60\nquery_depth = 30\nquery_nesting = 64\nquery_fields = 40")]
    ) {
        let aliased = (0..35).map(|n| format!("v{n}: version ")).collect::<Vec<_>>().concat();
        let deep = format!("{{ __type(name: \"User\") {} }}", "{ ofType ".repeat(25) + "{ name" + &" }".repeat(26));
        let nested = format!("{{ {} serverInfo {{ version }} {} }}", "... {".repeat(35), "}".repeat(35));
        for query in [format!("{{ serverInfo {{ {aliased} }} }}"), deep, nested] {
            send_query(&app.anonymous(), &query).await.data();
        }
        let wide = send_query(&app.anonymous(), &format!("{{ serverInfo {{ {} }} }}", "version ".repeat(41))).await;
        assert_refused(&wide, 200, "QUERY_TOO_EXPENSIVE");
        assert!(wide.message().contains("40"), "{}", wide.text);
    }

    async fn response_has_twenty_errors_at_most(app: TestApp, [("FILE", "query_roots = 40")]) {
        let fields = (0..100).map(|n| format!("f{n} ")).collect::<Vec<_>>().concat();
        let answer = send_query(&app.anonymous(), &format!("{{ serverInfo {{ {fields} }} }}")).await;
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
        let failing = (0..29).map(|n| format!("m{n}: me {{ id }} ")).collect::<Vec<_>>().concat();
        let answer = send_query(&app.anonymous(), &format!("{{ {failing} }}")).await;
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
        assert_complete(&answer);
    }

    async fn introspection_of_graphiql_is_within_the_limits(app: TestApp) {
        let answer = send_query(&app.anonymous(), INTROSPECTION).await;
        assert_eq!(answer.data()["__schema"]["queryType"]["name"], "Query");
        assert_eq!(app.anonymous().get("/graphiql").await.status, 200);
    }

    async fn introspection_is_refused_without_graphiql(app: TestApp, [("GRAPHIQL", "off")]) {
        for (query, place) in [
            (INTROSPECTION, json!([{ "line": 2, "column": 3 }])),
            ("{ serverInfo { version } __type(name: \"User\") { name } }", json!([{ "line": 1, "column": 26 }])),
            ("{ ... { it: __schema { queryType { name } } } }", json!([{ "line": 1, "column": 9 }])),
            ("{ ...F } fragment F on Query { __schema { queryType { name } } }", json!([{ "line": 1, "column": 32 }])),
        ] {
            for _ in 0..2 {
                let answer = accepting(&app.anonymous(), Some(GRAPHQL), query).await;
                assert_refused(&answer, 400, "GRAPHQL_VALIDATION_FAILED");
                assert_eq!(answer.body["errors"][0]["locations"], place, "{query}");
            }
        }
        let named = send_query(&app.anonymous(), "{ __typename serverInfo { __typename } }").await;
        assert_eq!(named.data(), &json!({ "__typename": "Query", "serverInfo": { "__typename": "ServerInfo" } }));
        let misspelt = send_query(&app.anonymous(), "{ serverInfo { versoin } }").await;
        assert!(!misspelt.text.contains("\\\"version\\\""), "{}", misspelt.text);
        let small = ["/graphiql/small", "/graphiql/small/explorer.js", "/graphiql/small/explorer.css"];
        for path in ["/", "/graphiql"].into_iter().chain(small) {
            assert_eq!(app.anonymous().get(path).await.status, 404, "{path}");
        }
        assert_eq!(app.anonymous().get("/schema.graphql").await.status, 200);
    }
}

/// A mutation whose login must not run if another part of the request is invalid.
const LOGIN_FIRST: &str = "mutation($id: ID!) {
    login(code: \"alice\") { token }
    revokeSession(sessionId: $id) { __typename }
}";

/// The query that GraphiQL 4 sends at its start: `getIntrospectionQuery` of graphql-js 16 with all options.
const INTROSPECTION: &str = include_str!("../../../src/graphql/limits/introspection.graphql");
