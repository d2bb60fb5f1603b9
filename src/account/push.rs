//! Events that WeChat pushes: each takes effect once, whichever node receives it and however often WeChat repeats it.

use std::sync::Arc;

use super::Accounts;
use crate::{
    error::{ApiError, Code},
    log_context,
    store::{Change, ProfileEffect, ProfileEvent},
    wechat::{PushEvent, PushKeys, PushKind, PushQuery, PushRefusal, Revoked},
};

/// The response to a pushed message.
#[derive(Debug)]
pub enum PushAnswer {
    /// The event took effect, now or earlier, or concerns no user of this server.
    Accepted,
    /// The message is not from WeChat.
    Forbidden,
}

impl Accounts {
    /// The `echostr` to return when WeChat verifies the URL; `None` if the request is not from WeChat.
    ///
    /// # Errors
    /// `NOT_FOUND` if pushes are not configured, and for an unknown mini program.
    pub fn push_echo(&self, app_id: &str, query: &PushQuery) -> Result<Option<String>, ApiError> {
        let verified = self.push_keys(app_id)?.verify(query, self.clock.now());
        Ok(verified.ok().map(|()| query.echostr.clone().unwrap_or_default()))
    }

    /// Whether pushes are configured.
    #[must_use]
    pub fn accepts_pushes(&self) -> bool {
        self.push_keys.is_some()
    }

    /// Whether the query string of a message may be WeChat's. If not, its body need not be read.
    ///
    /// # Errors
    /// `NOT_FOUND` if pushes are not configured, and for an unknown mini program.
    pub fn may_be_push(&self, app_id: &str, query: &PushQuery) -> Result<bool, ApiError> {
        Ok(self.push_keys(app_id)?.check_query(query, self.clock.now()).is_ok())
    }

    /// Verifies and applies a message that WeChat pushed.
    ///
    /// # Errors
    /// `NOT_FOUND`; `BAD_REQUEST` if the signature is valid but the message cannot be parsed; `INTERNAL_SERVER_ERROR`
    /// if the database fails, after which WeChat repeats the push.
    pub async fn handle_push(
        self: &Arc<Self>,
        app_id: &str,
        query: &PushQuery,
        body: &[u8],
    ) -> Result<PushAnswer, ApiError> {
        match self.push_keys(app_id)?.open(app_id, query, body, self.clock.now()) {
            Ok(Some(event)) => self.apply_in_task(app_id, event).await.map(|()| PushAnswer::Accepted),
            Ok(None) => Ok(PushAnswer::Accepted),
            Err(PushRefusal::Unreadable) => Err(Code::BadRequest.into()),
            Err(refusal) => {
                tracing::warn!(app = app_id, "a pushed message was refused: {refusal}");
                Ok(PushAnswer::Forbidden)
            }
        }
    }

    fn push_keys(&self, app_id: &str) -> Result<&PushKeys, ApiError> {
        let keys = self.push_keys.as_ref().ok_or(Code::NotFound)?;
        // unlike in a login, an empty appid does not select the default mini program
        self.wechat.app(Some(app_id)).ok().filter(|app| app.id() == app_id).ok_or(Code::NotFound)?;
        Ok(keys)
    }

    /// Applies an event in a task of its own, which continues when WeChat closes the connection.
    async fn apply_in_task(self: &Arc<Self>, app_id: &str, event: PushEvent) -> Result<(), ApiError> {
        let (accounts, app_id) = (Arc::clone(self), app_id.to_owned());
        let work = async move { accounts.apply(app_id, event).await };
        tokio::spawn(log_context::inherit(work)).await.map_err(ApiError::internal)?
    }

    async fn apply(&self, app_id: String, event: PushEvent) -> Result<(), ApiError> {
        let PushEvent { hash, kind, openid } = event;
        let effect = match kind {
            PushKind::MediaChecked { trace_id, suggest, label } => {
                return self.apply_media_check(app_id, hash, trace_id, suggest, label).await;
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
            tracing::warn!(app = app_id, "WeChat pushed an event without an openid");
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
