//! The request that the current task belongs to. Its fields are added to each line of the log.
//!
//! A task-local holds the fields, and the formatter of the log (`telemetry`) reads them. A span enabled at `info` would
//! be registered, and its fields formatted, for each request, although most requests log nothing at that level. The
//! task-local costs a read only when a line is written. Spans exist in addition, at `debug`.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
};

use futures_util::future::Either;
use uuid::Uuid;

use crate::random::UniqueId;

/// Maximum length of a logged operation name, in bytes: the client chooses the name.
const MAX_OPERATION_LEN: usize = 64;

tokio::task_local! {
    static CURRENT: LogContext;
}

/// The fields of one request. They contain no secrets: only our own ids, and validated names.
#[derive(Clone, Debug)]
pub struct LogContext {
    request_id: UniqueId,
    trace_id: Option<u128>,
    operation: RefCell<Option<Box<str>>>,
    app: RefCell<Option<Box<str>>>,
    user: Cell<Option<Uuid>>,
    session: Cell<Option<Uuid>>,
}

impl LogContext {
    /// The context of a new request; `trace_id` is taken from a valid `traceparent` header (W3C Trace Context).
    #[must_use]
    pub fn new(request_id: UniqueId, trace_id: Option<u128>) -> Self {
        let [operation, app] = [const { RefCell::new(None) }; 2];
        Self { request_id, trace_id, operation, app, user: Cell::new(None), session: Cell::new(None) }
    }

    /// Runs a future with this context.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Calls `write` with each field that is known.
    fn each(&self, mut write: impl FnMut(&str, &dyn fmt::Display) -> fmt::Result) -> fmt::Result {
        write("request_id", &&*self.request_id)?;
        if let Some(trace_id) = self.trace_id {
            write("trace_id", &format_args!("{trace_id:032x}"))?;
        }
        for (name, text) in [("operation", &self.operation), ("app", &self.app)] {
            if let Some(text) = &*text.borrow() {
                write(name, text)?;
            }
        }
        for (name, id) in [("user", self.user.get()), ("session", self.session.get())] {
            if let Some(id) = id {
                write(name, &id)?;
            }
        }
        Ok(())
    }
}

/// Runs a future with the context of the current task: for tasks spawned on behalf of a request.
pub fn inherit<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match CURRENT.try_with(Clone::clone) {
        Ok(context) => Either::Left(context.scope(work)),
        Err(_) => Either::Right(work),
    }
}

/// The id of the current request, if there is one.
#[must_use]
pub fn request_id() -> Option<UniqueId> {
    CURRENT.try_with(|context| context.request_id).ok()
}

/// The user of the current request, if it is known.
#[must_use]
pub fn user() -> Option<Uuid> {
    CURRENT.try_with(|context| context.user.get()).ok().flatten()
}

/// Adds the operation name. A name that is too long, or not a valid GraphQL name, is ignored.
pub fn set_operation(name: &str) {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name && name.len() <= MAX_OPERATION_LEN {
        set(|context| *context.operation.borrow_mut() = Some(name.into()));
    }
}

/// Adds the appid of a configured mini program.
pub fn set_app(id: &str) {
    set(|context| *context.app.borrow_mut() = Some(id.into()));
}

/// Adds the ids of the authenticated caller and their session.
pub fn set_caller(user: Uuid, session: Uuid) {
    set(|context| {
        context.user.set(Some(user));
        context.session.set(Some(session));
    });
}

fn set(change: impl FnOnce(&LogContext)) {
    // outside of a request there is no context, and nothing to add
    let _ = CURRENT.try_with(change);
}

/// Calls `write` with each field of the current request.
///
/// # Errors
/// That of `write`.
pub fn fields(write: impl FnMut(&str, &dyn fmt::Display) -> fmt::Result) -> fmt::Result {
    CURRENT.try_with(|context| context.each(write)).unwrap_or(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::unique_id;

    fn logged() -> String {
        let mut line = String::new();
        fields(|name, value| fmt::Write::write_fmt(&mut line, format_args!("{name}={value};"))).unwrap();
        line
    }

    #[tokio::test]
    async fn spawned_task_inherits_the_fields_of_its_request() {
        let (id, ids) = (unique_id(), (Uuid::from_u128(1), Uuid::from_u128(2)));
        let request = async {
            set_operation("Me");
            set_operation("no name");
            set_operation(&"x".repeat(MAX_OPERATION_LEN + 1));
            set_app("wx1");
            set_caller(ids.0, ids.1);
            tokio::spawn(inherit(async { logged() })).await.unwrap()
        };
        let line = LogContext::new(id, Some(10)).scope(request).await;
        let expected =
            format!("request_id={};trace_id={:032x};operation=Me;app=wx1;user={};session={};", &*id, 10, ids.0, ids.1);
        assert_eq!(line, expected);
    }

    #[tokio::test]
    async fn outside_of_a_request_there_are_no_fields() {
        set_operation("Me");
        assert_eq!((logged(), inherit(async { logged() }).await), (String::new(), String::new()));
        assert!(request_id().is_none() && user().is_none());
    }
}
