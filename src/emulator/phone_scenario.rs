//! The scenarios of phone codes: `+8613800000000`, `13800000000`, `slow:500:+85251234567`, `error:40029`, `reply:html`.
//! A scenario code is one of these after the prefix `emulator:`.

use std::time::Duration;

use super::{
    refusal::Refusal,
    scenario::{BrokenReply, MAX_DELAY, PREFIX},
};

/// What the emulator does for a phone code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PhoneScenario {
    /// Responds with a phone number.
    Number(Phone),
    /// Refuses with an errcode.
    Error(i32),
    /// Responds as WeChat does when it is broken.
    Broken(BrokenReply),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phone {
    /// The country's calling code.
    pub(super) country: u32,
    /// The number without it.
    pub(super) national: String,
    pub(super) delay: Duration,
    /// The user who may use the code; `None` if any user may.
    pub(super) user: Option<String>,
}

impl PhoneScenario {
    /// The scenario of a scenario code; `None` for any other code, which may be a one-time code.
    pub(super) fn from_code(code: &str) -> Option<Result<Self, Refusal>> {
        code.strip_prefix(PREFIX).map(|text| Self::parse(text).ok_or(Refusal::INVALID_CODE))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => Phone::parse(text).map(Self::Number),
            Some(("slow", rest)) => slow(rest).map(Self::Number),
            Some(("error", errcode)) => errcode.parse().ok().map(Self::Error),
            Some(("reply", kind)) => BrokenReply::parse(kind).map(Self::Broken),
            Some(_) => None,
        }
    }

    /// The same scenario, for a code that only `user` may use.
    pub(super) fn for_user(self, user: Option<&str>) -> Self {
        match self {
            Self::Number(phone) => Self::Number(Phone { user: user.map(str::to_owned), ..phone }),
            other => other,
        }
    }
}

impl Phone {
    fn parse(text: &str) -> Option<Self> {
        // eleven digits without a country code are a Chinese number
        let digits = match text.strip_prefix('+') {
            Some(digits) => digits.to_owned(),
            None if text.len() == 11 && text.starts_with('1') => format!("86{text}"),
            None => return None,
        };
        let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits.starts_with('0') {
            return None;
        }
        let (country, national) = digits.split_at_checked(country_len(&digits))?;
        Some(Self { country: country.parse().ok()?, national: national.to_owned(), delay: Duration::ZERO, user: None })
    }
}

/// Number of digits of the calling code (ITU-T E.164).
fn country_len(digits: &str) -> usize {
    const TWO_DIGITS: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        _ if TWO_DIGITS.iter().any(|code| digits.starts_with(code)) => 2,
        _ => 3,
    }
}

fn slow(rest: &str) -> Option<Phone> {
    let (delay, number) = rest.split_once(':')?;
    let delay = Duration::from_millis(delay.parse().ok()?);
    Some(Phone { delay, ..Phone::parse(number)? }).filter(|phone| phone.delay <= MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> Option<(u32, String)> {
        match PhoneScenario::parse(text) {
            Some(PhoneScenario::Number(phone)) => Some((phone.country, phone.national)),
            _ => None,
        }
    }

    #[test]
    fn number_is_split_into_country_and_national_number() {
        for (text, country, national) in [
            ("+8613800000000", 86, "13800000000"),
            ("13800000000", 86, "13800000000"),
            ("+85251234567", 852, "51234567"),
            ("+12025550123", 1, "2025550123"),
            ("slow:500:+79161234567", 7, "9161234567"),
        ] {
            assert_eq!(parts(text), Some((country, national.to_owned())), "{text}");
        }
    }

    #[test]
    fn invalid_number_is_not_a_scenario() {
        for text in
            ["", "+", "alice", "+0861380000", "2380000000", "+123456", "+1234567890123456", "slow:60001:+8613800000000"]
        {
            assert_eq!(PhoneScenario::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics(text in "(slow|error|reply|[+]|-|[0-9]{1,25}|:|.){0,8}") {
            PhoneScenario::parse(&text);
        }
    }
}
