//! Avatars in a bucket. The fake bucket records its calls: PUT, GET and DELETE with path-style addresses.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{avatar_url, clear, db_pictures, jpeg, png, upload, uploaded};
use crate::harness::TestApp;

#[derive(Clone, Default)]
struct Bucket(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    objects: HashMap<String, (String, Bytes)>,
    calls: Vec<String>,
    is_down: bool,
    /// Runs during the next write.
    on_put: Option<Interruption>,
}

/// Runs during a write, before the bucket stores the object.
type Interruption = Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>;

impl Bucket {
    async fn start() -> (Self, SocketAddr) {
        let bucket = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(bucket.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (bucket, address)
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().objects.keys().cloned().collect()
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

async fn answer(State(bucket): State<Bucket>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let interruption = if method == Method::PUT { bucket.0.lock().unwrap().on_put.take() } else { None };
    if let Some(interruption) = interruption {
        interruption().await;
    }
    let mut inner = bucket.0.lock().unwrap();
    inner.calls.push(format!("{method} {}", uri.path()));
    let signature = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_signed = signature.starts_with("AWS4-HMAC-SHA256 Credential=the-key/")
        && signature.contains("/cn-north-1/s3/aws4_request")
        && signature.contains("Signature=");
    if !is_signed || signature.contains("the-secret") {
        return StatusCode::FORBIDDEN.into_response();
    }
    if inner.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let name = uri.path().to_owned();
    let dated = [(header::LAST_MODIFIED, "Sat, 28 Nov 2026 00:00:00 GMT"), (header::ETAG, "\"1\"")];
    match method {
        Method::PUT => {
            let kind = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            inner.objects.insert(name, (kind, body));
            dated.into_response()
        }
        Method::GET | Method::HEAD => match inner.objects.get(&name) {
            Some((_, bytes)) => (dated, bytes.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Method::DELETE => {
            inner.objects.remove(&name);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Another node, which stores avatars in a bucket.
async fn with_bucket(app: &TestApp) -> (Bucket, TestApp) {
    let (bucket, address) = Bucket::start().await;
    let url = format!("s3://pictures?endpoint=http://{address}&region=cn-north-1");
    let settings: Vec<(&'static str, &'static str)> =
        vec![("MEDIA_URL", url.leak()), ("MEDIA_ACCESS_KEY", "the-key"), ("MEDIA_SECRET_KEY", "the-secret")];
    (bucket, app.another_node_with(settings.leak()).await)
}

on_any_database! {
    async fn avatars_are_stored_in_the_bucket(app: TestApp) {
        let (bucket, app) = with_bucket(&app).await;
        let alice = app.log_in("alice").await.client;
        let first = uploaded(&alice, &jpeg()).await;
        let object = first.replace("/media/", "/pictures/");
        assert_eq!((bucket.names(), bucket.calls()), (vec![object.clone()], vec![format!("PUT {object}")]));
        assert_eq!(bucket.0.lock().unwrap().objects[&object].0, "image/jpeg");
        let served = app.anonymous().get(&first).await;
        assert_eq!((served.status.as_u16(), &served.headers["content-type"]), (200, &"image/jpeg".parse().unwrap()));
        assert_eq!(served.bytes, bucket.0.lock().unwrap().objects[&object].1);
        let second = uploaded(&alice, &png()).await;
        assert_eq!(bucket.names(), [second.replace("/media/", "/pictures/")]);
        assert_eq!(app.anonymous().get(&first).await.status, 404);
        assert_eq!(db_pictures(&app).await.len(), 1);
    }

    async fn failed_upload_keeps_the_old_avatar_and_is_swept_later(app: TestApp) {
        let (bucket, app) = with_bucket(&app).await;
        let alice = app.log_in("alice").await.client;
        let first = uploaded(&alice, &jpeg()).await;
        bucket.0.lock().unwrap().is_down = true;
        let failed = upload(&alice, &jpeg()).await;
        assert_eq!((failed.status.as_u16(), failed.code()), (500, "INTERNAL_SERVER_ERROR"));
        assert_eq!(avatar_url(&alice).await, format!("http://api.example{first}"));
        clear(&alice).await;
        assert_eq!(avatar_url(&alice).await, Value::Null);
        app.accounts.purge().await.unwrap();
        assert_eq!(bucket.names().len(), 1, "the object could not be deleted");
        bucket.0.lock().unwrap().is_down = false;
        app.accounts.purge().await.unwrap();
        assert_eq!(
            (bucket.names().len(), db_pictures(&app).await.len()),
            (0, 1),
            "the bucket may still be writing the second object"
        );
        app.clock.advance(std::time::Duration::from_mins(11));
        app.accounts.purge().await.unwrap();
        assert_eq!(db_pictures(&app).await.len(), 0);
    }
}

on_any_database! {
    async fn account_deleted_during_an_upload_leaves_no_object(app: TestApp) {
        let (bucket, app) = with_bucket(&app).await;
        let alice = app.log_in("alice").await;
        let (node, owner) = (app.clone(), crate::harness::user_key(&alice));
        bucket.0.lock().unwrap().on_put = Some(Box::new(move || {
            Box::pin(async move {
                assert!(node.accounts.delete_now(owner).await.unwrap());
                node.accounts.purge().await.unwrap();
            })
        }));
        assert_eq!(upload(&alice.client, &jpeg()).await.code(), "UNAUTHENTICATED");
        assert_eq!(bucket.names(), [""; 0]);
        app.accounts.purge().await.unwrap();
        assert_eq!(db_pictures(&app).await.len(), 0);
    }

    async fn sweep_stops_after_a_few_failures_and_retries_failed_objects_last(app: TestApp) {
        let (bucket, app) = with_bucket(&app).await;
        for n in 0..8 {
            let user = app.log_in(&format!("user{n}")).await;
            uploaded(&user.client, &jpeg()).await;
            clear(&user.client).await;
            app.clock.advance(std::time::Duration::from_millis(1));
        }
        let deletions = |calls: Vec<String>| {
            let mut paths: Vec<_> = calls.into_iter().filter(|call| call.starts_with("DELETE")).collect();
            paths.dedup();
            paths
        };
        bucket.0.lock().unwrap().is_down = true;
        let mut passes = Vec::new();
        for _ in 0..2 {
            bucket.calls();
            app.accounts.purge().await.unwrap();
            app.clock.advance(std::time::Duration::from_millis(1));
            passes.push(deletions(bucket.calls()));
        }
        assert_eq!((passes[0].len(), passes[1].len()), (5, 5));
        assert!(passes[1][..3].iter().all(|path| !passes[0].contains(path)), "{passes:?}");
    }
}
