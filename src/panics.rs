//! What becomes of a panic: one line in the log, with the place in the source and the request it happened in. Its words
//! are not logged: they can hold whatever the code had in its hands.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, Location},
};

use futures_util::FutureExt;

use crate::random::Name;

tokio::task_local! {
    /// Id of the request the task is about.
    static REQUEST: Name;
}

/// A future panicked instead of ending.
#[derive(Debug)]
pub struct Panicked;

/// From now on the log tells of panics, and nothing else does.
pub fn to_log() {
    std::panic::set_hook(Box::new(|panic| tell(panic.location())));
}

/// Runs what answers a request. A panic ends that, and not the connection, on which other requests may be under way.
///
/// # Errors
/// When it panicked.
pub async fn caught<T>(request_id: Name, work: impl Future<Output = T>) -> Result<T, Panicked> {
    // nothing of a request outlives it, so there is nothing half-done to be seen afterwards
    let outcome = REQUEST.scope(request_id, AssertUnwindSafe(work).catch_unwind()).await;
    outcome.map_err(|_: Box<dyn Any + Send>| Panicked)
}

fn tell(place: Option<&Location<'_>>) {
    let request_id = REQUEST.try_with(|id| *id).ok();
    tracing::error!(request_id = request_id.as_deref(), place = place.map(tracing::field::display), "panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        panic::{set_hook, take_hook},
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::random::name;

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
    async fn a_panic_is_one_line_with_its_place_and_its_request_and_without_its_words() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        // the test has one thread, so the log is that of the test alone; the hook is everybody's
        let log = tracing::subscriber::set_default(log);
        let before = take_hook();
        to_log();
        let (id, token) = (name(), "secret");
        let outcome = caught(id, async { assert!(token.is_empty(), "a panic about {token}") }).await;
        set_hook(before);
        drop(log);
        assert!(outcome.is_err());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("ERROR") && text.contains(&*id) && text.contains(file!()), "{text}");
        assert!(!text.contains("secret") && !text.contains("about"), "{text}");
    }

    #[tokio::test]
    async fn what_does_not_panic_is_as_it_was() {
        assert_eq!(caught(name(), async { 1 }).await.unwrap(), 1);
    }
}
