//! How fast things go on a connection.

use std::time::Duration;

/// How long things may take on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Until the client has introduced itself.
    pub(super) introduction: Duration,
    /// Between two looks at the clock.
    pub(super) look: Duration,
    /// Between two pings.
    pub(super) ping: Duration,
    /// Without a sign of life from the client.
    pub(super) silence: Duration,
    /// To write one message.
    pub(super) write: Duration,
    /// To say good-bye.
    pub(super) farewell: Duration,
}

impl Pace {
    /// The usual pace, for clients that may not take longer than so long to say what they want.
    pub(super) fn within(patience: Duration) -> Self {
        let usual = Self::default();
        Self { introduction: usual.introduction.min(patience), ..usual }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            introduction: Duration::from_secs(10),
            look: Duration::from_secs(1),
            ping: Duration::from_secs(25),
            silence: Duration::from_mins(1),
            write: Duration::from_secs(3),
            farewell: Duration::from_millis(500),
        }
    }
}
