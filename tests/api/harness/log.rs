//! Captures the log.

use std::{
    io,
    sync::{Arc, Mutex, Once, OnceLock},
};

use miniaccount::{config::LogFormat, telemetry};
use tracing::{Dispatch, subscriber::NoSubscriber};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt};

/// Prints the log of every server to stderr if `TEST_LOG` contains a filter, such as `error` or `miniaccount=debug`.
/// Only the log has the cause of an `INTERNAL_SERVER_ERROR`.
pub(crate) fn print_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(filter) = EnvFilter::try_from_env("TEST_LOG") else { return };
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(io::stderr).init();
    });
}

/// The whole log of the crates of this workspace.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures the log of this thread from now on.
    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let filter = "miniaccount=trace,entity=trace,migration=trace";
        self.capture_with(filter)
    }

    /// The same with a filter, in the format of `LOG`.
    pub(crate) fn capture_with(&self, filter: &str) -> tracing::subscriber::DefaultGuard {
        // A second dispatcher. While there is only one, a callsite that another thread reaches first asks the
        // dispatcher of that thread whether it is enabled, and is disabled for this thread too.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::new()));
        let writer = self.clone();
        let layer = telemetry::layer(filter, LogFormat::Text, false, move || writer.clone());
        tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
    }

    /// The number of occurrences of a text.
    pub(crate) fn times(&self, words: &str) -> usize {
        self.text().matches(words).count()
    }

    /// The log so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
