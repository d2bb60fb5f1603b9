//! A scripted WeChat on a loopback port that records the calls. It uses plain threads and sockets, so that it can
//! violate HTTP.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use reqwest::Url;

pub(super) const SESSION: &str = r#"{"openid":"oOpenid_1","session_key":"SessionKey+/==","unionid":"uUnionid_1"}"#;

pub(super) enum Reply {
    /// Status 200 with this body, as `text/plain`.
    Body(String),
    /// Status 200 with this body; then the connection is closed without `Connection: close`.
    LastBody(String),
    /// These bytes as the whole response.
    Raw(String),
    /// No response; the connection stays open.
    Hang,
    /// The connection is closed without a response.
    Close,
    /// 64 MiB in chunks.
    Endless,
}

pub(super) fn refusal(errcode: i64) -> Reply {
    let rid = "rid: 6683da8d-0a1b2c3d-4e5f6071";
    Reply::Body(format!(r#"{{"errcode":{errcode},"errmsg":"refused SecretErrmsg, {rid}"}}"#))
}

/// The parameters of a call. `(path)`, `(headers)` and `(connection)` are its path, its headers and the number of its
/// connection.
pub(super) type Call = HashMap<String, String>;
type Script = dyn Fn(usize, &Call) -> Reply + Send + Sync;

#[derive(Clone)]
pub(super) struct Upstream {
    pub(super) base: String,
    state: Arc<State>,
}

struct State {
    script: Box<Script>,
    calls: Mutex<Vec<Call>>,
    bytes: AtomicUsize,
}

impl Upstream {
    /// Replies to call number n (from 1) with `script(n, call)`.
    pub(super) fn start(script: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = State { script: Box::new(script), calls: Mutex::default(), bytes: AtomicUsize::new(0) };
        let upstream = Self { base, state: Arc::new(state) };
        let serving = upstream.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(connection, &stream.unwrap()));
            }
        });
        upstream
    }

    /// Replies to each call with the same body.
    pub(super) fn with_body(body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_, _| Reply::Body(body.clone()))
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.calls().len()
    }

    /// The bytes of an endless response that were written.
    pub(super) fn bytes(&self) -> usize {
        self.state.bytes.load(SeqCst)
    }

    fn serve(&self, connection: usize, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(mut call) = read_call(&mut reader) {
            call.insert("(connection)".to_owned(), connection.to_string());
            let number = {
                let mut calls = self.state.calls.lock().unwrap();
                calls.push(call.clone());
                calls.len()
            };
            match (self.state.script)(number, &call) {
                Reply::Body(body) => write(stream, &ok(&body)),
                Reply::LastBody(body) => return write(stream, &ok(&body)),
                Reply::Raw(response) => return write(stream, &response),
                Reply::Hang => thread::sleep(Duration::from_mins(10)),
                Reply::Close => return,
                Reply::Endless => return self.write_endlessly(stream),
            }
        }
    }

    fn write_endlessly(&self, mut stream: &TcpStream) {
        write(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        for _ in 0..1024 {
            if stream.write_all(chunk.as_bytes()).is_err() {
                return;
            }
            self.state.bytes.fetch_add(0x10000, SeqCst);
        }
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn write(mut stream: &TcpStream, response: &str) {
    // fails if the client has disconnected
    drop(stream.write_all(response.as_bytes()));
}

fn read_call(reader: &mut BufReader<&TcpStream>) -> Option<Call> {
    let mut lines = String::new();
    while !lines.ends_with("\r\n\r\n") {
        match reader.read_line(&mut lines) {
            Ok(0) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            read => drop(read.unwrap()),
        }
    }
    let (request_line, headers) = lines.split_once("\r\n").unwrap();
    let [method, target, _] = request_line.split(' ').collect::<Vec<_>>()[..] else { panic!("{request_line}") };
    let url = Url::parse(&format!("http://upstream{target}")).unwrap();
    let mut call: Call = url.query_pairs().into_owned().collect();
    call.insert("(path)".to_owned(), format!("{method} {}", url.path()));
    call.insert("(headers)".to_owned(), headers.to_lowercase());
    Some(call)
}
