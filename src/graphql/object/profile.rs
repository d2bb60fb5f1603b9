//! What `updateProfile` takes and answers.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};

use super::{User, user_error::UserError};
use crate::{
    account::{Edit, ProfileRequest, ProfileUpdate, Viewer},
    error::Language,
};

/// What is to become of the caller's profile. What is left out stays as it is; what is `null` is cleared.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateProfileInput {
    /// The name to go by: 1 to 32 characters on one line. `微信用户`, which WeChat calls everybody, counts as none.
    nickname: MaybeUndefined<String>,
    /// The language (BCP 47), such as `zh-CN`.
    locale: MaybeUndefined<String>,
    /// Address of a picture: `https`, at most 512 bytes, without user and password.
    avatar_url: MaybeUndefined<String>,
}

/// What came of a change of the profile.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UpdateProfilePayload {
    /// The caller as they are now. `null` where something was not acceptable: nothing was changed then.
    user: Option<User>,
    /// What a form would show: everything that was not acceptable.
    user_errors: Vec<UserError>,
}

impl From<UpdateProfileInput> for ProfileRequest {
    fn from(input: UpdateProfileInput) -> Self {
        let UpdateProfileInput { nickname, locale, avatar_url } = input;
        Self { nickname: nickname.into(), locale: locale.into(), avatar_url: avatar_url.into() }
    }
}

impl<T> From<MaybeUndefined<T>> for Edit<T> {
    fn from(sent: MaybeUndefined<T>) -> Self {
        match sent {
            MaybeUndefined::Undefined => Self::Keep,
            MaybeUndefined::Null => Self::Clear,
            MaybeUndefined::Value(value) => Self::Set(value),
        }
    }
}

impl UpdateProfilePayload {
    /// The outcome, for the user it is about.
    pub(in crate::graphql) fn new(update: ProfileUpdate, viewer: Viewer, language: Language) -> Self {
        match update {
            ProfileUpdate::Done(user) => Self { user: Some(User::new(user.into(), viewer)), user_errors: Vec::new() },
            ProfileUpdate::Refused(flaws) => {
                let errors = flaws.into_iter().map(|flaw| UserError::of_profile(flaw, language));
                Self { user: None, user_errors: errors.collect() }
            }
        }
    }
}
