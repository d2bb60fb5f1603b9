//! Tracks the requests and responses of a connection, and decides when it times out. HTTP itself sets no limit to a
//! client that sends no requests, or does not read its responses.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper::Version;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// How long a client may take to read a response. The longest are the explorer's files, about 1 MB.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);

/// The deadline is checked this often within the shorter timeout, because received bytes can move it forward.
const CHECKS_PER_TIMEOUT: u32 = 4;

/// The timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct ConnectionTimeouts {
    /// For the head of a request, from its first byte; for the first request, from the start of the connection.
    pub(in crate::server) head: Duration,
    /// Between two requests. Proxies reuse connections that were idle for a minute.
    pub(in crate::server) keep_alive: Duration,
}

/// The activity of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    timeouts: ConnectionTimeouts,
    /// Whether the server has few connections left. Idle connections then time out after `head`.
    near_limit: watch::Receiver<bool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests without a response. Their handlers limit the time.
    requests: usize,
    /// Responses that the client has not read completely, by the time they were ready. A number distinguishes equal
    /// times.
    responses: BTreeSet<(Instant, u64)>,
    response_count: u64,
    /// When the last request or response ended.
    idle_since: Instant,
    /// The protocol of the latest request.
    protocol: Option<Version>,
    /// When the first byte after the latest request came: it begins the head of the next one.
    head_began: Option<Instant>,
}

/// Counts a request until its response is ready or it is dropped.
#[derive(Debug)]
pub(super) struct RequestGuard {
    activity: Arc<Activity>,
    has_response: bool,
}

/// Counts a response until it is dropped, which is when the client has read it.
#[derive(Debug)]
pub(super) struct ResponseGuard {
    activity: Arc<Activity>,
    response: (Instant, u64),
}

impl Activity {
    /// The activity of a new connection.
    pub(super) fn new(timeouts: ConnectionTimeouts, near_limit: watch::Receiver<bool>) -> Self {
        let (responses, idle_since) = (BTreeSet::new(), Instant::now());
        let state = State { requests: 0, responses, response_count: 0, idle_since, protocol: None, head_began: None };
        Self { timeouts, near_limit, state: Mutex::new(state) }
    }

    /// Counts a request.
    pub(super) fn start_request(self: &Arc<Self>, protocol: Version) -> RequestGuard {
        let mut state = self.state();
        state.requests += 1;
        state.protocol = Some(protocol);
        state.head_began = None;
        drop(state);
        RequestGuard { activity: Arc::clone(self), has_response: false }
    }

