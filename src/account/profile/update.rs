//! Updates the caller's profile: validates all fields first, and then writes them together or not at all.

use std::sync::Arc;

use entity::{Metadata, UserId, user};

use super::{
    avatar,
    field_error::{FieldError, FieldErrorKind, ProfileField},
    locale, metadata, nickname,
};
use crate::{
    account::{Accounts, SignedIn},
    error::ApiError,
    public_url::PublicUrl,
    store::{Change, Edit, ProfileEdit},
};

/// The requested changes of a profile, before validation.
#[derive(Clone, Debug)]
pub struct ProfileRequest {
    /// The nickname.
    pub nickname: Edit<String>,
    /// The language.
    pub locale: Edit<String>,
    /// The avatar: a URL, or the path of an uploaded picture.
    pub avatar_url: Edit<String>,
    /// The client's metadata: any compact JSON but `null`.
    pub metadata: Edit<Metadata>,
}

/// The result of an update.
#[derive(Debug)]
pub enum ProfileUpdate {
    /// The updated user.
    Done(user::Model),
    /// The invalid fields. Nothing was written.
    Refused(Vec<FieldError>),
}

impl ProfileRequest {
    /// Replaces the URL of an uploaded picture of this server by its path. The path of another user's picture is
    /// refused later, because its owner may delete the picture.
    #[must_use]
    pub fn seen_from(mut self, public_url: &PublicUrl) -> Self {
        if let Edit::Set(address) = &self.avatar_url
            && let Some(path) = public_url.path_of(address)
            && avatar::uploaded_path(&path).as_ref() == Some(&path)
        {
            self.avatar_url = Edit::Set(path);
        }
        self
    }

    /// Validates the request, and returns all errors.
    fn checked(self) -> Result<ProfileEdit, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut check = |field, sent: Edit<String>, rule: Rule| match sent {
            Edit::Set(text) => match rule(&text) {
                Ok(kept) => kept.map_or(Edit::Clear, Edit::Set),
                Err(kind) => {
                    errors.push(FieldError { field, kind });
                    Edit::Keep
                }
            },
            sent => sent,
        };
        let nickname = check(ProfileField::Nickname, self.nickname, nickname::check);
        let locale = check(ProfileField::Locale, self.locale, locale::check);
        let avatar_url = check(ProfileField::AvatarUrl, self.avatar_url, avatar::check);
        if let Edit::Set(json) = &self.metadata {
            let refused = metadata::check(&json.0).err();
            errors.extend(refused.map(|kind| FieldError { field: ProfileField::Metadata, kind }));
        }
        // clearing the nickname also clears its flag
        let nickname_flag = if nickname == Edit::Clear { Edit::Clear } else { Edit::Keep };
        let edit = ProfileEdit { nickname, locale, avatar_url, metadata: self.metadata, nickname_flag };
        if errors.is_empty() { Ok(edit) } else { Err(errors) }
    }
}

/// Validates a text and returns its stored form; `None` for a placeholder.
type Rule = fn(&str) -> Result<Option<String>, FieldErrorKind>;

impl Accounts {
    /// Updates the caller's profile.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` if the account no longer exists.
    pub async fn update_profile(
        self: &Arc<Self>,
        caller: &SignedIn,
        request: ProfileRequest,
    ) -> Result<ProfileUpdate, ApiError> {
        let id = caller.user.id;
        self.limits.user(id).await?;
        let mut edit = match self.keep_own_picture(id, request).await?.checked() {
            Ok(edit) => edit,
            Err(errors) => return Ok(ProfileUpdate::Refused(errors)),
        };
        if let Edit::Set(nickname) = &edit.nickname {
            edit.nickname_flag = match self.check_content(caller, nickname).await? {
                Ok(flag) => flag,
                Err(kind) => {
                    return Ok(ProfileUpdate::Refused(vec![FieldError { field: ProfileField::Nickname, kind }]));
                }
            };
        }
        let updated = self.store.profile_update(id, &edit, self.clock.now()).await?;
        let (user, changed) = updated.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        if changed {
            self.invalidate(id, Change::UserChanged);
        }
        Ok(ProfileUpdate::Done(user))
    }

    /// Clients send whole profiles back, so the path of the user's own uploaded picture is no change. The path is
    /// compared with the row in the database, because a cached user may still have the previous picture.
    async fn keep_own_picture(&self, id: UserId, mut request: ProfileRequest) -> Result<ProfileRequest, ApiError> {
        if let Edit::Set(address) = &request.avatar_url
            && let Some(path) = avatar::uploaded_path(address)
            && self.store.user(id).await?.is_some_and(|user| user.avatar_url == Some(path))
        {
            request.avatar_url = Edit::Keep;
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(nickname: Edit<String>, locale: &str, avatar_url: &str) -> Result<ProfileEdit, Vec<FieldError>> {
        let set = |text: &str| Edit::Set(text.to_owned());
        ProfileRequest { nickname, locale: set(locale), avatar_url: set(avatar_url), metadata: Edit::Keep }.checked()
    }

    #[test]
    fn all_field_errors_are_reported_at_once() {
        let errors = request(Edit::Set(" ".to_owned()), "zh CN", &"x".repeat(600)).unwrap_err();
        let error = |field, kind| FieldError { field, kind };
        let expected = [
            error(ProfileField::Nickname, FieldErrorKind::Blank),
            error(ProfileField::Locale, FieldErrorKind::Invalid),
            error(ProfileField::AvatarUrl, FieldErrorKind::TooLong),
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn omitted_fields_are_kept_and_null_fields_are_cleared() {
        let kept = request(Edit::Keep, "zh-cn", "https://a.example/1").unwrap();
        assert_eq!((kept.nickname, kept.locale), (Edit::Keep, Edit::Set("zh-CN".to_owned())));
        let cleared = request(Edit::Clear, "en", "https://a.example/1").unwrap();
        assert_eq!(cleared.nickname, Edit::Clear);
        let placeholder = request(Edit::Set("微信用户".to_owned()), "en", "https://a.example/1").unwrap();
        assert_eq!(placeholder.nickname, Edit::Clear);
    }
}
