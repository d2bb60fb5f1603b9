//! A Redis for several tests at once, and ways to it that a test can block.

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

/// How long a line may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The Redis that `TEST_REDIS_URL` names.
pub(crate) struct TestRedis {
    pub(crate) url: String,
    client: redis::Client,
}

impl TestRedis {
    /// `None` where none is named.
    pub(crate) fn find() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let Some(url) = std::env::var("TEST_REDIS_URL").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: TEST_REDIS_URL is not set");
            return None;
        };
        let client = redis::Client::open(url.as_str()).unwrap();
        Some(Self { url, client })
    }

    /// A way to it that can be blocked.
    pub(crate) async fn proxy(&self) -> Proxy {
        let redis::ConnectionAddr::Tcp(host, port) = self.client.get_connection_info().addr() else {
            panic!("the Redis for tests is one without TLS");
        };
        Proxy::start(format!("{host}:{port}")).await
    }

    /// Waits until what a server counts is there; it must trust the address that a client tells.
    pub(crate) async fn wait_for(&self, app: &TestApp) {
        let counts = async {
            while !self.counts(app).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counts).await.expect("the server does not count in Redis");
    }

    async fn counts(&self, app: &TestApp) -> bool {
        let address = somewhere();
        app.anonymous().header("x-forwarded-for", address.to_string()).login("").await;
        self.has(&format!("login:{}", network_of(address.into()))).await
    }

    /// Whether something is counted under a name.
    pub(crate) async fn has(&self, name: &str) -> bool {
        let mut connection = self.client.get_multiplexed_async_connection().await.unwrap();
        let key = format!("{{miniaccount}}:limit:{name}");
        redis::cmd("EXISTS").arg(key).query_async(&mut connection).await.unwrap()
    }
}

/// An address in a network that no other test has.
pub(crate) fn somewhere() -> Ipv6Addr {
    let [a, b, c, d] = random::bytes();
    Ipv6Addr::new(0x2001, 0xdb8, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), 0, 0, 0, 1)
}

/// A way to Redis, or to nowhere. It ends when dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    blocked: watch::Sender<bool>,
    sent: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (blocked, sent) = (watch::Sender::new(false), Arc::default());
        let serving = tokio::spawn(serve(listener, target, blocked.clone(), Arc::clone(&sent)));
        Self { url, blocked, sent, serving }
    }

    /// From now on nothing comes through; connections stay open, and new ones are taken.
    pub(crate) fn block(&self) {
        self.blocked.send_replace(true);
    }

    /// What was kept comes through, and all that follows.
    pub(crate) fn unblock(&self) {
        self.blocked.send_replace(false);
    }

    /// All that was sent to Redis.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned()
    }
}

impl Drop for Proxy {
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
        let keep = move |bytes: &[u8]| sent.lock().unwrap().extend(bytes);
        tokio::spawn(pass(from_client, to_server, blocked.subscribe(), keep));
        tokio::spawn(pass(from_server, to_client, blocked.subscribe(), |_| ()));
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut blocked: watch::Receiver<bool>,
    keep: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let length = from.read(&mut bytes).await?;
        blocked.wait_for(|blocked| !blocked).await.ok();
        keep(&bytes[..length]);
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&bytes[..length]).await?;
    }
}
