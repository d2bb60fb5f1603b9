//! Registered documents: with a list of them, other documents are refused.

use serde_json::json;

const REGISTERED: (&str, &str) = ("TRUSTED_DOCUMENTS", "tests/api/fixtures/manifest.json");

/// SHA-256 of `query Me { me { id } }`.
const ME: &str = "2e3e49f19828396c35f7f9415f5558239d37f5d85b674851f58bf43337f5aaab";

/// SHA-256 of the login.
const LOGIN: &str = "487982fb0d1ab2dbdb4c69fab57a064a77ac647e87f868d50f2c56b09a2518cc";

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

on_any_database! {
    async fn registered_document_runs_by_text_and_by_id(app: TestApp, [REGISTERED]) {
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

    async fn unregistered_document_is_refused(app: TestApp, [REGISTERED]) {
        for body in [
            json!({ "query": "query Me { me { id  } }" }),
            json!({ "query": "{ __schema { queryType { name } } }" }),
            json!({ "documentId": "unknown" }),
        ] {
            let answer = app.anonymous().post("/graphql", &body).await;
            assert_eq!((answer.code(), answer.body.get("data")), ("BAD_REQUEST", None), "{body}");
        }
    }

    async fn hash_alone_is_not_supported_without_registered_documents(app: TestApp) {
        let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": ME } });
        for (accept, status) in [("*/*", 200), ("application/graphql-response+json", 400)] {
            let client = app.anonymous().header("accept", accept).header("accept-language", "zh-CN");
            let by_get = format!("/graphql?extensions={}", escaped(&hash.to_string()));
            for answer in [
                client.get(&by_get).await,
                client.get(&format!("{by_get}&query=")).await,
                client.get(&format!("/graphql?documentId={ME}")).await,
                client.post("/graphql", &json!({ "extensions": hash })).await,
                client.post("/graphql", &json!({ "extensions": hash, "query": "", "operationName": "Me" })).await,
                client.post("/graphql", &json!({ "documentId": ME, "query": null })).await,
            ] {
                let extensions = json!({
                    "code": "PERSISTED_QUERY_NOT_SUPPORTED",
                    "action": "FIX",
                    "requestId": answer.headers["x-request-id"].to_str().unwrap(),
                });
                let error = json!({ "message": "PersistedQueryNotSupported", "extensions": extensions });
                assert_eq!((answer.status.as_u16(), answer.body), (status, json!({ "errors": [error] })));
            }
        }
    }

    async fn hash_with_a_text_is_ignored_without_registered_documents(app: TestApp) {
        let client = app.log_in("alice").await.client;
        let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "of something else" } });
        let body = json!({ "query": "{ me { id } }", "extensions": hash, "documentId": "of something else" });
        client.post("/graphql", &body).await.data();
        let by_get = format!("/graphql?query=%7Bme%7Bid%7D%7D&extensions={}", escaped(&hash.to_string()));
        client.get(&by_get).await.data();
        // the text is not stored under the hash
        let refused = client.post("/graphql", &json!({ "extensions": hash })).await;
        assert_eq!(refused.code(), "PERSISTED_QUERY_NOT_SUPPORTED");
    }
}
