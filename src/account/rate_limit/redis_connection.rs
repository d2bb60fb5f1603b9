//! The connection to Redis. A task of its own keeps it, so that no client waits for a connection: while there is none,
//! Redis is not asked. A step that is not answered in time drops the connection for all, and logs that once.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, RedisError, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long a client waits for Redis before its node counts by itself.
const STEP_TIMEOUT: Duration = Duration::from_millis(100);

/// How long to wait before reconnecting. Longer than a step may take, so that a late step does not drop the next
/// connection.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// How long connecting may take. No client waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a connection is probed. One that is idle for longer may be cut without notice, and no login should be the
/// one to find out.
const PROBE_INTERVAL: Duration = Duration::from_secs(20);

/// The connection while there is one.
type Current = watch::Sender<Option<MultiplexedConnection>>;

/// The connection. Its task ends with it.
pub(super) struct RedisConnection {
    current: Arc<Current>,
    task: JoinHandle<()>,
}

impl RedisConnection {
    /// Connects in the background; usable once `script` is loaded and `probe` is answered.
    pub(super) fn open(client: Client, script: &'static Script, probe: ScriptInvocation<'static>) -> Self {
        let current = Arc::new(Current::new(None));
        let task = tokio::spawn(keep_connected(Arc::clone(&current), client, script, probe));
        Self { current, task }
    }

    /// The answer of Redis to a step; `None` where there is none.
    pub(super) async fn run(&self, step: &ScriptInvocation<'_>) -> Option<u64> {
        let connection = self.current.borrow().clone()?;
        run(connection, step).await.map_err(|why| disconnect(&self.current, &why)).ok()
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
            Err(why) if !is_reported => report_away(&why),
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
        // our own time-out covers all of it
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

async fn run(mut connection: MultiplexedConnection, step: &ScriptInvocation<'_>) -> Result<u64, String> {
    in_time(STEP_TIMEOUT, step.invoke_async(&mut connection)).await
}

async fn in_time<T>(limit: Duration, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
    let answer = timeout(limit, answer).await.map_err(|_| "no answer in time".to_owned())?;
    answer.map_err(|error| describe(&error))
}

/// Many steps fail at once; only the first is logged.
fn disconnect(current: &Current, why: &str) {
    if current.send_if_modified(|connection| connection.take().is_some()) {
        report_away(why);
    }
}

fn report_away(why: &str) {
    tracing::warn!(why, "Redis does not answer: this node counts its own");
}

/// The error without the server's own words, which may repeat ours, the password among them.
fn describe(error: &RedisError) -> String {
    match error.code() {
        _ if error.is_io_error() => error.to_string(),
        Some(code) => format!("it says {code}"),
        None => error.category().to_owned(),
    }
}
