//! GraphQL over HTTP: methods, media types, parameters and statuses.

mod browsers;
mod documents;
mod faults;
mod health;
mod hostile;

use axum::{
    body::{Body, Bytes},
    http::{Method, Request, StatusCode, header},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client};

const VERSION: &str = "{ serverInfo { version } }";
const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

on_any_database! {
    async fn query_can_be_sent_by_get(app: TestApp) {
        let alice = app.log_in("alice").await;
        let query = "query Node($id: ID!) { node(id: $id) { id } } query Other { me { id } }";
        let variables = json!({ "id": alice.user_id }).to_string();
        let parameters = [("query", query), ("operationName", "Node"), ("variables", &variables), ("extensions", "")];
        let answer = get(&alice.client, &parameters).await;
        assert_eq!(answer.data()["node"]["id"], json!(alice.user_id));
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }

    async fn mutation_cannot_be_sent_by_get(app: TestApp) {
        let login = "mutation { login(code: \"alice\") { token } }";
        let either = "query A { me { id } } mutation B { login(code: \"alice\") { token } }";
        for parameters in [vec![("query", login)], vec![("query", either), ("operationName", "B")]] {
            let answer = get(&app.anonymous(), &parameters).await;
            assert_refused(&answer, 405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.headers[header::ALLOW], "POST");
        }
        assert!(app.wechat.sent().is_empty());
    }

    async fn other_methods_are_refused(app: TestApp) {
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let request = Request::builder().method(method).uri("/graphql").header(header::CONTENT_TYPE, JSON);
            let answer = app.anonymous().send(request, json!({ "query": VERSION }).to_string()).await;
            assert_refused(&answer, 405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.headers[header::ALLOW], "GET, POST");
        }
        let head = app.anonymous().send(Request::head("/graphql"), "").await;
        assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    async fn body_of_another_media_type_is_refused(app: TestApp) {
        let body = json!({ "query": VERSION }).to_string();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "application/jsonp",
            "application/json; charset=gbk",
            "application/json;Charset=\"GBK\"",
            "application/json; charset=utf-8; CHARSET=gbk",
            "",
        ] {
            let answer = post_as(&app.anonymous(), kind, &body).await;
            assert_refused(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        let untyped = app.anonymous().send(Request::post("/graphql"), body.clone()).await;
        assert_refused(&untyped, 415, "UNSUPPORTED_MEDIA_TYPE");
        for kind in [
            JSON,
            "application/json; charset=utf-8",
            "Application/JSON;charset=\"UTF-8\"",
            "application/json;Charset=UTF-8",
            "application/json; CHARSET = utf8;",
            "application/json; profile=\"a;charset=gbk\"",
        ] {
            post_as(&app.anonymous(), kind, &body).await.data();
        }
    }

    async fn repeated_header_is_accepted_only_with_equal_values(app: TestApp) {
        let token = app.log_in("alice").await.token;
        let [bearer, again] = [format!("Bearer {token}"), format!("bearer   {token}")];
        let me = async |kinds: &[&str], tokens: &[&str]| {
            let headers = kinds.iter().map(|kind| (header::CONTENT_TYPE, *kind));
            let headers = headers.chain(tokens.iter().map(|token| (header::AUTHORIZATION, *token)));
            let request = headers.fold(Request::post("/graphql"), |request, (name, value)| request.header(name, value));
            app.anonymous().send(request, json!({ "query": "{ me { id } }" }).to_string()).await
        };
        for kinds in
            [&[JSON, JSON][..], &["application/json, application/json"], &[JSON, "Application/JSON; charset=utf-8"]]
        {
            for tokens in [&[&*bearer, &*bearer][..], &[&*bearer, &*again], &[&*format!("{bearer}, {bearer}")]] {
                me(kinds, tokens).await.data();
            }
        }
        for kinds in [&[JSON, "text/plain"][..], &["text/plain", JSON], &["application/json, text/plain"]] {
            assert_refused(&me(kinds, &[&bearer]).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        for tokens in
            [&[&*bearer, "Bearer other"][..], &["Basic eDp5", &*bearer], &[&*format!("{bearer}, Bearer other")]]
        {
            let refused = me(&[JSON], tokens).await;
            assert_refused(&refused, 400, "BAD_REQUEST");
            assert!(
                refused.message().contains("`Authorization`") && !refused.text.contains(&token),
                "{}",
                refused.text
            );
        }
        let twice = app.with_token(&token).header("authorization", "Bearer other");
        let refused = twice.post("/api/login", &json!({ "code": "alice.2" })).await;
        assert_eq!((refused.status.as_u16(), &refused.body["error"]["code"]), (400, &json!("BAD_REQUEST")));
    }

    async fn scheme_of_a_token_is_case_insensitive(app: TestApp) {
        let token = app.log_in("alice").await.token;
        for header in [format!("bearer {token}"), format!("BEARER   {token}  "), format!(" Bearer\t{token}")] {
            app.anonymous().header("authorization", header).me().await.data();
        }
        for header in [token.clone(), format!("Basic {token}"), "Bearer".to_owned(), "Bearer ".to_owned()] {
            assert_eq!(app.anonymous().header("authorization", header).me().await.refusal(), "MISSING");
        }
    }

    async fn byte_order_mark_before_json_is_ignored(app: TestApp) {
        let query = "query($id: ID!) { node(id: $id) { id } }";
        let marked = |value: Value| format!("\u{feff}{value}");
        let body = json!({ "query": format!("\u{feff}{query}"), "variables": { "id": "x" } });
        assert_eq!(post_as(&app.anonymous(), JSON, &marked(body)).await.code(), "UNAUTHENTICATED");
        let (variables, extensions) = (marked(json!({ "id": "x" })), marked(json!({ "any": 1 })));
        let parameters = [("query", query), ("variables", &variables), ("extensions", &extensions)];
        assert_eq!(get(&app.anonymous(), &parameters).await.code(), "UNAUTHENTICATED");
        get(&app.anonymous(), &[("query", VERSION), ("variables", "\u{feff}")]).await.data();
        let login = Request::post("/api/login").header(header::CONTENT_TYPE, JSON);
        assert!(app.anonymous().send(login, marked(json!({ "code": "alice" }))).await.body["token"].is_string());
        assert_refused(&post_as(&app.anonymous(), JSON, "\u{feff}").await, 400, "BAD_REQUEST");
    }

    async fn unknown_route_gets_a_json_error(app: TestApp) {
        let hosts = app.anonymous().header("accept-language", "zh_CN");
        for path in
            ["/nowhere", "/graphql/", "/api", "/api/nothing", "/graphiql/assets/x/y", "/graphiql/assets/%ff/y", "/%00"]
        {
            for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
                if path.contains("assets") && method != Method::GET {
                    continue;
                }
                let answer = hosts.send(Request::builder().method(method).uri(path), "").await;
                let error = json!({
                    "code": "NOT_FOUND",
                    "action": "FIX",
                    "message": "该地址不存在。",
                    "requestId": answer.headers["x-request-id"].to_str().unwrap(),
                });
                assert_eq!((answer.status.as_u16(), &answer.body), (404, &json!({ "error": error })), "{path}");
                assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
            }
        }
    }

    async fn wrong_method_of_a_route_gets_a_json_error_and_allow(app: TestApp) {
        for (path, allowed) in [
            ("/api/login", "POST"),
            ("/livez", "GET,HEAD"),
            ("/schema.graphql", "GET,HEAD"),
            ("/graphiql", "GET,HEAD"),
            ("/.well-known/jwks.json", "GET,HEAD"),
        ] {
            let answer = app.anonymous().send(Request::patch(path), "").await;
            assert_eq!((answer.status.as_u16(), answer.code()), (405, "METHOD_NOT_ALLOWED"), "{path}");
            assert_eq!(
                (&answer.error()["action"], answer.headers[header::ALLOW].to_str().unwrap()),
                (&json!("FIX"), allowed),
                "{path}"
            );
            assert!(answer.body["error"]["requestId"].is_string());
        }
    }

    async fn batch_of_requests_is_refused(app: TestApp) {
        let login = json!({ "query": "mutation { login(code: \"alice\") { token } }" });
        for batch in [json!([login, login]), json!([])] {
            assert_refused(&app.anonymous().post("/graphql", &batch).await, 400, "BAD_REQUEST");
        }
        assert!(app.wechat.sent().is_empty());
    }

    async fn parameters_of_the_wrong_type_are_refused(app: TestApp) {
        for body in [
            json!({}),
            json!({ "query": null }),
            json!({ "query": 1 }),
            json!({ "query": [VERSION] }),
            json!({ "qeury": VERSION }),
            json!({ "query": VERSION, "operationName": 1 }),
            json!({ "query": VERSION, "operationName": {} }),
            json!({ "query": VERSION, "variables": "{}" }),
            json!({ "query": VERSION, "variables": [] }),
            json!({ "query": VERSION, "extensions": "{}" }),
            json!({ "query": VERSION, "extensions": [1] }),
            json!("query"),
            json!(null),
        ] {
            assert_refused(&app.anonymous().post("/graphql", &body).await, 400, "BAD_REQUEST");
        }
        for text in ["", "{", "query", "{\"query\": \"{ me }\"", "\u{0}"] {
            assert_refused(&post_as(&app.anonymous(), JSON, text).await, 400, "BAD_REQUEST");
        }
        assert_refused(&get(&app.anonymous(), &[]).await, 400, "BAD_REQUEST");
        for variables in ["[]", "{", "1"] {
            let parameters = [("query", VERSION), ("variables", variables)];
            assert_refused(&get(&app.anonymous(), &parameters).await, 400, "BAD_REQUEST");
        }
    }

    async fn null_parameter_counts_as_missing(app: TestApp) {
        let body = json!({ "query": VERSION, "operationName": null, "variables": null, "extensions": null });
        app.anonymous().post("/graphql", &body).await.data();
        let more = json!({ "query": VERSION, "extensions": { "any": 1 }, "id": 7 });
        app.anonymous().post("/graphql", &more).await.data();
    }

    async fn media_type_with_the_highest_quality_is_used(app: TestApp) {
        let both = format!("{JSON}, {GRAPHQL}");
        for (accept, expected) in [
            (None, JSON),
            (Some("*/*"), JSON),
            (Some("application/*"), JSON),
            (Some(JSON), JSON),
            (Some(GRAPHQL), GRAPHQL),
            (Some(both.as_str()), GRAPHQL),
            (Some("application/json, multipart/mixed"), JSON),
            (Some("application/graphql-response+json;q=0.5, application/json"), JSON),
            (Some("application/graphql-response+json; Q=0.5, application/json"), JSON),
            (Some("application/graphql-response+json; profile=\"a,b;q=0\", application/json;Q=\"0.9\""), GRAPHQL),
        ] {
            let answer = accepting(&app.anonymous(), accept, VERSION).await;
            assert_eq!(answer.headers[header::CONTENT_TYPE], format!("{expected}; charset=utf-8"), "{accept:?}");
            assert_eq!(answer.status, StatusCode::OK, "{accept:?}");
            assert!(answer.headers[header::VARY].to_str().unwrap().contains("Accept"), "{accept:?}");
        }
        for accept in ["text/html", "image/*", "application/json;q=0", "text/event-stream"] {
            let answer = accepting(&app.anonymous(), Some(accept), VERSION).await;
            assert_refused(&answer, 406, "NOT_ACCEPTABLE");
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
        }
    }

    async fn status_depends_on_the_media_type(app: TestApp) {
        for (query, code, executed) in [
            ("{", "GRAPHQL_PARSE_FAILED", false),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", false),
            ("query($id: ID!) { node(id: $id) { id } }", "BAD_USER_INPUT", false),
            ("query A { me { id } } query B { me { id } }", "OPERATION_RESOLUTION_FAILURE", false),
            ("{ me { id } }", "UNAUTHENTICATED", true),
            ("mutation { login(code: \"a\", appId: \"wx9\") { token } }", "UNKNOWN_APP", true),
        ] {
            for (accept, refusal) in [(JSON, 200), (GRAPHQL, 400)] {
                let answer = accepting(&app.anonymous(), Some(accept), query).await;
                assert_eq!(answer.status.as_u16(), if executed { 200 } else { refusal }, "{accept} {}", answer.text);
                assert_eq!(answer.code(), code, "{}", answer.text);
                assert_eq!(answer.body.get("data").is_some(), executed, "{}", answer.text);
            }
        }
    }

    async fn body_longer_than_64_kib_is_refused(app: TestApp) {
        let sized = |bytes: usize| {
            let body = json!({ "query": VERSION }).to_string();
            body.clone() + &" ".repeat(bytes - body.len())
        };
        post_as(&app.anonymous(), JSON, &sized(64 * 1024)).await.data();
        assert_refused(&post_as(&app.anonymous(), JSON, &sized(64 * 1024 + 1)).await, 413, "PAYLOAD_TOO_LARGE");
        let announced = app.anonymous().header("content-length", "70000");
        assert_refused(&post_as(&announced, JSON, &sized(70_000)).await, 413, "PAYLOAD_TOO_LARGE");
        // chunked, without a length, and endless
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024])));
        let endless = Request::post("/graphql").header(header::CONTENT_TYPE, JSON);
        assert_refused(&app.anonymous().send(endless, Body::from_stream(chunks)).await, 413, "PAYLOAD_TOO_LARGE");
    }

    async fn incomplete_body_is_a_bad_request(app: TestApp) {
        let broken = stream::iter([Ok(Bytes::from_static(b"{\"query\":")), Err(std::io::Error::other("gone"))]);
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, JSON);
        let answer = app.anonymous().send(request, Body::from_stream(broken)).await;
        assert_refused(&answer, 400, "BAD_REQUEST");
    }
}

