//! The URL of an avatar is absolute everywhere, and a client may send its own one back.

use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{assert_only, avatar_url, db_pictures, jpeg, uploaded};
use crate::harness::{Client, Subscriber};

const UPDATE: &str = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) {
    user { avatarUrl nickname } userErrors { code field message } } }";

async fn update(client: &Client, input: Value) -> Value {
    let client = client.clone().header("host", "api.example");
    client.graphql(UPDATE, json!({ "input": input })).await.data()["updateProfile"].clone()
}

on_each_database! {
    async fn own_avatar_url_sent_back_keeps_the_avatar(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        let address = format!("http://api.example{path}");
        for sent in [
            address.clone(),
            format!("https://old.example{path}"),
            format!("{address}?t=1"),
            format!("HTTPS://API.example:443/.{path}#x"),
            format!("https://old.example{path}?t=1"),
        ] {
            let updated = update(&alice, json!({ "avatarUrl": sent, "nickname": "Alice" })).await;
            assert_eq!(updated["user"], json!({ "avatarUrl": address, "nickname": "Alice" }), "{updated}");
        }
        app.accounts.purge().await.unwrap();
        assert_only(&app, &path).await;
    }

    async fn another_or_no_url_deletes_the_uploaded_avatar(app: TestApp) {
        for next in [json!("https://elsewhere.example/1.png"), Value::Null] {
            let alice = app.log_in("alice").await.client;
            let path = uploaded(&alice, &jpeg()).await;
            let updated = update(&alice, json!({ "avatarUrl": next })).await;
            assert_eq!(updated["user"]["avatarUrl"], next);
            app.accounts.purge().await.unwrap();
            assert_eq!((app.anonymous().get(&path).await.status.as_u16(), db_pictures(&app).await.len()), (404, 0));
        }
    }

    async fn avatar_url_of_another_user_is_refused(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await.client, app.log_in("bob").await.client);
        let path = uploaded(&alice, &jpeg()).await;
        for address in [
            format!("http://api.example{path}"),
            format!("https://api.example{path}"),
            format!("HTTPS://api.example{path}"),
            format!("https://API.example:443{path}"),
            format!("https://api.example/.{path}"),
            format!("https://api.example{path}?t=1"),
            format!("https://api.example{path}#x"),
        ] {
            let refused = update(&bob, json!({ "avatarUrl": address })).await;
            let message = "This uploaded picture is not yours, or is no longer in use.";
            let error = json!([{ "code": "INVALID", "field": ["input", "avatarUrl"], "message": message }]);
            assert_eq!(refused["userErrors"], error, "{address}");
        }
        assert_eq!(avatar_url(&bob).await, Value::Null);
    }
}

