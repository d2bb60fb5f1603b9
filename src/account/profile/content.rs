//! The content check of texts: WeChat checks what other users will see before it is written, outside of any
//! transaction. A text that the settings accept although it did not pass is flagged for the operator.

use std::sync::Arc;

use entity::{OpenId, UserId, content_flag, content_flag::Suggestion};

use super::field_error::FieldErrorKind;
use crate::{
    account::{Accounts, SignedIn},
    config::ContentCheck,
    error::ApiError,
    store::{Edit, Flag},
    wechat::{Suggest, text_check},
};

/// Maximum number of flags on one page.
const FLAGS_PER_PAGE: u64 = 1000;

impl Accounts {
    /// Checks a text that others will see. Returns the change of its flag, or why the text is refused.
    pub(super) async fn check_content(
        self: &Arc<Self>,
        caller: &SignedIn,
        text: &str,
    ) -> Result<Result<Edit<Flag>, FieldErrorKind>, ApiError> {
        if self.content.check == ContentCheck::Off {
            return Ok(Ok(Edit::Keep));
        }
        let flag = match self.store.identity_of_session(caller.session).await? {
            Some(identity) => self.check_text(&identity.app_id, &identity.openid, text).await,
            None => Some(Flag { suggestion: Suggestion::Unchecked, label: None }),
        };
        Ok(match flag {
            None => Ok(Edit::Clear),
            Some(flag) if self.accepts_content(flag.suggestion) => Ok(Edit::Set(flag)),
            Some(_) => Err(FieldErrorKind::Refused),
        })
    }

    /// Asks WeChat to check a text; `None` if the text passes.
    async fn check_text(self: &Arc<Self>, app_id: &str, openid: &OpenId, text: &str) -> Option<Flag> {
        let verdict = match self.call_wechat(app_id, &text_check(openid, text)).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::warn!(app = app_id, code = error.code.as_str(), "the content check of a nickname failed");
                return Some(Flag { suggestion: Suggestion::Unchecked, label: None });
            }
        };
        let suggestion = match verdict.suggest {
            Suggest::Pass => return None,
            Suggest::Review => Suggestion::Review,
            Suggest::Risky => Suggestion::Risky,
        };
        Some(Flag { suggestion, label: i32::try_from(verdict.label).ok() })
    }

    /// Whether the settings accept content with this result of the check.
    pub(in crate::account) fn accepts_content(&self, suggestion: Suggestion) -> bool {
        let content = self.content;
        content.check == ContentCheck::Flag
            || match suggestion {
                Suggestion::Risky => false,
                Suggestion::Review => content.keeps_review,
                Suggestion::Unchecked => content.keeps_unchecked,
            }
    }

    /// The flags of users with keys greater than `after`, in the order of their keys, about `limit` of them and at most
    /// a thousand. All flags of one user are on the same page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn content_flags(&self, after: Option<UserId>, limit: u64) -> Result<Vec<content_flag::Model>, ApiError> {
        Ok(self.store.content_flags(after, limit.clamp(1, FLAGS_PER_PAGE)).await?)
    }
}
