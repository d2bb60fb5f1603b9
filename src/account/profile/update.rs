//! A user changes their own profile: all they sent is held against the rules, and then written at once, or not at all.

use entity::user;

use super::{super::Accounts, avatar, locale, nickname};
use crate::{
    account::SignedIn,
    error::ApiError,
    store::{Change, Edit, ProfileEdit},
};

/// What a client wants of a profile, as it came.
#[derive(Clone, Debug)]
pub struct ProfileRequest {
    /// The name.
    pub nickname: Edit<String>,
    /// The language.
    pub locale: Edit<String>,
    /// Address of the picture.
    pub avatar_url: Edit<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum ProfileUpdate {
    /// The user as they are now.
    Done(user::Model),
    /// What would have to be better. Nothing was written.
    Refused(Vec<Flaw>),
}

/// Something that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where it is.
    pub field: ProfileField,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A part of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileField {
    /// The name.
    Nickname,
    /// The language.
    Locale,
    /// Address of the picture.
    AvatarUrl,
}

/// What can be wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing to be seen.
    Blank,
    /// It is longer than there is room for.
    TooLong,
    /// It has not the right form, or holds what it may not.
    Invalid,
}

impl ProfileRequest {
    /// The request as it may be written, or all its flaws.
    fn checked(self) -> Result<ProfileEdit, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let mut check = |field, sent: Edit<String>, rule: Rule| match sent {
            Edit::Set(text) => match rule(&text) {
                Ok(kept) => kept.map_or(Edit::Clear, Edit::Set),
                Err(fault) => {
                    flaws.push(Flaw { field, fault });
                    Edit::Keep
                }
            },
            sent => sent,
        };
        let edit = ProfileEdit {
            nickname: check(ProfileField::Nickname, self.nickname, nickname::check),
            locale: check(ProfileField::Locale, self.locale, locale::check),
            avatar_url: check(ProfileField::AvatarUrl, self.avatar_url, avatar::check),
        };
        if flaws.is_empty() { Ok(edit) } else { Err(flaws) }
    }
}

/// Tells how a text is kept: `None` where it stands for nothing.
type Rule = fn(&str) -> Result<Option<String>, Fault>;

impl Accounts {
    /// Changes the caller's profile.
    ///
    /// # Errors
    /// `RATE_LIMITED`; `UNAUTHENTICATED` where the account is gone.
    pub async fn update_profile(&self, caller: &SignedIn, request: ProfileRequest) -> Result<ProfileUpdate, ApiError> {
        let id = caller.user.id;
        self.limits.user(id).await?;
        let edit = match request.checked() {
            Ok(edit) => edit,
            Err(flaws) => return Ok(ProfileUpdate::Refused(flaws)),
        };
        let updated = self.store.profile_update(id, &edit, self.clock.now()).await?;
        let (user, changed) = updated.ok_or_else(|| ApiError::unauthenticated("REVOKED"))?;
        if changed {
            self.heed(id, Change::UserChanged);
        }
        Ok(ProfileUpdate::Done(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(nickname: Edit<String>, locale: &str, avatar_url: &str) -> Result<ProfileEdit, Vec<Flaw>> {
        let set = |text: &str| Edit::Set(text.to_owned());
        ProfileRequest { nickname, locale: set(locale), avatar_url: set(avatar_url) }.checked()
    }

    #[test]
    fn every_flaw_is_told_at_once() {
        let flaws = request(Edit::Set(" ".to_owned()), "zh_CN", &"x".repeat(600)).unwrap_err();
        let told = |field, fault| Flaw { field, fault };
        let expected = [
            told(ProfileField::Nickname, Fault::Blank),
            told(ProfileField::Locale, Fault::Invalid),
            told(ProfileField::AvatarUrl, Fault::TooLong),
        ];
        assert_eq!(flaws, expected);
    }

    #[test]
    fn what_is_left_out_is_kept_and_what_is_null_is_cleared() {
        let kept = request(Edit::Keep, "zh-cn", "https://a.example/1").unwrap();
        assert_eq!((kept.nickname, kept.locale), (Edit::Keep, Edit::Set("zh-CN".to_owned())));
        let cleared = request(Edit::Clear, "en", "https://a.example/1").unwrap();
        assert_eq!(cleared.nickname, Edit::Clear);
        let placeholder = request(Edit::Set("微信用户".to_owned()), "en", "https://a.example/1").unwrap();
        assert_eq!(placeholder.nickname, Edit::Clear);
    }
}
