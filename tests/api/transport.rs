//! The real program over real connections: protocols, lengths and codings of bodies, slow clients, and overload.

mod overload;
mod slow;

use std::{io::Read, process::Command};

use axum::http::{Method, header};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::spawn_blocking,
};

use crate::harness::{ApiResponse, Program, ServerProcess, folder};

/// Both paths of the login.
const PATHS: [&str; 2] = ["/graphql", "/api/login"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_serves_several_requests() {
    let (_folder, server) = serve("").await;
    assert_eq!(curl(&server, "--http1.1", 2).await, "1.1 200 1\n1.1 200 0\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_may_use_http_2_with_prior_knowledge() {
    let (_folder, server) = serve("").await;
    // once: curl 7.88 fails when it reuses such a connection
    assert_eq!(curl(&server, "--http2-prior-knowledge", 1).await, "2 200 1\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_response_is_compressed_on_request_and_a_short_one_is_not() {
    let (_folder, server) = serve("").await;
    let get = |path: &str, coding| {
        client().get(format!("{}{path}", server.api)).header(header::ACCEPT_ENCODING, coding).send()
    };
    let plain = get("/schema.graphql", "identity").await.unwrap();
    assert!(plain.headers().get(header::CONTENT_ENCODING).is_none());
    let plain = plain.text().await.unwrap();
    for coding in ["gzip", "br"] {
        let packed = get("/schema.graphql", coding).await.unwrap();
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], coding);
        assert_eq!(packed.headers()[header::VARY], "Accept-Encoding");
        let bytes = packed.bytes().await.unwrap();
        assert!(bytes.len() < plain.len() / 2, "{} of {}", bytes.len(), plain.len());
        let mut text = String::new();
        if coding == "gzip" {
            flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
        } else {
            brotli::Decompressor::new(&*bytes, 4096).read_to_string(&mut text).unwrap();
        }
        assert_eq!(text, plain);
    }
    assert!(get("/livez", "gzip, br").await.unwrap().headers().get(header::CONTENT_ENCODING).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_gets_the_headers_of_get() {
    let (_folder, server) = serve("").await;
    for (path, coding) in [("/schema.graphql", "gzip"), ("/schema.graphql", "identity"), ("/livez", "gzip")] {
        let headers_of = async |method| {
            let request = client().request(method, format!("{}{path}", server.api));
            let answer = request.header(header::ACCEPT_ENCODING, coding).send().await.unwrap();
            let names = [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::VARY, header::CONTENT_TYPE];
            names.map(|name| answer.headers().get(name).cloned())
        };
        assert_eq!(headers_of(Method::HEAD).await, headers_of(Method::GET).await, "{path} {coding}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_body_is_refused() {
    let (_folder, server) = serve("").await;
    for path in PATHS {
        for coding in ["gzip", "br", "deflate", "identity, gzip", "whatever"] {
            let answer = answer(post(&server, path).header(header::CONTENT_ENCODING, coding)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{coding}");
            assert!(answer.message().contains("Compressed"), "{}", answer.text);
        }
        for coding in ["Identity", "identity, identity"] {
            let plain = answer(post(&server, path).header(header::CONTENT_ENCODING, coding)).await;
            assert_eq!(plain.status, 200, "{}", plain.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_body_is_refused_with_and_without_content_length() {
    let (_folder, server) = serve("").await;
    for path in PATHS {
        let long = format!("{{\"query\":\"{}\"}}", " ".repeat(64 * 1024));
        let whole = exchange(&server, &request(path, &format!("Content-Length: {}", long.len()), &long)).await;
        let chunked = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
        let chunked = exchange(&server, &request(path, "Transfer-Encoding: chunked", &chunked)).await;
        for answer in [whole, chunked] {
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
        }
        // the declared length is enough for the refusal
        let refused = exchange(&server, &request(path, "Content-Length: 99999999999", &long)).await;
        assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    }
    assert!(server.is_up().await);
}

/// Starts the program with a settings file.
async fn serve(settings: &str) -> (TempDir, ServerProcess) {
    let folder = folder();
    std::fs::write(folder.path().join("miniaccount.toml"), settings).unwrap();
    let program = Program::new(folder.path(), &[]);
    (folder, spawn_blocking(move || program.serve()).await.unwrap())
}

fn client() -> Client {
    Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// A request that is valid for GraphQL and for the login by REST.
fn post(server: &ServerProcess, path: &str) -> RequestBuilder {
    let body = if path == "/graphql" {
        json!({ "query": "{ serverInfo { version } }" })
    } else {
        json!({ "code": "emulator:alice" })
    };
    let request = client().post(format!("{}{path}", server.api)).header(header::CONTENT_TYPE, "application/json");
    request.body(body.to_string())
}

async fn answer(request: RequestBuilder) -> ApiResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let bytes = text.clone().into_bytes();
    ApiResponse { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text, bytes }
}

/// Version, status and number of new connections of each of `times` consecutive requests.
async fn curl(server: &ServerProcess, version: &str, times: usize) -> String {
    let url = format!("{}/livez", server.api);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--noproxy", "*", version, "-w", "%{http_version} %{http_code} %{num_connects}\n"]);
    for _ in 0..times {
        curl.args(["-o", "/dev/null", &url]);
    }
    let output = spawn_blocking(move || curl.output()).await.unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

async fn connect(server: &ServerProcess) -> TcpStream {
    TcpStream::connect(server.api.trim_start_matches("http://")).await.unwrap()
}

/// The bytes of an HTTP/1.1 request.
fn request(path: &str, header: &str, body: &str) -> String {
    let fixed = "Host: localhost\r\nContent-Type: application/json\r\nConnection: close";
    format!("POST {path} HTTP/1.1\r\n{fixed}\r\n{header}\r\n\r\n{body}")
}

/// Sends bytes, and reads to the end. After a refusal the connection may be reset.
async fn exchange(server: &ServerProcess, text: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(text.as_bytes()).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}
