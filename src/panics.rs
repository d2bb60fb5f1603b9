//! Logs each panic as one line, with its source location and the id of the request. The message is not logged, because it
//! can contain secrets.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, Location},
};

use futures_util::FutureExt;

use crate::log_context;

/// A future panicked instead of ending.
#[derive(Debug)]
pub struct Panicked;

/// Replaces the panic hook with one that only logs.
pub fn to_log() {
    std::panic::set_hook(Box::new(|panic| log(panic.location())));
}

/// Runs a future and catches a panic, so that it ends one request and not the whole connection.
///
/// # Errors
/// When the future panicked.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // unwind safe: the state of a request does not outlive it
    AssertUnwindSafe(future).catch_unwind().await.map_err(|_: Box<dyn Any + Send>| Panicked)
}

fn log(location: Option<&Location<'_>>) {
    let request_id = log_context::request_id();
    tracing::error!(request_id = request_id.as_deref(), location = location.map(tracing::field::display), "panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        panic::{set_hook, take_hook},
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::{log_context::LogContext, random::unique_id};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn panic_is_logged_with_location_and_request_id_and_without_its_message() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        // the subscriber belongs to this thread alone; the hook is global and is restored below
        let log = tracing::subscriber::set_default(log);
        let before = take_hook();
        to_log();
        let (id, token) = (unique_id(), "secret");
        let panic = caught(async { assert!(token.is_empty(), "a panic about {token}") });
        let outcome = LogContext::new(id, None).scope(panic).await;
        set_hook(before);
        drop(log);
        assert!(outcome.is_err());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("ERROR") && text.contains(&*id) && text.contains(file!()), "{text}");
        assert!(!text.contains("secret") && !text.contains("about"), "{text}");
    }

    #[tokio::test]
    async fn value_is_returned_if_nothing_panics() {
        assert_eq!(caught(async { 1 }).await.unwrap(), 1);
    }
}
