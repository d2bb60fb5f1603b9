//! The content check of uploaded pictures. WeChat is asked to check a picture after it was put into use, downloads it
//! by its URL, and pushes the result later. A picture that does not pass is flagged for the operator or removed,
//! depending on the settings.

use std::{sync::Arc, time::Duration};

use entity::{EventHash, SessionId, UserId, content_flag::Suggestion, media_check};
use tokio::time::sleep;

use crate::{
    account::Accounts,
    config::ContentCheck,
    error::ApiError,
    log_context,
    media::{self, MediaKey},
    public_url::PublicUrl,
    store::{Change, CheckedPicture, Flag, MediaOutcome, PictureVerdict},
    wechat::{Suggest, image_check},
};

/// Delay before a pushed result is matched again: the push may arrive before the row of its check is committed. Shorter
/// than WeChat waits for the response to a push.
const MATCH_RETRY_DELAY: Duration = Duration::from_millis(400);

impl Accounts {
    /// Requests the check of a picture in the background, if the settings require one. WeChat downloads it by its URL
    /// below `public_url`.
    pub(super) fn check_picture(
        self: &Arc<Self>,
        session: SessionId,
        owner: UserId,
        key: &MediaKey,
        public_url: &PublicUrl,
    ) {
        if self.content.check == ContentCheck::Off {
            return;
        }
        let (accounts, key) = (Arc::clone(self), key.clone());
        let address = public_url.absolute(&key.path()).into_owned();
        let checking = async move {
            if let Err(error) = accounts.request_check(session, owner, &key, &address).await {
                tracing::warn!(code = error.code.as_str(), "the content check of a picture could not be requested");
                accounts.apply_unchecked(owner, &key.path()).await;
            }
        };
        tokio::spawn(log_context::inherit(checking));
    }

    async fn request_check(
        self: &Arc<Self>,
        session: SessionId,
        owner: UserId,
        key: &MediaKey,
        address: &str,
    ) -> Result<(), ApiError> {
        // the check is requested even if the session has ended since the upload
        let identity = self.store.identity_of_session(session).await?;
        let identity = identity.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        let trace_id = self.call_wechat(&identity.app_id, &image_check(&identity.openid, address)).await?;
        let check = media_check::Model {
            trace_id,
            app_id: identity.app_id,
            user_id: owner,
            media_key: key.as_str().to_owned(),
            created_at: self.clock.now(),
        };
        Ok(self.store.media_check_begin(&check).await?)
    }

    async fn apply_unchecked(&self, owner: UserId, path: &str) {
        let verdict = self.picture_verdict(Suggestion::Unchecked, None);
        match self.store.picture_verdict_apply(owner, path, verdict, self.clock.now()).await {
            Ok(true) => self.picture_removed(owner),
            Ok(false) => {}
            Err(cause) => tracing::warn!(%cause, "a picture that was not checked could not be flagged"),
        }
    }

    /// Applies the result of a check. `suggest` is `None` if WeChat could not check the picture.
    pub(in crate::account) async fn apply_media_check(
        &self,
        app_id: String,
        event: EventHash,
        trace_id: String,
        suggest: Option<Suggest>,
        label: Option<i32>,
    ) -> Result<(), ApiError> {
        let verdict = match suggest {
            Some(Suggest::Pass) => PictureVerdict::Pass,
            Some(Suggest::Review) => self.picture_verdict(Suggestion::Review, label),
            Some(Suggest::Risky) => self.picture_verdict(Suggestion::Risky, label),
            None => self.picture_verdict(Suggestion::Unchecked, None),
        };
        let checked = CheckedPicture { event, app_id, trace_id, path_prefix: media::PATH, verdict };
        let mut outcome = self.store.media_check_end(&checked, self.clock.now()).await?;
        if outcome == MediaOutcome::Unknown {
            sleep(MATCH_RETRY_DELAY).await;
            outcome = self.store.media_check_end(&checked, self.clock.now()).await?;
        }
        match outcome {
            MediaOutcome::Removed(owner) => self.picture_removed(owner),
            MediaOutcome::Kept => {}
            MediaOutcome::Unknown => {
                tracing::info!(app = checked.app_id, "WeChat pushed the result of an unknown check");
            }
        }
        Ok(())
    }

    fn picture_verdict(&self, suggestion: Suggestion, label: Option<i32>) -> PictureVerdict {
        if self.content.check == ContentCheck::Off {
            // the check was disabled meanwhile
            PictureVerdict::Pass
        } else if self.accepts_content(suggestion) {
            PictureVerdict::Flag(Flag { suggestion, label })
        } else {
            PictureVerdict::Remove
        }
    }

    fn picture_removed(&self, owner: UserId) {
        tracing::info!(user = %owner.0, "a picture that did not pass the content check was removed");
        self.invalidate(owner, Change::UserChanged);
    }
}
