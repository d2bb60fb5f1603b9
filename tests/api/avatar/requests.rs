//! Upload requests: their form, their size, and their limits.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::{BOUNDARY, assert_none, assert_only, db_pictures, files, form, jpeg, request, upload, uploaded};

/// A body that begins and never continues.
fn stalled(begin: Vec<u8>) -> Body {
    let begin = stream::once(async { Ok::<_, std::io::Error>(Bytes::from(begin)) });
    Body::from_stream(begin.chain(stream::pending()))
}

/// A body of unknown length.
fn chunked(body: &[u8]) -> Body {
    let chunks: Vec<_> =
        body.chunks(16 * 1024).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
    Body::from_stream(stream::iter(chunks))
}

on_any_database! {
    async fn caller_is_authenticated_before_the_body_is_read(app: TestApp) {
        for client in [app.anonymous(), app.with_token("bad")] {
            let refused = timeout(Duration::from_secs(5), client.send(request(), stalled(Vec::new()))).await.unwrap();
            assert_eq!((refused.status.as_u16(), refused.code()), (401, "UNAUTHENTICATED"));
            assert_eq!(refused.error()["action"], "RELOGIN");
            assert!(refused.error()["requestId"].is_string() && refused.body["error"]["message"].is_string());
        }
        let suspended = app.log_in("alice").await;
        app.accounts.suspend(crate::harness::user_key(&suspended)).await.unwrap();
        assert_eq!(upload(&suspended.client, &jpeg()).await.code(), "ACCOUNT_SUSPENDED");
    }

    async fn fields_before_and_after_the_file_are_ignored(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let other = vec![b'x'; 20_000];
        let fields: [(&str, Option<&str>, &[u8]); 5] = [
            ("user", None, b"alice"),
            ("other", Some("file"), &other),
            ("file", Some("../../etc/passwd"), &jpeg()),
            ("file", Some("second"), b"not a picture"),
            ("more", None, &other),
        ];
        let answer = alice.send(request(), form(&fields)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = alice.send(request(), chunked(&form(&fields))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn other_media_types_are_refused(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        for kind in ["application/json", "image/jpeg", "multipart/form-data", "multipart/mixed; boundary=x", ""] {
            let request = Request::post("/api/avatar").header(header::CONTENT_TYPE, kind);
            let refused = alice.send(request, form(&[("file", None, &jpeg())])).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{kind}");
            assert!(refused.message().contains("multipart/form-data"), "{}", refused.text);
        }
        let refused = alice.send(Request::post("/api/avatar"), "").await;
        assert_eq!(refused.code(), "UNSUPPORTED_MEDIA_TYPE");
        let compressed = request().header(header::CONTENT_ENCODING, "gzip");
        assert_eq!(alice.send(compressed, form(&[("file", None, &jpeg())])).await.code(), "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(app.anonymous().get("/api/avatar").await.code(), "METHOD_NOT_ALLOWED");
        assert_none(&app).await;
    }

    async fn more_than_five_mebibytes_are_refused_with_and_without_length(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let long = vec![0; 5 * 1024 * 1024 + 1];
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 * 1024])));
        let refused = [
            alice.send(request(), form(&[("file", None, &long)])).await,
            alice.send(request(), chunked(&form(&[("file", None, &long)]))).await,
            alice
                .send(request(), chunked(&form(&[("other", None, &long[..200_000]), ("file", None, &long[1..])])))
                .await,
            alice.send(request().header(header::CONTENT_LENGTH, "99999999"), stalled(Vec::new())).await,
            alice.send(request(), Body::from_stream(endless)).await,
        ];
        for answer in refused {
            assert_eq!((answer.status.as_u16(), answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{}", answer.text);
        }
        // a body of exactly the limit is read, and refused because it is not a picture
        let longest = alice.send(request(), form(&[("file", None, &long[1..])])).await;
        assert_eq!((longest.status.as_u16(), longest.code()), (400, "BAD_USER_INPUT"));
    }

    async fn body_without_a_file_or_with_a_broken_form_is_refused(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let whole = form(&[("file", None, &jpeg())]);
        for body in [
            form(&[]),
            form(&[("photo", Some("a.jpg"), &jpeg())]),
            form(&[("file", Some("a.jpg"), b"")]),
            Vec::new(),
            b"hello".to_vec(),
            whole[..whole.len() - 10].to_vec(),
            whole[..whole.len() / 2].to_vec(),
            format!("--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--").into_bytes(),
            [format!("--{BOUNDARY}\r\nX: ").into_bytes(), vec![b'x'; 40_000]].concat(),
        ] {
            let refused = alice.send(request(), body).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"), "{}", refused.text);
        }
        assert_none(&app).await;
    }

    async fn slow_upload_times_out(app: TestApp, [("CLIENT_TIMEOUT", "200ms")]) {
        let alice = app.log_in("alice").await.client;
        let whole = form(&[("file", None, &jpeg())]);
        let refused = alice.send(request(), stalled(whole[..300].to_vec())).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (504, "TIMEOUT"));
        let bytes = stream::iter(whole.clone()).then(|byte| async move {
            sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![byte]))
        });
        let began = Instant::now();
        let refused = alice.send(request(), Body::from_stream(bytes)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (504, "TIMEOUT"));
        assert!(began.elapsed() < Duration::from_secs(5));
        uploaded(&alice, &jpeg()).await;
    }

    async fn disconnected_upload_leaves_nothing(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let whole = form(&[("file", None, &jpeg())]);
        for sent in [10, 200, whole.len() - 5] {
            let (client, body) = (alice.clone(), stalled(whole[..sent].to_vec()));
            let sending = tokio::spawn(async move { client.send(request(), body).await });
            sleep(Duration::from_millis(100)).await;
            sending.abort();
            assert!(sending.await.unwrap_err().is_cancelled());
        }
        assert_none(&app).await;
        // a client that disconnects after its last byte has uploaded its picture, or nothing
        for pause in [0, 1, 2, 5, 10, 20] {
            let client = alice.clone();
            let sending = tokio::spawn(async move { upload(&client, &jpeg()).await });
            sleep(Duration::from_millis(pause)).await;
            sending.abort();
        }
        sleep(Duration::from_secs(1)).await;
        app.clock.advance(Duration::from_mins(11));
        app.accounts.purge().await.unwrap();
        assert_eq!(files(&app), db_pictures(&app).await.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert!(files(&app).len() <= 1);
    }

    async fn uploads_of_one_user_are_limited(
        app: TestApp,
        [("LOGIN_RATE_LIMIT", "600/min"), ("AVATAR_RATE_LIMIT", "2/h")]
    ) {
        let (alice, bob) = (app.log_in("alice").await.client, app.log_in("bob").await.client);
        uploaded(&alice, &jpeg()).await;
        // refused pictures count, because they take time too
        assert_eq!(upload(&alice, b"no picture").await.code(), "BAD_USER_INPUT");
        let refused = upload(&alice, &jpeg()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (429, "RATE_LIMITED"));
        assert!(refused.error()["retryAfter"].as_u64().unwrap() > 600 && refused.headers.contains_key("retry-after"));
        uploaded(&bob, &jpeg()).await;
    }

    async fn one_address_can_use_part_of_the_upload_memory(app: TestApp, [("TRUSTED_PROXIES", "127.0.0.1")]) {
        let alice = app.log_in("alice").await.client;
        let large = form(&[("file", None, &vec![0; 4 * 1024 * 1024])]);
        let from = |n: u8| alice.clone().header("x-forwarded-for", format!("203.0.113.{n}"));
        let slow: Vec<_> = (0..8)
            .map(|_| {
                let (client, body) = (from(1), stalled(large[..large.len() - 10].to_vec()));
                tokio::spawn(async move { client.send(request(), body).await })
            })
            .collect();
        let until = Instant::now() + Duration::from_secs(10);
        while upload(&from(1), &jpeg()).await.code_or_none() != Some("OVERLOADED".to_owned()) {
            assert!(Instant::now() < until, "the uploads of one address are not limited");
            sleep(Duration::from_millis(50)).await;
        }
        let path = uploaded(&from(2), &jpeg()).await;
        slow.iter().for_each(tokio::task::JoinHandle::abort);
        assert_only(&app, &path).await;
    }

    async fn listed_origin_may_upload(app: TestApp, [("CORS_ORIGINS", "https://app.example")]) {
        let preflight = Request::options("/api/avatar")
            .header(header::ORIGIN, "https://app.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
        let allowed = app.anonymous().send(preflight, "").await;
        assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
        let alice = app.log_in("alice").await.client.header("origin", "https://app.example");
        let answer = upload(&alice, &jpeg()).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
        assert_eq!(upload(&app.anonymous(), &jpeg()).await.status, 401);
    }
}
