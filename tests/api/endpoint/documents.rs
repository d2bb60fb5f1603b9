//! Documents: what is wrong with one is told before anything runs, without echoing it, and what is too much is refused.

use serde_json::{Value, json};

use super::{GRAPHQL, accepting, ask, assert_complete, assert_refused};

on_any_database! {
    async fn a_syntax_error_tells_its_place_and_nothing_of_the_document(app: TestApp) {
        let answer = ask(&app.anonymous(), "{\n  me { id }\n  secret9(: 1)\n}").await;
        assert_refused(&answer, 200, "GRAPHQL_PARSE_FAILED");
        let place = &answer.body["errors"][0]["locations"][0];
        assert_eq!((&place["line"], &place["column"]), (&json!(3), &json!(11)), "{}", answer.text);
        assert!(!answer.text.contains("secret9"), "{}", answer.text);
        let long = ask(&app.anonymous(), &format!("{{ {} ", "x".repeat(50_000))).await;
        assert!(long.text.len() < 500, "{}", long.text);
    }

    async fn a_document_that_does_not_fit_the_schema_is_refused(app: TestApp) {
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

    async fn what_the_library_says_of_a_document_is_cut(app: TestApp) {
        let answer = ask(&app.anonymous(), &format!("{{ {} }}", "x".repeat(10_000))).await;
        assert!(answer.text.len() < 1000, "{}", answer.text.len());
    }

    async fn an_operation_that_cannot_be_told_is_refused(app: TestApp) {
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

    async fn a_required_variable_is_missed_before_anything_runs(app: TestApp) {
        for variables in [json!({}), json!({ "id": null }), json!({ "other": "x" })] {
            assert_refused(&app.anonymous().graphql(LOGIN_FIRST, variables).await, 200, "BAD_USER_INPUT");
        }
        assert!(app.wechat.sent().is_empty(), "a login ran");
    }

    async fn a_variable_of_the_wrong_type_is_found_before_anything_runs(app: TestApp) {
        for id in [json!({}), json!([["x"]]), json!(true)] {
            let answer = app.anonymous().graphql(LOGIN_FIRST, json!({ "id": id })).await;
            assert_complete(&answer);
            assert_eq!(answer.error()["action"], "FIX", "{}", answer.text);
            assert!(answer.body.get("data").is_none(), "{}", answer.text);
        }
        assert!(app.wechat.sent().is_empty(), "a login ran");
    }

    async fn documents_that_ask_for_too_much_are_refused(app: TestApp) {
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

    async fn the_settings_decide_what_is_too_much(
        app: TestApp,
        [("FILE", "query_aliases = 60\nquery_directives = 60\nquery_depth = 30\nquery_nesting = 64\nquery_fields = 40")]
    ) {
        let aliased = (0..35).map(|n| format!("v{n}: version ")).collect::<Vec<_>>().concat();
        let deep = format!("{{ __type(name: \"User\") {} }}", "{ ofType ".repeat(25) + "{ name" + &" }".repeat(26));
        let nested = format!("{{ {} serverInfo {{ version }} {} }}", "... {".repeat(35), "}".repeat(35));
        for query in [format!("{{ serverInfo {{ {aliased} }} }}"), deep, nested] {
            ask(&app.anonymous(), &query).await.data();
        }
        let wide = ask(&app.anonymous(), &format!("{{ serverInfo {{ {} }} }}", "version ".repeat(41))).await;
        assert_refused(&wide, 200, "QUERY_TOO_EXPENSIVE");
        assert!(wide.message().contains("40"), "{}", wide.text);
    }

    async fn at_most_twenty_errors_are_told(app: TestApp, [("FILE", "query_roots = 40")]) {
        let fields = (0..100).map(|n| format!("f{n} ")).collect::<Vec<_>>().concat();
        let answer = ask(&app.anonymous(), &format!("{{ serverInfo {{ {fields} }} }}")).await;
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
        let failing = (0..29).map(|n| format!("m{n}: me {{ id }} ")).collect::<Vec<_>>().concat();
        let answer = ask(&app.anonymous(), &format!("{{ {failing} }}")).await;
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 20);
        assert_complete(&answer);
    }

    async fn the_explorers_introspection_fits_the_limits(app: TestApp) {
        let answer = ask(&app.anonymous(), INTROSPECTION).await;
        assert_eq!(answer.data()["__schema"]["queryType"]["name"], "Query");
        assert_eq!(app.anonymous().get("/graphiql").await.status, 200);
    }

    async fn without_the_explorer_there_is_no_introspection(app: TestApp, [("GRAPHIQL", "off")]) {
        let answer = ask(&app.anonymous(), INTROSPECTION).await;
        assert_eq!(answer.body.pointer("/data/__schema").unwrap_or(&Value::Null), &Value::Null, "{}", answer.text);
        let misspelt = ask(&app.anonymous(), "{ serverInfo { versoin } }").await;
        assert!(!misspelt.text.contains("\\\"version\\\""), "{}", misspelt.text);
        let small = ["/graphiql/small", "/graphiql/small/explorer.js", "/graphiql/small/explorer.css"];
        for path in ["/", "/graphiql"].into_iter().chain(small) {
            assert_eq!(app.anonymous().get(path).await.status, 404, "{path}");
        }
        assert_eq!(app.anonymous().get("/schema.graphql").await.status, 200);
    }
}

/// Something that must not happen before the rest has been looked at.
const LOGIN_FIRST: &str = "mutation($id: ID!) {
    login(code: \"alice\") { token }
    revokeSession(sessionId: $id) { __typename }
}";

/// What `GraphiQL` 4 sends when it opens: `getIntrospectionQuery` of graphql-js 16 with everything switched on.
const INTROSPECTION: &str = include_str!("../../../src/graphql/document/introspection.graphql");