    /// Notes that bytes came. In HTTP/1.1, bytes between two requests begin the next head; in HTTP/2 they may be other
    /// frames.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.is_idle() && state.protocol.is_some_and(|protocol| protocol < Version::HTTP_2) {
            state.head_began.get_or_insert_with(Instant::now);
        }
    }

    /// Waits until the connection times out.
    pub(super) async fn timed_out(&self) {
        let mut near_limit = self.near_limit.clone();
        loop {
            let is_near_limit = *near_limit.borrow_and_update();
            let (now, deadline) = (Instant::now(), self.state().deadline(self.timeouts, is_near_limit));
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            let next_check = now + self.timeouts.head.min(self.timeouts.keep_alive) / CHECKS_PER_TIMEOUT;
            let sleep = sleep_until(deadline.map_or(next_check, |deadline| deadline.min(next_check)));
            tokio::select! {
                () = sleep => {}
                Ok(()) = near_limit.changed() => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a panic under the lock leaves the state consistent
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.requests == 0 && self.responses.is_empty()
    }

    /// When the connection times out if nothing changes; `None` while only a handler takes time.
    fn deadline(&self, timeouts: ConnectionTimeouts, is_near_limit: bool) -> Option<Instant> {
        if let Some((ready, _)) = self.responses.first() {
            return Some(*ready + RESPONSE_TIMEOUT);
        }
        let idle_timeout = if self.protocol.is_none() || is_near_limit { timeouts.head } else { timeouts.keep_alive };
        let head_deadline = self.head_began.map(|began| began + timeouts.head);
        let deadline = [head_deadline, Some(self.idle_since + idle_timeout)].into_iter().flatten().min();
        deadline.filter(|_| self.requests == 0)
    }

    fn mark_idle(&mut self) {
        self.idle_since = Instant::now();
        self.head_began = None;
    }
}

impl RequestGuard {
    /// Counts the response in place of the request.
    pub(super) fn start_response(mut self) -> ResponseGuard {
        self.has_response = true;
        let mut state = self.activity.state();
        state.requests -= 1;
        state.response_count += 1;
        let response = (Instant::now(), state.response_count);
        state.responses.insert(response);
        ResponseGuard { activity: Arc::clone(&self.activity), response }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if !self.has_response {
            let mut state = self.activity.state();
            state.requests -= 1;
            state.mark_idle();
        }
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.responses.remove(&self.response);
        state.mark_idle();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const HEAD: Duration = Duration::from_millis(200);

    const TIMEOUTS: ConnectionTimeouts = ConnectionTimeouts { head: HEAD, keep_alive: Duration::from_secs(30) };

    const HTTP: Version = Version::HTTP_11;

    impl Default for Activity {
        fn default() -> Self {
            Self::new(TIMEOUTS, not_near_limit())
        }
    }

    impl Activity {
        /// The time until the deadline.
        fn remaining(&self) -> Option<Duration> {
            let deadline = self.state().deadline(self.timeouts, *self.near_limit.borrow());
            deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
        }

        /// Whether the connection is idle between two requests.
        fn is_in_keep_alive(&self) -> bool {
            let keep_alive = TIMEOUTS.keep_alive;
            self.remaining().is_some_and(|remaining| remaining <= keep_alive && remaining > keep_alive / 2)
        }
    }

    #[test]
    fn idle_connection_and_unread_response_have_deadlines_and_a_running_request_has_none() {
        let activity = Arc::new(Activity::default());
        assert!(activity.remaining().is_some_and(|remaining| remaining <= HEAD), "the first head has its timeout");
        let (slow, other) = (activity.start_request(HTTP), activity.start_request(HTTP));
        assert_eq!(activity.remaining(), None, "the handlers have no deadline here");
        let slow = slow.start_response();
        drop(activity.start_request(HTTP).start_response());
        let remaining = activity.remaining().unwrap();
        assert!(remaining > TIMEOUTS.keep_alive && remaining <= RESPONSE_TIMEOUT, "{remaining:?}");
        drop(other.start_response());
        assert!(activity.remaining().unwrap() <= remaining);
        drop(slow);
        assert!(activity.is_in_keep_alive());
        drop(activity.start_request(HTTP));
        assert!(activity.is_in_keep_alive(), "a cancelled request no longer counts");
    }

    #[test]
    fn incomplete_head_has_the_timeout_of_a_head() {
        let activity = Arc::new(Activity::default());
        drop(activity.start_request(HTTP).start_response());
        assert!(activity.is_in_keep_alive());
        activity.received();
        assert!(activity.remaining().is_some_and(|remaining| remaining <= HEAD));
        let request = activity.start_request(HTTP);
        // these bytes are its body
        activity.received();
        drop(request.start_response());
        assert!(activity.is_in_keep_alive());
        // in HTTP/2 they may be a window update or a ping
        let activity = Arc::new(Activity::default());
        drop(activity.start_request(Version::HTTP_2).start_response());
        activity.received();
        assert!(activity.is_in_keep_alive());
    }

    #[tokio::test]
    async fn connection_times_out_at_its_deadline_and_not_before() {
        let timeouts = ConnectionTimeouts { head: HEAD, keep_alive: HEAD };
        let activity = Arc::new(Activity::new(timeouts, not_near_limit()));
        let request = activity.start_request(HTTP);
        assert!(timeout(HEAD * 3, activity.timed_out()).await.is_err());
        let done = async {
            sleep(HEAD).await;
            drop(request.start_response());
            Instant::now()
        };
        let (done, ()) = tokio::join!(done, activity.timed_out());
        assert!(done.elapsed() >= HEAD && done.elapsed() < HEAD * 20);
    }

    #[tokio::test]
    async fn idle_connection_times_out_sooner_near_the_limit() {
        let near_limit = watch::Sender::new(false);
        let activity = Arc::new(Activity::new(TIMEOUTS, near_limit.subscribe()));
        drop(activity.start_request(HTTP).start_response());
        assert!(timeout(HEAD * 3, activity.timed_out()).await.is_err());
        near_limit.send_replace(true);
        timeout(TIMEOUTS.keep_alive / 2, activity.timed_out()).await.unwrap();
    }

    fn not_near_limit() -> watch::Receiver<bool> {
        watch::Sender::new(false).subscribe()
    }
}
