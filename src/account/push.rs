//! What WeChat pushes about an account: each event takes effect once, whichever node it reaches and however often.

use std::sync::Arc;

use super::Accounts;
use crate::{
    error::{ApiError, Code},
    log_context,
    store::{Change, ProfileEffect, ProfileEvent},
    wechat::{PushEvent, PushKeys, PushKind, PushQuery, PushRefusal, Revoked},
};

/// What WeChat is answered.
#[derive(Debug)]
pub enum PushAnswer {
    /// The event took effect, now or before, or concerns nobody here.
    Taken,
    /// It is not WeChat's.
    Forbidden,
}

impl Accounts {
    /// What WeChat shall be sent back where it verifies the address; `None` where the request is not WeChat's.
    ///
    /// # Errors
    /// `NOT_FOUND` without a token, and for a mini program that is not configured.
    pub fn push_echo(&self, app_id: &str, query: &PushQuery) -> Result<Option<String>, ApiError> {
        let verified = self.push_keys(app_id)?.verify(query, self.clock.now());
        Ok(verified.ok().map(|()| query.echostr.clone().unwrap_or_default()))
    }

    /// Whether WeChat's pushes are taken.
    #[must_use]
    pub fn takes_pushes(&self) -> bool {
        self.push_keys.is_some()
    }

    /// Whether a message may be WeChat's, as far as its address shows: its body need not be read where it is not.
    ///
    /// # Errors
    /// `NOT_FOUND` where nothing is pushed here, or for a mini program that is not configured.
    pub fn may_be_push(&self, app_id: &str, query: &PushQuery) -> Result<bool, ApiError> {
        Ok(self.push_keys(app_id)?.check_query(query, self.clock.now()).is_ok())
    }

    /// Takes a message that WeChat pushed.
    ///
    /// # Errors
    /// `NOT_FOUND`; `BAD_REQUEST` for a message that is signed and cannot be read; where the database fails,
    /// and then WeChat pushes the message again.
    pub async fn take_push(
        self: &Arc<Self>,
        app_id: &str,
        query: &PushQuery,
        body: &[u8],
    ) -> Result<PushAnswer, ApiError> {
        match self.push_keys(app_id)?.open(app_id, query, body, self.clock.now()) {
            Ok(Some(event)) => self.take_event(app_id, event).await.map(|()| PushAnswer::Taken),
            Ok(None) => Ok(PushAnswer::Taken),
            Err(PushRefusal::Unreadable) => Err(Code::BadRequest.into()),
            Err(refusal) => {
                tracing::warn!(app = app_id, "a pushed message is not taken: {refusal}");
                Ok(PushAnswer::Forbidden)
            }
        }
    }

    fn push_keys(&self, app_id: &str) -> Result<&PushKeys, ApiError> {
        let keys = self.push_keys.as_ref().ok_or(Code::NotFound)?;
        // an empty appid is not the default one here
        self.wechat.app(Some(app_id)).ok().filter(|app| app.id() == app_id).ok_or(Code::NotFound)?;
        Ok(keys)
    }

    /// Lets an event take effect in a task of its own: a WeChat that no longer waits for the answer does not cancel it.
    async fn take_event(self: &Arc<Self>, app_id: &str, event: PushEvent) -> Result<(), ApiError> {
        let (accounts, app_id) = (Arc::clone(self), app_id.to_owned());
        let work = async move { accounts.apply(app_id, event).await };
        tokio::spawn(log_context::inherit(work)).await.map_err(ApiError::internal)?
    }

    async fn apply(&self, app_id: String, event: PushEvent) -> Result<(), ApiError> {
        let PushEvent { hash, kind, openid } = event;
        let effect = match kind {
            PushKind::MediaChecked { trace_id, suggest, label } => {
                return self.media_checked(app_id, hash, trace_id, suggest, label).await;
            }
            PushKind::Other => {
                tracing::info!(app = app_id, "WeChat pushed an event that is not handled");
                return Ok(());
            }
            PushKind::ProfileModified => ProfileEffect::Clear { nickname: true, avatar: true, phone: false },
            PushKind::Revoked(Revoked { nickname, avatar, phone }) => ProfileEffect::Clear { nickname, avatar, phone },
            PushKind::Cancelled => ProfileEffect::ScheduleDeletion(self.clock.now() + self.deletion_grace),
        };
        let Some(openid) = openid else {
            tracing::warn!(app = app_id, "WeChat pushed an event without a person");
            return Ok(());
        };
        self.apply_to_profile(ProfileEvent { event: hash, app_id, openid, effect }).await
    }

    async fn apply_to_profile(&self, event: ProfileEvent) -> Result<(), ApiError> {
        if let Some(user) = self.store.push_event_apply(&event, self.clock.now()).await? {
            tracing::info!(app = event.app_id, user = %user.0, "a pushed event changed an account");
            self.invalidate(user, Change::UserChanged);
        }
        Ok(())
    }
}
