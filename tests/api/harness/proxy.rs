//! A TCP proxy in front of a server, which can cut, stall and delay connections.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// What the proxy does with the bytes of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyMode {
    /// Forwards everything.
    Forward,
    /// Forwards nothing until the mode changes, without an error at either end.
    Stall,
    /// Closes all connections, also new ones.
    Cut,
    /// Forwards only requests, and holds back responses.
    Withhold,
    /// Forwards everything a millisecond later.
    Delay,
}

/// The delay of [`ProxyMode::Delay`].
const DELAY: Duration = Duration::from_millis(1);

/// The mode, and how often connections were lost.
type State = (ProxyMode, u32);

/// The proxy of one server. Its connections are closed when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    withheld: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to a server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, withheld) = (watch::Sender::new((ProxyMode::Forward, 0)), Arc::default());
        let serving = tokio::spawn(accept(listener, server, state.clone(), Arc::clone(&withheld)));
        Self { address, state, withheld, serving }
    }

    /// Changes the mode.
    pub(crate) fn set(&self, mode: ProxyMode) {
        self.state.send_modify(|state| state.0 = mode);
    }

    /// Silently loses all current connections: neither end gets an error. New ones work.
    pub(crate) fn lose_connections(&self) {
        self.state.send_modify(|state| state.1 += 1);
    }

    /// The responses that were held back so far.
    pub(crate) fn withheld(&self) -> String {
        String::from_utf8_lossy(&self.withheld.lock().unwrap()).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(ProxyMode::Cut);
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: watch::Sender<State>, withheld: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (changes, withheld) = (state.subscribe(), Arc::clone(&withheld));
        tokio::spawn(async move {
            let mut opening = changes.clone();
            let opened_in = opening.borrow().1;
            if !may_forward(&mut opening, opened_in, false).await {
                return;
            }
            let Ok(server) = TcpStream::connect(server).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            // the end of one direction ends the other
            tokio::select! {
                () = forward(from_client, to_server, changes.clone(), opened_in, None) => {}
                () = forward(from_server, to_client, changes, opened_in, Some(&withheld)) => {}
            }
        });
    }
}

/// Waits until bytes may be forwarded; false if the connections are cut. `is_response` is the direction.
async fn may_forward(changes: &mut watch::Receiver<State>, opened_in: u32, is_response: bool) -> bool {
    loop {
        let state = *changes.borrow_and_update();
        match state {
            (ProxyMode::Cut, _) => return false,
            (_, lost) if lost != opened_in => {}
            (ProxyMode::Forward, _) => return true,
            (ProxyMode::Delay, _) => {
                sleep(DELAY).await;
                return true;
            }
            (ProxyMode::Withhold, _) if !is_response => return true,
            _ => {}
        }
        if changes.changed().await.is_err() {
            return pending().await;
        }
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut changes: watch::Receiver<State>,
    opened_in: u32,
    withheld: Option<&Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = is_cut(changes.clone()) => return,
        };
        let Ok(length @ 1..) = read else { return };
        if changes.borrow().0 == ProxyMode::Withhold
            && let Some(withheld) = withheld
        {
            withheld.lock().unwrap().extend(&buffer[..length]);
        }
        let is_forwarded = may_forward(&mut changes, opened_in, withheld.is_some()).await;
        if !is_forwarded || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn is_cut(mut changes: watch::Receiver<State>) {
    if changes.wait_for(|state| state.0 == ProxyMode::Cut).await.is_err() {
        pending::<()>().await;
    }
}
