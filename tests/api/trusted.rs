//! Registered documents: where there is a list of them, nothing else runs.

use serde_json::json;

const REGISTERED: (&str, &str) = ("TRUSTED_DOCUMENTS", "tests/api/fixtures/manifest.json");

/// SHA-256 of `query Me { me { id } }`.
const ME: &str = "2e3e49f19828396c35f7f9415f5558239d37f5d85b674851f58bf43337f5aaab";

/// SHA-256 of the login.
const LOGIN: &str = "487982fb0d1ab2dbdb4c69fab57a064a77ac647e87f868d50f2c56b09a2518cc";

on_any_database! {
    async fn a_registered_document_runs_by_its_text_and_by_its_id(app: TestApp, [REGISTERED]) {
        let login = json!({ "documentId": LOGIN, "variables": { "code": "alice" } });
        let answer = app.anonymous().post("/graphql", &login).await;
        let client = app.with_token(answer.data()["login"]["token"].as_str().unwrap());
        let by_text = json!({ "query": "query Me { me { id } }" });
        let by_hash = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": ME } } });
        for body in [by_text, by_hash, json!({ "documentId": ME })] {
            assert!(client.post("/graphql", &body).await.data()["me"]["id"].is_string(), "{body}");
        }
        assert!(client.get(&format!("/graphql?documentId={ME}")).await.data()["me"]["id"].is_string());
    }

    async fn nothing_else_runs(app: TestApp, [REGISTERED]) {
        for body in [
            json!({ "query": "query Me { me { id  } }" }),
            json!({ "query": "{ __schema { queryType { name } } }" }),
            json!({ "documentId": "unknown" }),
        ] {
            let answer = app.anonymous().post("/graphql", &body).await;
            assert_eq!((answer.code(), answer.body.get("data")), ("BAD_REQUEST", None), "{body}");
        }
    }

    async fn without_a_list_an_id_names_nothing(app: TestApp) {
        assert_eq!(app.anonymous().post("/graphql", &json!({ "documentId": ME })).await.code(), "BAD_REQUEST");
    }
}
