//! Asks again and again, and writes down when it was let in.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use crate::{
    BOUND,
    harness::{Answer, Client, TestApp},
};

/// Between two requests of one client on one server: before the end, and from there until it is refused. After that it
/// asks once more before the bound, and once behind it.
const CALM: Duration = Duration::from_millis(250);
const EAGER: Duration = Duration::from_millis(60);
const SURE: Duration = Duration::from_millis(600);

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// When the end was acknowledged.
pub(crate) type Ended = OnceLock<Instant>;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    LetIn,
    /// The session is over, and why.
    Refused(String),
    /// The server could not tell.
    Failed(String),
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) began: Instant,
    pub(crate) answered: Instant,
    pub(crate) verdict: Verdict,
}

impl Seen {
    async fn of(answer: impl Future<Output = Answer>) -> Self {
        let began = Instant::now();
        let verdict = match timeout(PATIENCE, answer).await {
            Ok(answer) if answer.body.get("errors").is_none() => Verdict::LetIn,
            Ok(answer) if answer.code() == "UNAUTHENTICATED" => Verdict::Refused(answer.refusal().to_owned()),
            Ok(answer) => Verdict::Failed(answer.code().to_owned()),
            Err(_) => Verdict::Failed("no answer".to_owned()),
        };
        Self { began, answered: Instant::now(), verdict }
    }

    pub(crate) fn is_let_in(&self) -> bool {
        self.verdict == Verdict::LetIn
    }

    fn is_refused(&self) -> bool {
        matches!(self.verdict, Verdict::Refused(_))
    }
}

/// Asks `me` on one server, until past the bound.
pub(crate) async fn watch(client: Client, ended: &Ended) -> Vec<Seen> {
    let mut all = Vec::new();
    loop {
        let seen = Seen::of(client.me()).await;
        let (began, is_refused) = (seen.began, seen.is_refused());
        all.push(seen);
        match ended.get() {
            Some(ended) if began > *ended + BOUND => return all,
            Some(ended) if is_refused => {
                let left = (*ended + BOUND).saturating_duration_since(Instant::now());
                sleep(SURE.min(left + Duration::from_millis(1))).await;
            }
            Some(_) => sleep(EAGER).await,
            None => sleep(CALM).await,
        }
    }
}

/// Refreshes on each server in turn, until the one where the session ended and another one have refused.
pub(crate) async fn refresh(apps: &[TestApp], token: &str, ended: &Ended) -> Vec<Seen> {
    let (mut all, mut refused) = (Vec::new(), 0);
    for app in apps.iter().cycle() {
        let seen = Seen::of(app.anonymous().refresh(token)).await;
        refused += u32::from(seen.is_refused());
        all.push(seen);
        if refused == 2 {
            break;
        }
        sleep(if ended.get().is_some() { EAGER } else { CALM }).await;
    }
    all
}
