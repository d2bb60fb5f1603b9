//! Validation errors of the fields of a profile.

/// A validation error.
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
    /// The nickname.
    Nickname,
    /// The language.
    Locale,
    /// The avatar.
    AvatarUrl,
    /// The client's metadata.
    Metadata,
}

/// The kinds of validation errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// It has no visible character.
    Blank,
    /// It is too long.
    TooLong,
    /// It is malformed, or contains forbidden characters.
    Invalid,
    /// It is the path of an uploaded picture that is not the user's.
    NotOwn,
    /// It is nested too deeply.
    TooDeep,
    /// It has too many keys.
    TooMany,
    /// It did not pass WeChat's content check.
    Refused,
}
