//! The kinds of logins, which differ in what they write.

use crate::load::Load;

/// The number of users with the maximum number of sessions.
pub(crate) const USERS_AT_LIMIT: u64 = 20_000;

/// The server's default for `sessions_per_user`.
pub(crate) const SESSIONS_PER_USER: u64 = 20;

/// More than the logins of one round: each round numbers its logins from a multiple of it.
const LOGINS: u32 = 100_000;

/// A kind of login.
#[derive(Clone, Copy)]
pub(crate) enum Login {
    /// A known user below the limit of sessions, without a device.
    Known,
    /// A known user, on the device of an existing session.
    Device,
    /// A known user at the limit of sessions.
    AtLimit,
    /// A new user.
    New,
}

impl Login {
    pub(crate) const ALL: [Self; 4] = [Self::Known, Self::Device, Self::AtLimit, Self::New];

    /// The name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Known => "login of a known user",
            Self::Device => "login that replaces the device's session",
            Self::AtLimit => "login that ends the oldest session, at the limit",
            Self::New => "first login of a new user",
        }
    }

    /// The settings of the server.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::AtLimit => "",
            // with few users, each logs in many times in a round
            Self::Known | Self::Device | Self::New => "sessions_per_user = 1000",
        }
    }

    /// The load of one round.
    pub(crate) fn load(self, users: u64, run: &str, round: u32, seconds: u32, connections: u32) -> Load {
        let (kind, users) = match self {
            Self::Known => ("known", users),
            Self::Device => ("device", users),
            Self::AtLimit => ("known", users.min(USERS_AT_LIMIT)),
            Self::New => ("new", users),
        };
        // a repeated code is not a new login, so that the codes contain the measurement's name
        let run = format!("{kind}{}{run}", self as u8);
        let arguments = vec![kind.to_owned(), users.to_string(), run, (round * LOGINS).to_string()];
        Load { script: "login.lua", arguments, connections, seconds }
    }
}