/// Asserts that a request was not executed, with this status and code.
#[track_caller]
fn assert_refused(answer: &ApiResponse, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
    assert!(answer.body.get("data").is_none(), "{}", answer.text);
    assert_complete(answer);
}

/// Asserts that each error has a code, an action and the request id.
#[track_caller]
fn assert_complete(answer: &ApiResponse) {
    let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {}", answer.text));
    assert!(!errors.is_empty(), "{}", answer.text);
    for error in errors {
        let extensions = &error["extensions"];
        assert!(["code", "action"].iter().all(|name| extensions[name].is_string()), "{error}");
        assert_eq!(extensions["requestId"].as_str().unwrap(), answer.headers["x-request-id"], "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert_eq!(extensions["action"] == "RETRY", extensions["retryAfter"].is_u64(), "{error}");
    }
}

async fn get(client: &Client, parameters: &[(&str, &str)]) -> ApiResponse {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    client.get(&format!("/graphql?{query}")).await
}

async fn post_as(client: &Client, content_type: &str, body: &str) -> ApiResponse {
    client.send(Request::post("/graphql").header(header::CONTENT_TYPE, content_type), body.to_owned()).await
}

async fn accepting(client: &Client, accept: Option<&str>, query: &str) -> ApiResponse {
    let client = accept.into_iter().fold(client.clone(), |client, accept| client.header("accept", accept));
    client.post("/graphql", &json!({ "query": query })).await
}

async fn send_query(client: &Client, query: &str) -> ApiResponse {
    client.graphql(query, Value::Null).await
}
