//! The content check: WeChat looks at what others see of a user before it is written, outside of any transaction. What the
//! settings let through although WeChat did not pass it is flagged for the operator.

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

/// The flags that a page of them has at the most.
const FLAGS_PER_PAGE: u64 = 1000;

impl Accounts {
    /// Checks a text that others will see: the flag it gets, or why it is refused.
    pub(super) async fn check_content(
        self: &Arc<Self>,
        caller: &SignedIn,
        text: &str,
    ) -> Result<Result<Edit<Flag>, FieldErrorKind>, ApiError> {
        if self.content.check == ContentCheck::Off {
            return Ok(Ok(Edit::Keep));
        }
        let flag = match self.store.identity_of_session(caller.session).await? {
            Some(identity) => self.ask_wechat(&identity.app_id, &identity.openid, text).await,
            None => Some(Flag { suggestion: Suggestion::Unchecked, label: None }),
        };
        Ok(match flag {
            None => Ok(Edit::Clear),
            Some(flag) if self.keeps(flag.suggestion) => Ok(Edit::Set(flag)),
            Some(_) => Err(FieldErrorKind::Refused),
        })
    }

    /// What WeChat says; `None` where it lets the text pass.
    async fn ask_wechat(self: &Arc<Self>, app_id: &str, openid: &OpenId, text: &str) -> Option<Flag> {
        let verdict = match self.call_wechat(app_id, &text_check(openid, text)).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::warn!(app = app_id, code = error.code.as_str(), "WeChat did not check a nickname");
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

    /// Whether content stays that WeChat did not pass.
    pub(in crate::account) fn keeps(&self, suggestion: Suggestion) -> bool {
        let content = self.content;
        content.check == ContentCheck::Flag
            || match suggestion {
                Suggestion::Risky => false,
                Suggestion::Review => content.keeps_review,
                Suggestion::Unchecked => content.keeps_unchecked,
            }
    }

    /// The flags of users behind `after`, in the order of their keys, at most a thousand of them; those of one user are
    /// never apart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn content_flags(&self, after: Option<UserId>, limit: u64) -> Result<Vec<content_flag::Model>, ApiError> {
        Ok(self.store.content_flags(after, limit.clamp(1, FLAGS_PER_PAGE)).await?)
    }
}
