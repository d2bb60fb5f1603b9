//! The store of true codes: for one app, once, for five minutes, and never more than ten thousand of them.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    time::Duration,
};

use entity::Timestamp;

use super::refusal::Refusal;
use crate::random;

/// How long a code of `wx.login` is good.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);
const CAPACITY: usize = 10_000;
const CODE_LENGTH: usize = 32;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Codes issued out and not expired, the used ones among them: WeChat tells a used code from an unknown one.
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

    /// A code for another app stays good for its own, as a stranger's try must not spend it.
    pub(super) fn redeem(&mut self, code: &str, app_id: &str, now: Timestamp) -> Result<S, Refusal> {
        self.sweep(now);
        // the sweep goes by order of birth, which is the order of death only while the clock goes forward
        let issued = self.issued.get_mut(code).filter(|issued| now < issued.expires).ok_or(Refusal::INVALID_CODE)?;
        if issued.app.get_or_insert_with(|| app_id.to_owned()) != app_id {
            return Err(Refusal::INVALID_CODE);
        }
        if mem::replace(&mut issued.used, true) {
            return Err(Refusal::CODE_USED);
        }
        issued.scenario.clone().ok_or(Refusal::INVALID_CODE)
    }

    /// All codes live equally long, so the expired ones are in front.
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
    // 256 is no multiple of 62, but a code that is a little less than random still cannot be guessed
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
    fn a_code_is_32_letters_and_digits() {
        let code = Codes::default().mint(None, alice(), START);
        assert_eq!(code.len(), 32);
        assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn the_10_001st_code_drops_the_oldest() {
        let mut codes = Codes::default();
        let minted: Vec<_> = (0..=CAPACITY).map(|_| codes.mint(None, alice(), START)).collect();
        assert_eq!((codes.issued.len(), codes.oldest_first.len()), (CAPACITY, CAPACITY));
        assert_eq!(codes.redeem(&minted[0], "wx1", START), Err(Refusal::INVALID_CODE));
        assert!(codes.redeem(&minted[1], "wx1", START).is_ok());
        assert!(codes.redeem(&minted[CAPACITY], "wx1", START).is_ok());
    }

    #[test]
    fn expired_codes_are_swept() {
        let mut codes = Codes::default();
        codes.mint(None, alice(), START);
        codes.mint(None, alice(), START + LIFETIME);
        assert_eq!((codes.issued.len(), codes.oldest_first.len()), (1, 1));
    }

    #[test]
    fn a_code_is_good_up_to_its_last_millisecond() {
        let mut codes = Codes::default();
        let [early, late] = [(); 2].map(|()| codes.mint(None, alice(), START));
        assert!(codes.redeem(&early, "wx1", START + LIFETIME - Duration::from_millis(1)).is_ok());
        assert_eq!(codes.redeem(&late, "wx1", START + LIFETIME), Err(Refusal::INVALID_CODE));
    }

    #[test]
    fn a_clock_set_back_lets_no_expired_code_live_on() {
        let mut codes = Codes::default();
        codes.mint(None, alice(), START + LIFETIME);
        let code = codes.mint(None, alice(), START);
        assert_eq!(codes.redeem(&code, "wx1", START + LIFETIME), Err(Refusal::INVALID_CODE));
    }
}
