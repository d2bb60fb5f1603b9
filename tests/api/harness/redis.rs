//! A Redis that concurrent tests share, and proxies to it that a test can block.

use std::{
    io,
    net::Ipv6Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use miniaccount::{account::network_of, random};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::TestApp;

/// The limit for connecting, also on a busy machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The Redis of `TEST_REDIS_URL`.
pub(crate) struct TestRedis {
    pub(crate) url: String,
    client: redis::Client,
}

impl TestRedis {
    /// `None` if none is configured.
    pub(crate) fn find() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let Some(url) = std::env::var("TEST_REDIS_URL").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: TEST_REDIS_URL is not set");
            return None;
        };
        let client = redis::Client::open(url.as_str()).unwrap();
        Some(Self { url, client })
    }

    /// Starts a proxy to Redis.
    pub(crate) async fn proxy(&self) -> RedisProxy {
        let redis::ConnectionAddr::Tcp(host, port) = self.client.get_connection_info().addr() else {
            panic!("the tests need a Redis without TLS");
        };
        RedisProxy::start(format!("{host}:{port}")).await
    }

    /// Waits until a server counts in Redis. The server must trust the `x-forwarded-for` header of its clients.
    pub(crate) async fn wait_until_used_by(&self, app: &TestApp) {
        let used = async {
            while !self.is_used_by(app).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(CONNECT_TIMEOUT, used).await.expect("the server does not count in Redis");
    }

    async fn is_used_by(&self, app: &TestApp) -> bool {
        let address = random_address();
        app.anonymous().header("x-forwarded-for", address.to_string()).login("").await;
        self.has_count(&format!("login:{}", network_of(address.into()))).await
    }

    /// Whether there is a count with this name.
    pub(crate) async fn has_count(&self, name: &str) -> bool {
        let mut connection = self.client.get_multiplexed_async_connection().await.unwrap();
        let key = format!("{{miniaccount}}:limit:{name}");
        redis::cmd("EXISTS").arg(key).query_async(&mut connection).await.unwrap()
    }
}

/// An address in a network that no other test uses.
pub(crate) fn random_address() -> Ipv6Addr {
    let [a, b, c, d] = random::bytes();
    Ipv6Addr::new(0x2001, 0xdb8, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), 0, 0, 0, 1)
}

/// A proxy to Redis. It ends when dropped.
pub(crate) struct RedisProxy {
    pub(crate) url: String,
    blocked: watch::Sender<bool>,
    sent: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

impl RedisProxy {
    async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (blocked, sent) = (watch::Sender::new(false), Arc::default());
        let serving = tokio::spawn(serve(listener, target, blocked.clone(), Arc::clone(&sent)));
        Self { url, blocked, sent, serving }
    }

    /// Forwards nothing from now on. Connections stay open, and new ones are accepted.
    pub(crate) fn block(&self) {
        self.blocked.send_replace(true);
    }

    /// Forwards what was held back, and everything after it.
    pub(crate) fn unblock(&self) {
        self.blocked.send_replace(false);
    }

    /// Everything that was sent to Redis.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned()
    }
}

impl Drop for RedisProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, target: String, blocked: watch::Sender<bool>, sent: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&target).await.unwrap();
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let sent = Arc::clone(&sent);
        let record = move |bytes: &[u8]| sent.lock().unwrap().extend(bytes);
        tokio::spawn(forward(from_client, to_server, blocked.subscribe(), record));
        tokio::spawn(forward(from_server, to_client, blocked.subscribe(), |_| ()));
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut blocked: watch::Receiver<bool>,
    record: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let length = from.read(&mut bytes).await?;
        blocked.wait_for(|blocked| !blocked).await.ok();
        record(&bytes[..length]);
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..length]).await?;
    }
}
