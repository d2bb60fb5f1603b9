//! The index of a telephone number: an HMAC of it under a key of `SECRET_KEY`. Equal numbers have equal indexes, so that one
//! can be looked up and a unique key can guard it; who reads the database without the secret cannot try all numbers.

use aws_lc_rs::hmac;
use entity::PhoneIndex;

use super::KeyRing;

impl KeyRing {
    /// The index of a number under each key, the newest first. It is stored under the newest, and looked up under all.
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
