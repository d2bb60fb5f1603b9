//! Input and payload of `updateProfile`.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};

use entity::Metadata;

use super::{super::scalar::Json, User, user_error::UserError};
use crate::{
    account::{Edit, ProfileRequest, ProfileUpdate, Viewer},
    error::Language,
    public_url::PublicUrl,
};

/// Changes to the caller's profile. An omitted field stays as it is; `null` clears a field.
#[derive(InputObject)]
pub(in crate::graphql) struct UpdateProfileInput {
    /// The user's name: 1 to 32 characters on one line. `微信用户`, the name WeChat gives to every user, counts as no name.
    nickname: MaybeUndefined<String>,
    /// The language as a BCP 47 tag such as `zh-CN`.
    locale: MaybeUndefined<String>,
    /// URL of a picture: `https`, at most 512 bytes, without user name and password. The URL of the caller's own
    /// uploaded picture changes nothing; any other URL, and `null`, delete that picture.
    avatar_url: MaybeUndefined<String>,
    /// Any JSON of the client, which replaces the earlier value as a whole: at most 8 KiB (UTF-8, without whitespace),
    /// 16 levels of objects and lists, and 1,000 keys in total.
    metadata: MaybeUndefined<Json>,
}

/// The result of a change to the profile.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UpdateProfilePayload {
    /// The caller after the change; `null` if there are errors, because then nothing changed.
    user: Option<User>,
    /// Errors to show to the user: one for each invalid field.
    user_errors: Vec<UserError>,
}

impl From<UpdateProfileInput> for ProfileRequest {
    fn from(input: UpdateProfileInput) -> Self {
        let UpdateProfileInput { nickname, locale, avatar_url, metadata } = input;
        let metadata = match metadata.map_value(|json| json.to_text().map(Metadata)) {
            MaybeUndefined::Value(text) => text.map_or(Edit::Keep, Edit::Set),
            MaybeUndefined::Null => Edit::Clear,
            MaybeUndefined::Undefined => Edit::Keep,
        };
        Self { nickname: nickname.into(), locale: locale.into(), avatar_url: avatar_url.into(), metadata }
    }
}

impl UpdateProfileInput {
    /// The request of a client that uses this address of the server.
    pub(in crate::graphql) fn seen_from(self, public_url: &PublicUrl) -> ProfileRequest {
        ProfileRequest::from(self).seen_from(public_url)
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
    /// The result, for the user whose profile it is.
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
