//! The index of a telephone number: its HMAC under a key derived from `SECRET_KEY` (a blind index). Equal numbers have
//! equal indexes, which permits lookups and a unique key. Without the secret, an attacker who can read the database
//! cannot find a number by trying all of them.

use aws_lc_rs::hmac;
use entity::PhoneIndex;

use super::KeyRing;

impl KeyRing {
    /// The index of a number under each key, newest first. The newest one is stored; lookups use all of them.
    #[must_use]
    pub fn phone_indexes(&self, number: &str) -> Vec<PhoneIndex> {
        let index = |key| PhoneIndex(hmac::sign(key, number.as_bytes()).as_ref().to_vec());
        self.all().iter().map(|keys| index(&keys.phone)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::ring;

    #[test]
    fn index_depends_on_the_number_and_the_secret_alone() {
        let index = |secrets: &[u8], number| ring(secrets).phone_indexes(number);
        assert_eq!(index(&[1], "+8613800000000"), index(&[1], "+8613800000000"));
        assert_ne!(index(&[1], "+8613800000000"), index(&[1], "+8613800000001"));
        assert_ne!(index(&[1], "+8613800000000"), index(&[2], "+8613800000000"));
        let both = [index(&[2], "+86138"), index(&[1], "+86138")].concat();
        assert_eq!((index(&[2, 1], "+86138"), both[0].0.len()), (both, 32));
    }
}
