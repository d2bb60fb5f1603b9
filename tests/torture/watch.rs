//! Polls a server, and records when it authenticates the client.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use crate::{
    BOUND,
    harness::{ApiResponse, Client, TestApp},
};

/// The intervals of polling one server: before the end, after it until the first refusal, and after the refusal, which
/// gives one more request before the bound and one after it.
const BEFORE_END: Duration = Duration::from_millis(250);
const AFTER_END: Duration = Duration::from_millis(60);
const AFTER_REFUSAL: Duration = Duration::from_millis(600);

/// How long a client waits for a response.
const RESPONSE_LIMIT: Duration = Duration::from_secs(5);

/// When the end was acknowledged.
pub(crate) type Ended = OnceLock<Instant>;

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    /// The session ended, with this reason.
    Refused(String),
    /// Any other error, with its code.
    Failed(String),
}

/// A request and its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) began: Instant,
    pub(crate) responded: Instant,
    pub(crate) verdict: Verdict,
}

impl Observation {
    async fn of(request: impl Future<Output = ApiResponse>) -> Self {
        let began = Instant::now();
        let verdict = match timeout(RESPONSE_LIMIT, request).await {
            Ok(answer) if answer.body.get("errors").is_none() => Verdict::Admitted,
            Ok(answer) if answer.code() == "UNAUTHENTICATED" => Verdict::Refused(answer.refusal().to_owned()),
            Ok(answer) => Verdict::Failed(answer.code().to_owned()),
            Err(_) => Verdict::Failed("no response".to_owned()),
        };
        Self { began, responded: Instant::now(), verdict }
    }

    pub(crate) fn is_admitted(&self) -> bool {
        self.verdict == Verdict::Admitted
    }

    fn is_refused(&self) -> bool {
        matches!(self.verdict, Verdict::Refused(_))
    }
}

/// Sends `me` to one server until after the bound.
pub(crate) async fn watch(client: Client, ended: &Ended) -> Vec<Observation> {
    let mut all = Vec::new();
    loop {
        let observation = Observation::of(client.me()).await;
        let (began, is_refused) = (observation.began, observation.is_refused());
        all.push(observation);
        match ended.get() {
            Some(ended) if began > *ended + BOUND => return all,
            Some(ended) if is_refused => {
                let left = (*ended + BOUND).saturating_duration_since(Instant::now());
                sleep(AFTER_REFUSAL.min(left + Duration::from_millis(1))).await;
            }
            Some(_) => sleep(AFTER_END).await,
            None => sleep(BEFORE_END).await,
        }
    }
}

/// Refreshes on each server in turn until two servers have refused.
pub(crate) async fn refresh(apps: &[TestApp], token: &str, ended: &Ended) -> Vec<Observation> {
    let (mut all, mut refused) = (Vec::new(), 0);
    for app in apps.iter().cycle() {
        let observation = Observation::of(app.anonymous().refresh(token)).await;
        refused += u32::from(observation.is_refused());
        all.push(observation);
        if refused == 2 {
            break;
        }
        sleep(if ended.get().is_some() { AFTER_END } else { BEFORE_END }).await;
    }
    all
}
