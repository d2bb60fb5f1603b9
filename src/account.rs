//! The account story: who logs in, who a token speaks for, how a session is kept and ended, what of a profile may be
//! seen. The decisions are made here; `store` writes them down, `wechat` asks WeChat, `graphql` and `http` only ask us.

mod authenticate;
mod client;
mod events;
mod exchange;
mod follow;
mod housekeeping;
mod limit;
mod listen;
mod live;
mod login;
mod profile;
mod refresh;
mod reseal;
mod sessions;
mod uses;

pub use authenticate::{SignedIn, Viewer, viewer};
pub use client::{Client, Device, network_of};
pub use limit::Limits;
pub use listen::{AccountEvent, Presence};
pub use login::LoginRequest;
pub use profile::{Fault, Flaw, ProfileField, ProfileRequest, ProfileUpdate};
pub use reseal::Resealed;
pub use sessions::{LogoutScope, SESSIONS_PER_PAGE, SessionPage};

pub use crate::store::{Edit, Window};

use std::{cmp::min, sync::Arc};

use entity::{Timestamp, session, user};
use events::Events;
use live::Live;
use secrecy::SecretString;
use uses::Uses;

use crate::{
    clock::SharedClock,
    config::{Config, Sessions},
    error::ApiError,
    store::Store,
    token::{Claims, KeyRing, RefreshToken},
    wechat::Wechat,
};

/// The accounts of all users.
#[derive(Debug)]
pub struct Accounts {
    /// Where they are kept.
    pub store: Store,
    /// Who vouches for the users.
    pub wechat: Wechat,
    /// What signs and seals.
    pub keys: Arc<KeyRing>,
    /// What time it is.
    pub clock: SharedClock,
    /// How long sessions live, and how many.
    pub sessions: Sessions,
    /// How often clients may knock.
    pub limits: Limits,
    live: Live,
    uses: Uses,
    events: Arc<Events>,
}

/// The two tokens of a session.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Sent with each request.
    pub access: SecretString,
    /// When the access token ceases to be good.
    pub access_expires_at: Timestamp,
    /// Traded for a new pair.
    pub refresh: SecretString,
    /// When the session ends unless it is refreshed.
    pub refresh_expires_at: Timestamp,
}

/// A session that was opened or refreshed, with its tokens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The tokens.
    pub tokens: Tokens,
    /// The user.
    pub user: user::Model,
    /// The session.
    pub session: session::Model,
    /// Whether this made the user.
    pub is_new_user: bool,
}

impl Accounts {
    /// The accounts in a store, by the settings.
    #[must_use]
    pub fn new(
        config: &Config,
        store: Store,
        wechat: Wechat,
        keys: Arc<KeyRing>,
        limits: Limits,
        clock: SharedClock,
    ) -> Self {
        let live = Live::new(config.sessions.cached);
        let events = Events::new(config.subscriptions_per_user);
        let sessions = config.sessions.clone();
        Self { store, wechat, keys, clock, sessions, limits, live, uses: Uses::default(), events }
    }

    /// Writes the tokens of a session as it stands.
    fn tokens(&self, session: &session::Model, app_id: &str, now: Timestamp) -> Result<Tokens, ApiError> {
        // a JWT counts in whole seconds; what we tell the client is what stands in the token
        let expires_at = whole_seconds(min(now + self.sessions.access_ttl, session.expires_at));
        let claims = Claims {
            user: session.user_id,
            session: session.id,
            app_id: app_id.to_owned(),
            issued_at: now,
            expires_at,
        };
        let refresh = RefreshToken { session: session.id, generation: session.refresh_generation };
        Ok(Tokens {
            access: self.keys.access_token(&claims).map_err(ApiError::internal)?.into(),
            access_expires_at: expires_at,
            refresh: self.keys.refresh_token(refresh),
            refresh_expires_at: session.expires_at,
        })
    }

    /// When a session ends that is opened or refreshed now.
    fn session_end_after(&self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        min(now + self.sessions.refresh_ttl, created_at + self.sessions.max_age)
    }
}

fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds()).unwrap_or(moment)
}
