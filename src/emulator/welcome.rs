//! `GET /`: a text page that explains the emulator and how to get codes.

use axum::http::{HeaderMap, header};

pub(super) async fn page(headers: HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    include_str!("welcome.txt").replace("{host}", host)
}
