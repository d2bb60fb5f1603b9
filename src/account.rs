//! Accounts: login, authentication, the life cycle of sessions, and who may see which fields of a profile. This module
//! makes the decisions; `store` writes them to the database, `wechat` calls WeChat's API, `graphql` and `http` call the
//! methods of [`Accounts`], whose fields are private to this module.

mod access_token;
mod client;
mod events;
mod hosted;
mod housekeeping;
mod identity;
mod lifecycle;
mod login;
mod media;
mod phone;
mod phone_problem;
mod poll_backoff;
mod profile;
mod push;
mod rate_limit;
mod refusal;
mod session;
mod single_flight;

pub use client::{Client, Device, network_of};
pub use events::{AccountEvent, UserConnection};
pub use hosted::{Hosted, HostedCaller};
pub use identity::{AccountMerge, IdentityLink, Resealed, WechatData};
pub use lifecycle::{AccountExport, Deletion};
pub use login::LoginRequest;
pub use phone::PhoneUpdate;
pub use phone_problem::PhoneProblem;
pub use profile::{FieldError, FieldErrorKind, ProfileField, ProfileRequest, ProfileUpdate};
pub use push::PushAnswer;
pub use rate_limit::RateLimits;
pub use refusal::Refusal;
pub use session::{IssuedSession, LogoutScope, SESSIONS_PER_PAGE, SessionPage, SignedIn, Tokens, Viewer, viewer};

pub use crate::{
    store::{Edit, PageRequest, UnionConflict, UserRows},
    wechat::PushQuery,
};

use std::{sync::Arc, time::Duration};

use entity::Timestamp;
use serde_json::Value;

use crate::{
    clock::SharedClock,
    config::{Config, Content, Sessions},
    media::{DecodePool, Storage, StorageError},
    store::{DbErr, Store},
    token::KeyRing,
    wechat::{PushKeys, Wechat},
};
use access_token::AccessTokens;
use events::Events;
use lifecycle::CheckpointDue;
use login::CodeExchanges;
use phone::PhoneExchanges;
use session::{LastUsedBuffer, SessionCache};

/// The accounts of all users.
#[derive(Debug)]
pub struct Accounts {
    store: Store,
    wechat: Wechat,
    keys: Arc<KeyRing>,
    clock: SharedClock,
    sessions: Sessions,
    limits: RateLimits,
    content: Content,
    push_keys: Option<PushKeys>,
    exchanges: CodeExchanges,
    access_tokens: AccessTokens,
    phone_exchanges: PhoneExchanges,
    /// Whether a first login joins the account that has its telephone number.
    joins_by_phone: bool,
    cache: SessionCache,
    last_used: LastUsedBuffer,
    events: Arc<Events>,
    /// The grace period in which a user may cancel the deletion of their account.
    deletion_grace: Duration,
    checkpoint_due: CheckpointDue,
    media: Storage,
    decode_pool: DecodePool,
}

impl Accounts {
    /// The accounts of a store, configured by the settings.
    ///
    /// # Errors
    /// When no client can be built for the storage of pictures.
    pub fn new(
        config: &Config,
        store: Store,
        wechat: Wechat,
        keys: Arc<KeyRing>,
        limits: RateLimits,
        clock: SharedClock,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            store,
            wechat,
            keys,
            clock,
            sessions: config.sessions.clone(),
            limits,
            content: config.content,
            push_keys: PushKeys::new(&config.push),
            exchanges: CodeExchanges::new(&config.wechat),
            access_tokens: AccessTokens::new(&config.wechat),
            phone_exchanges: phone::phone_exchanges(config.wechat.repeat_window),
            joins_by_phone: config.phone_joins_accounts,
            cache: SessionCache::new(config.sessions.cached),
            last_used: LastUsedBuffer::default(),
            events: Events::new(config.subscriptions_per_user),
            deletion_grace: config.deletion_grace,
            checkpoint_due: CheckpointDue::default(),
            media: Storage::new(&config.media)?,
            decode_pool: DecodePool::default(),
        })
    }

    /// The current time, by the clock that decides about expiry.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), DbErr> {
        self.store.ping().await
    }

    /// The mini programs whose settings WeChat refuses: appid and error, such as `40125 invalid appsecret`.
    #[must_use]
    pub fn misconfigured_apps(&self) -> Vec<(String, String)> {
        self.wechat.misconfigured()
    }

    /// The keys that verify access tokens, as a JWKS (RFC 7517).
    #[must_use]
    pub fn public_keys(&self) -> Value {
        self.keys.jwks()
    }

    /// Waits for running units of work, then closes the connections to the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.store.clone().close().await
    }
}
