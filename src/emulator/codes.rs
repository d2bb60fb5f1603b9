//! The one-time codes. Each is valid for one app, once, for five minutes; at most ten thousand are stored.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    time::Duration,
};

use entity::Timestamp;

use super::refusal::Refusal;
use crate::random;

/// Lifetime of a code of `wx.login`.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);
const CAPACITY: usize = 10_000;
const CODE_LENGTH: usize = 32;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The issued codes that have not expired, with the used ones, because WeChat distinguishes a used code from an unknown
/// one.
pub(super) struct Codes<S> {
    issued: HashMap<String, IssuedCode<S>>,
    oldest_first: VecDeque<String>,
}

struct IssuedCode<S> {
    app: Option<String>,
    scenario: Option<S>,
    expires: Timestamp,
    used: bool,
}

impl<S> Default for Codes<S> {
    fn default() -> Self {
        Self { issued: HashMap::new(), oldest_first: VecDeque::new() }
    }
}

impl<S: Clone> Codes<S> {
    pub(super) fn mint(&mut self, app: Option<String>, scenario: Option<S>, now: Timestamp) -> String {
        self.sweep(now);
        while self.oldest_first.len() >= CAPACITY {
            self.drop_oldest();
        }
        let code = new_code();
        self.issued.insert(code.clone(), IssuedCode { app, scenario, expires: now + LIFETIME, used: false });
        self.oldest_first.push_back(code.clone());
        code
    }

    /// Uses a code. A refused attempt by another app does not use it up.
    pub(super) fn redeem(&mut self, code: &str, app_id: &str, now: Timestamp) -> Result<S, Refusal> {
        self.sweep(now);
        // `sweep` removes codes in the order of their creation: after the clock was set back, expired ones may be left
        let issued = self.issued.get_mut(code).filter(|issued| now < issued.expires).ok_or(Refusal::INVALID_CODE)?;
        if issued.app.get_or_insert_with(|| app_id.to_owned()) != app_id {
            return Err(Refusal::INVALID_CODE);
        }
        if mem::replace(&mut issued.used, true) {
            return Err(Refusal::CODE_USED);
        }
        issued.scenario.clone().ok_or(Refusal::INVALID_CODE)
    }

    /// Removes expired codes. All codes have the same lifetime, so the expired ones are the oldest.
    fn sweep(&mut self, now: Timestamp) {
        let expired = |code: &String| self.issued.get(code).is_none_or(|issued| issued.expires <= now);
        let count = self.oldest_first.iter().take_while(|code| expired(code)).count();
        (0..count).for_each(|_| self.drop_oldest());
    }

    fn drop_oldest(&mut self) {
        if let Some(code) = self.oldest_first.pop_front() {
            self.issued.remove(&code);
        }
    }
}

fn new_code() -> String {
    // 256 is not a multiple of 62, so the letters are not equally likely; the code still cannot be guessed
    random::bytes::<CODE_LENGTH>().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{super::scenario::Scenario, *};

    const START: Timestamp = Timestamp(0);

    fn alice() -> Option<Scenario> {
        Scenario::parse("alice")
    }

    #[test]
    fn code_has_32_letters_and_digits() {
        let code = Codes::default().mint(None, alice(), START);
        assert_eq!(code.len(), 32);
        assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn code_beyond_the_capacity_removes_the_oldest() {
        let mut codes = Codes::default();
        let minted: Vec<_> = (0..=CAPACITY).map(|_| codes.mint(None, alice(), START)).collect();
        assert_eq!((codes.issued.len(), codes.oldest_first.len()), (CAPACITY, CAPACITY));
        assert_eq!(codes.redeem(&minted[0], "wx1", START), Err(Refusal::INVALID_CODE));
        assert!(codes.redeem(&minted[1], "wx1", START).is_ok());
        assert!(codes.redeem(&minted[CAPACITY], "wx1", START).is_ok());
    }

    #[test]
    fn expired_codes_are_removed() {
        let mut codes = Codes::default();
        codes.mint(None, alice(), START);
        codes.mint(None, alice(), START + LIFETIME);
        assert_eq!((codes.issued.len(), codes.oldest_first.len()), (1, 1));
    }

    #[test]
    fn code_is_valid_until_the_last_millisecond() {
        let mut codes = Codes::default();
        let [early, late] = [(); 2].map(|()| codes.mint(None, alice(), START));
        assert!(codes.redeem(&early, "wx1", START + LIFETIME - Duration::from_millis(1)).is_ok());
        assert_eq!(codes.redeem(&late, "wx1", START + LIFETIME), Err(Refusal::INVALID_CODE));
    }

    #[test]
    fn clock_set_back_does_not_revive_an_expired_code() {
        let mut codes = Codes::default();
        codes.mint(None, alice(), START + LIFETIME);
        let code = codes.mint(None, alice(), START);
        assert_eq!(codes.redeem(&code, "wx1", START + LIFETIME), Err(Refusal::INVALID_CODE));
    }
}
