//! What can be wrong with the fields of a profile.

/// Why a field is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field.
    pub field: ProfileField,
    /// What is wrong with it.
    pub kind: FieldErrorKind,
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
    /// What the user's client keeps with the account.
    Metadata,
}

/// What can be wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// It has no visible character.
    Blank,
    /// It is too long.
    TooLong,
    /// It is malformed, or holds characters that are not allowed.
    Invalid,
    /// It is the address of an uploaded picture that is not the user's.
    NotOwn,
    /// It is nested too deep.
    TooDeep,
    /// It has too many parts.
    TooMany,
    /// WeChat's content check does not let it pass.
    Refused,
}
