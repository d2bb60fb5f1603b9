//! A wire between somebody and a server, which a test can cut.

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

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Both ways, all is passed on.
    Passes,
    /// Nothing is passed on until that changes; nobody is told.
    Stalls,
    /// Connections are closed, old ones and new ones.
    Cut,
    /// What the server says is kept back.
    Withholds,
    /// All is passed on, a millisecond later.
    Delays,
}

/// How long a wire delays.
const DELAY: Duration = Duration::from_millis(1);

/// A wire, and how often its connections were lost.
type State = (Wire, u32);

/// The wire to one server. It is cut when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    withheld: Arc<Mutex<Vec<u8>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Lays a wire to a server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, withheld) = (watch::Sender::new((Wire::Passes, 0)), Arc::default());
        let serving = tokio::spawn(accept(listener, server, state.clone(), Arc::clone(&withheld)));
        Self { address, state, withheld, serving }
    }

    /// Changes what the wire does.
    pub(crate) fn set(&self, wire: Wire) {
        self.state.send_modify(|state| state.0 = wire);
    }

    /// Loses all connections there are without telling either end. New ones are good.
    pub(crate) fn lose(&self) {
        self.state.send_modify(|state| state.1 += 1);
    }

    /// What was kept back so far.
    pub(crate) fn withheld(&self) -> String {
        String::from_utf8_lossy(&self.withheld.lock().unwrap()).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Wire::Cut);
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: watch::Sender<State>, kept: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (changes, kept) = (state.subscribe(), Arc::clone(&kept));
        tokio::spawn(async move {
            let mut opening = changes.clone();
            let opened_in = opening.borrow().1;
            if !passes(&mut opening, opened_in, false).await {
                return;
            }
            let Ok(server) = TcpStream::connect(server).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            // whichever ends first takes the other with it
            tokio::select! {
                () = forward(from_client, to_server, changes.clone(), opened_in, None) => {}
                () = forward(from_server, to_client, changes, opened_in, Some(&kept)) => {}
            }
        });
    }
}

/// Waits until something may be passed on; false where the wire is cut. `is_answer` tells the direction.
async fn passes(changes: &mut watch::Receiver<State>, opened_in: u32, is_answer: bool) -> bool {
    loop {
        let state = *changes.borrow_and_update();
        match state {
            (Wire::Cut, _) => return false,
            (_, lost) if lost != opened_in => {}
            (Wire::Passes, _) => return true,
            (Wire::Delays, _) => {
                sleep(DELAY).await;
                return true;
            }
            (Wire::Withholds, _) if !is_answer => return true,
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
    kept: Option<&Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = is_cut(changes.clone()) => return,
        };
        let Ok(length @ 1..) = read else { return };
        if changes.borrow().0 == Wire::Withholds
            && let Some(kept) = kept
        {
            kept.lock().unwrap().extend(&buffer[..length]);
        }
        let is_passed = passes(&mut changes, opened_in, kept.is_some()).await;
        if !is_passed || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn is_cut(mut changes: watch::Receiver<State>) {
    if changes.wait_for(|state| state.0 == Wire::Cut).await.is_err() {
        pending::<()>().await;
    }
}
