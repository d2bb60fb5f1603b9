//! The line to Redis. A task of its own keeps it, so that no client ever waits for a connection: while the line is down
//! Redis is not asked at all. One who is not answered in time takes the line down for everybody, and says so once.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, RedisError, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long a client waits for Redis before its node counts for itself.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a line that fell rests. Longer than patience, so that nobody who still waits on it takes the next one down.
const REST: Duration = Duration::from_secs(1);

/// How long a new line may take. Nobody waits for it.
const CONNECT: Duration = Duration::from_secs(2);

/// How often a line is tried. One that is idle for longer may be cut on the way without a word, and nobody should find
/// that out by logging in.
const CHECK: Duration = Duration::from_secs(20);

/// The connection while the line is up.
type Up = watch::Sender<Option<MultiplexedConnection>>;

/// The line. Its task ends with it.
pub(super) struct Line {
    up: Arc<Up>,
    keeper: JoinHandle<()>,
}

impl Line {
    /// A line that will be up once `script` is known to Redis and `probe` is answered.
    pub(super) fn open(client: Client, script: &'static Script, probe: ScriptInvocation<'static>) -> Self {
        let up = Arc::new(Up::new(None));
        let keeper = tokio::spawn(keep(Arc::clone(&up), client, script, probe));
        Self { up, keeper }
    }

    /// What Redis answers; `None` where it does not.
    pub(super) async fn ask(&self, step: &ScriptInvocation<'_>) -> Option<u64> {
        let connection = self.up.borrow().clone()?;
        let answer = ask(connection, step).await;
        answer.map_err(|why| fall(&self.up, &why)).ok()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(up: Arc<Up>, client: Client, script: &'static Script, probe: ScriptInvocation<'static>) {
    let mut known_away = false;
    loop {
        match connect(&client, script, &probe).await {
            Ok(connection) => {
                tracing::info!("Redis answers: the nodes count together");
                up.send_replace(Some(connection.clone()));
                hold(&up, connection, &probe).await;
            }
            Err(why) if !known_away => away(&why),
            Err(_) => {}
        }
        known_away = true;
        sleep(REST).await;
    }
}

async fn connect(
    client: &Client,
    script: &Script,
    probe: &ScriptInvocation<'_>,
) -> Result<MultiplexedConnection, String> {
    let opened = async {
        // the one time-out is ours, over all of it
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        script.load_async(&mut connection).await?;
        Ok(connection)
    };
    let connection = in_time(CONNECT, opened).await?;
    ask(connection.clone(), probe).await?;
    Ok(connection)
}

/// Until the line falls.
async fn hold(up: &Up, connection: MultiplexedConnection, probe: &ScriptInvocation<'_>) {
    let mut fallen = up.subscribe();
    while timeout(CHECK, fallen.wait_for(Option::is_none)).await.is_err() {
        if let Err(why) = ask(connection.clone(), probe).await {
            fall(up, &why);
        }
    }
}

async fn ask(mut connection: MultiplexedConnection, step: &ScriptInvocation<'_>) -> Result<u64, String> {
    in_time(PATIENCE, step.invoke_async(&mut connection)).await
}

async fn in_time<T>(patience: Duration, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
    let answer = timeout(patience, answer).await.map_err(|_| "no answer in time".to_owned())?;
    answer.map_err(|error| describe(&error))
}

/// Many find out at once; the first of them says so.
fn fall(up: &Up, why: &str) {
    if up.send_if_modified(|connection| connection.take().is_some()) {
        away(why);
    }
}

fn away(why: &str) {
    tracing::warn!(why, "Redis does not answer: this node counts its own");
}

/// What went wrong, without the server's words: it may have repeated ours, the password too.
fn describe(error: &RedisError) -> String {
    match error.code() {
        _ if error.is_io_error() => error.to_string(),
        Some(code) => format!("it says {code}"),
        None => error.category().to_owned(),
    }
}
