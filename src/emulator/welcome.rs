//! `GET /`: says what this is and how to get a code, to a person with a browser.

use axum::http::{HeaderMap, header};

pub(super) async fn page(headers: HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    include_str!("welcome.txt").replace("{host}", host)
}