on_any_database! {
    async fn avatar_url_has_the_origin_of_the_request(app: TestApp, [("TRUSTED_PROXIES", "127.0.0.1")]) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        let seen = async |headers: &[(&'static str, &str)]| {
            let client = headers.iter().fold(alice.clone(), |client, (name, value)| client.header(name, *value));
            client.graphql("{ me { avatarUrl } }", json!({})).await.data()["me"]["avatarUrl"].clone()
        };
        for (headers, base) in [
            (&[("host", "a.example:8443")][..], "http://a.example:8443"),
            (&[("host", "a.example"), ("x-forwarded-proto", "https")], "https://a.example"),
            (&[("host", "a.example"), ("x-forwarded-proto", "https, http")], "https://a.example"),
            (&[("host", "a.example/x?")], "http://localhost"),
            (&[], "http://localhost"),
        ] {
            assert_eq!(seen(headers).await, format!("{base}{path}"), "{headers:?}");
        }
    }

    async fn scheme_is_taken_only_from_trusted_proxies(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        let client = alice.header("x-forwarded-proto", "https");
        assert_eq!(avatar_url(&client).await, format!("http://api.example{path}"));
    }

    async fn configured_origin_is_used_by_graphql_and_rest_and_subscriptions(
        app: TestApp,
        [("PUBLIC_URL", "https://public.example/account/")]
    ) {
        let alice = app.log_in("alice").await;
        let (here, _tailing) = (app.listen().await, app.tail_feed());
        let mut subscriber = Subscriber::initialised(&here.address, &alice.token).await;
        subscriber
            .subscribe("1", "subscription { accountEvents { ... on ProfileChangedEvent { user { avatarUrl } } } }")
            .await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let answer = super::upload(&alice.client, &jpeg()).await;
        let address = answer.body["avatarUrl"].as_str().unwrap().to_owned();
        assert!(address.starts_with("https://public.example/account/media/"), "{address}");
        // the direct query, and the executor
        for query in ["{ me { avatarUrl } }", "{ me { ...{ avatarUrl } } }"] {
            for _ in 0..2 {
                let answer = alice.client.graphql(query, json!({})).await;
                assert_eq!(answer.data()["me"]["avatarUrl"], *address, "{query}");
            }
        }
        let others = app.log_in("bob").await.client;
        let seen =
            others.graphql("query($id: ID!) { user(id: $id) { avatarUrl } }", json!({ "id": alice.user_id })).await;
        assert_eq!(seen.data()["user"]["avatarUrl"], *address);
        let rest = app.anonymous().post("/api/login", &json!({ "code": "alice.again" })).await;
        assert_eq!(rest.body["user"]["avatarUrl"], *address, "{}", rest.text);
        assert_eq!(subscriber.next_event().await["user"]["avatarUrl"], *address);
    }

    async fn subscriber_gets_urls_with_the_origin_of_its_connection(app: TestApp) {
        let alice = app.log_in("alice").await;
        let (here, _tailing) = (app.listen().await, app.tail_feed());
        let mut subscriber = Subscriber::initialised(&here.address, &alice.token).await;
        subscriber
            .subscribe("1", "subscription { accountEvents { ... on ProfileChangedEvent { user { avatarUrl } } } }")
            .await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let path = uploaded(&alice.client, &jpeg()).await;
        assert_eq!(subscriber.next_event().await["user"]["avatarUrl"], format!("http://{}{path}", here.address));
    }

    async fn avatar_is_served_as_immutable_and_only_as_an_image(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        let served = app.anonymous().get(&path).await;
        for (name, value) in [
            ("content-type", "image/jpeg"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("x-content-type-options", "nosniff"),
            ("content-disposition", "inline; filename=\"avatar.jpg\""),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("content-length", &served.bytes.len().to_string()),
        ] {
            assert_eq!(served.headers[name], value, "{name}");
        }
        let tag = served.headers["etag"].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = app.anonymous().header("if-none-match", known).get(&path).await;
            assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
            assert_eq!(again.headers["etag"], *tag);
        }
        assert_eq!(app.anonymous().header("if-none-match", "\"x\"").get(&path).await.status, 200);
        let head = app.anonymous().send(Request::head(&path).header(header::ACCEPT, "*/*"), "").await;
        assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
        assert_eq!(head.headers["content-length"], served.headers["content-length"]);
        assert_eq!(app.anonymous().send(Request::delete(&path), "").await.code(), "METHOD_NOT_ALLOWED");
    }

    async fn only_avatars_can_be_read(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        std::fs::write(app.media.join("secret.jpg"), "secret").unwrap();
        std::fs::write(app.media.with_file_name("0123456789abcdef0123456789abcdef.jpg"), "secret").unwrap();
        let name = path.strip_prefix("/media/").unwrap();
        for other in [
            "/media/".to_owned(),
            "/media".to_owned(),
            "/media/secret.jpg".to_owned(),
            "/media/..%2f0123456789abcdef0123456789abcdef.jpg".to_owned(),
            "/media/../0123456789abcdef0123456789abcdef.jpg".to_owned(),
            format!("/media/./{name}"),
            format!("/media//{name}"),
            format!("/media/{name}/"),
            format!("/media/{}", name.to_uppercase()),
            format!("/media/{name}%00"),
            "/media/0123456789abcdef0123456789abcdef.jpg".to_owned(),
        ] {
            let refused = app.anonymous().get(&other).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (404, "NOT_FOUND"), "{other}");
        }
    }
}
