//! The key of a stored picture: random, with an extension for its type. It is part of URLs and of file names, so its
//! form is checked before it is used.

use std::fmt;

use super::Format;
use crate::random;

/// The prefix of the path of a stored picture.
pub const PATH: &str = "/media/";

/// Random bytes of a key. They are written in hexadecimal, because some file systems ignore the case of letters.
const BYTES: usize = 16;

/// The key of a stored picture: 32 hexadecimal digits and an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaKey {
    name: String,
    format: Format,
}

impl MediaKey {
    /// A new random key.
    #[must_use]
    pub fn generate(format: Format) -> Self {
        let random = u128::from_be_bytes(random::bytes::<BYTES>());
        Self { name: format!("{random:032x}.{}", format.extension()), format }
    }

    /// Parses a key; `None` if the text is not exactly a key.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.split_once('.')?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let format = Format::ALL.into_iter().find(|format| format.extension() == extension)?;
        (stem.len() == BYTES * 2 && stem.bytes().all(is_hex)).then(|| Self { name: name.to_owned(), format })
    }

    /// The key in the path of a stored picture, as in `users.avatar_url`; `None` for any other URL.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::parse(path.strip_prefix(PATH)?)
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The path of the picture on this server.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{PATH}{}", self.name)
    }

    /// The type of the picture.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }
}

impl fmt::Display for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_differ_and_can_be_parsed() {
        for format in Format::ALL {
            let (key, other) = (MediaKey::generate(format), MediaKey::generate(format));
            assert_ne!(key, other);
            assert_eq!(MediaKey::parse(key.as_str()), Some(key.clone()));
            assert_eq!(MediaKey::of_path(&key.path()), Some(key));
        }
    }

    #[test]
    fn any_other_text_is_not_a_key() {
        let stem = "0123456789abcdef0123456789abcdef";
        assert!(MediaKey::parse(&format!("{stem}.jpg")).is_some());
        for text in [
            "",
            ".jpg",
            stem,
            &format!("{stem}.svg"),
            &format!("{stem}.JPG"),
            &format!("{stem}.jpg.png"),
            &format!("{}.jpg", stem.to_uppercase()),
            &format!("{}.jpg", &stem[1..]),
            &format!("{stem}0.jpg"),
            &format!("../{}.jpg", &stem[3..]),
            &format!("{}%2f.jpg", &stem[3..]),
            &format!("{stem}.jpg#1"),
            &format!(" {stem}.jpg"),
        ] {
            assert_eq!(MediaKey::parse(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsed_key_has_no_path_separator(text in "(\\PC{0,40}|[0-9a-f]{32}\\.(jpg|png|gif)|[./]{0,4}[0-9a-f]{28,34}\\.jpg)") {
            if let Some(key) = MediaKey::parse(&text) {
                proptest::prop_assert_eq!(key.as_str(), &text);
                proptest::prop_assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.'));
                proptest::prop_assert_eq!(text.matches('.').count(), 1);
            }
        }
    }
}
