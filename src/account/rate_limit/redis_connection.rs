//! The connection to Redis. A background task opens it and reconnects, so that no client waits for a connection; while
//! there is none, Redis is not used. A call that exceeds its time limit closes the connection for all calls, and is
//! logged once.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, RedisError, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// The time limit of a call. After it, the node counts by itself.
const CALL_TIMEOUT: Duration = Duration::from_millis(100);

/// The delay before reconnecting. Longer than the time limit of a call, so that a late call does not close the next
/// connection.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// The time limit for connecting. No client waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval of probes. A middlebox may drop an idle connection silently, and no login should be the first to
/// notice.
const PROBE_INTERVAL: Duration = Duration::from_secs(20);

/// The current connection, if there is one.
type Current = watch::Sender<Option<MultiplexedConnection>>;

/// The connection. Dropping it stops its task.
pub(super) struct RedisConnection {
    current: Arc<Current>,
    task: JoinHandle<()>,
}

impl RedisConnection {
    /// Connects in the background. The connection is used once `script` is loaded and `probe` succeeds.
    pub(super) fn open(client: Client, script: &'static Script, probe: ScriptInvocation<'static>) -> Self {
        let current = Arc::new(Current::new(None));
        let task = tokio::spawn(keep_connected(Arc::clone(&current), client, script, probe));
        Self { current, task }
    }

    /// Runs a call, and returns the result; `None` if Redis is unavailable.
    pub(super) async fn run(&self, call: &ScriptInvocation<'_>) -> Option<u64> {
        let connection = self.current.borrow().clone()?;
        run(connection, call).await.map_err(|why| disconnect(&self.current, &why)).ok()
    }
}

impl Drop for RedisConnection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_connected(
    current: Arc<Current>,
    client: Client,
    script: &'static Script,
    probe: ScriptInvocation<'static>,
) {
    let mut is_reported = false;
    loop {
        match connect(&client, script, &probe).await {
            Ok(connection) => {
                tracing::info!("Redis answers: the nodes count together");
                current.send_replace(Some(connection.clone()));
                probe_until_disconnected(&current, connection, &probe).await;
            }
            Err(why) if !is_reported => report_unavailable(&why),
            Err(_) => {}
        }
        is_reported = true;
        sleep(RECONNECT_AFTER).await;
    }
}

async fn connect(
    client: &Client,
    script: &Script,
    probe: &ScriptInvocation<'_>,
) -> Result<MultiplexedConnection, String> {
    let opened = async {
        // `in_time` limits the whole
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        script.load_async(&mut connection).await?;
        Ok(connection)
    };
    let connection = in_time(CONNECT_TIMEOUT, opened).await?;
    run(connection.clone(), probe).await?;
    Ok(connection)
}

async fn probe_until_disconnected(current: &Current, connection: MultiplexedConnection, probe: &ScriptInvocation<'_>) {
    let mut watched = current.subscribe();
    while timeout(PROBE_INTERVAL, watched.wait_for(Option::is_none)).await.is_err() {
        if let Err(why) = run(connection.clone(), probe).await {
            disconnect(current, &why);
        }
    }
}

async fn run(mut connection: MultiplexedConnection, call: &ScriptInvocation<'_>) -> Result<u64, String> {
    in_time(CALL_TIMEOUT, call.invoke_async(&mut connection)).await
}

async fn in_time<T>(limit: Duration, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
    let answer = timeout(limit, answer).await.map_err(|_| "no answer in time".to_owned())?;
    answer.map_err(|error| describe(&error))
}

/// Closes the connection. Many calls fail at the same time; only the first one is logged.
fn disconnect(current: &Current, why: &str) {
    if current.send_if_modified(|connection| connection.take().is_some()) {
        report_unavailable(why);
    }
}

fn report_unavailable(why: &str) {
    tracing::warn!(why, "Redis does not answer: this node counts its own");
}

/// A description of the error without the server's message, which may quote our request with the password.
fn describe(error: &RedisError) -> String {
    match error.code() {
        _ if error.is_io_error() => error.to_string(),
        Some(code) => format!("it says {code}"),
        None => error.category().to_owned(),
    }
}
