//! `POST /wxa/business/getuserphonenumber`: the telephone number behind a code of the `getPhoneNumber` button. Such a code
//! is not a login code; it works once, for five minutes.

use entity::OpenId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{App, Request, answer::Answer, code::LoginCode, endpoint::Call, error::Failure};
use crate::error::ApiError;

/// The fewest and the most digits of a number, with its country (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What `getPhoneNumber` gave the mini program: a secret while it lives.
#[derive(Clone, Debug)]
pub struct PhoneCode(LoginCode);

impl PhoneCode {
    /// Takes what can be a code.
    ///
    /// # Errors
    /// `INVALID_CODE`
    pub fn parse(code: &str) -> Result<Self, ApiError> {
        LoginCode::parse(code).map(Self)
    }

    /// Names the code without holding it.
    #[must_use]
    pub fn hash(&self, appid: &str) -> entity::CodeHash {
        self.0.hash(appid)
    }
}

/// A telephone number with its country (E.164), such as `+8613800000000`. Not to be printed.
#[derive(Clone, Debug)]
pub struct PhoneNumber(SecretString);

impl PhoneNumber {
    /// The number of a country and what is dialled there.
    #[must_use]
    pub fn of(country: &str, national: &str) -> Option<Self> {
        let country = country.trim().trim_start_matches('+');
        let national: String = national.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits(country) && digits(&national) && country.len() <= 3 && !country.starts_with('0');
        (fits && DIGITS.contains(&(country.len() + national.len())))
            .then(|| Self(format!("+{country}{national}").into()))
    }

    /// Reads a number that was stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let fits = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| Self(text.into()))
    }

    /// The number as text: for what stores it, and for its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&Self> for PhoneNumber {
    fn from(number: &Self) -> Self {
        number.clone()
    }
}

/// WeChat's word for a code of another mini program.
const OF_ANOTHER_APP: i64 = 40013;
/// WeChat's word for a code that is none.
const INVALID_CODE: i64 = 40029;

/// The number that a code stands for. WeChat checks that the code belongs to the user of this openid.
#[must_use]
pub fn phone_number(code: &PhoneCode, openid: &OpenId) -> Request<PhoneNumber> {
    let body = json!({ "code": code.0.expose(), "openid": openid.0 });
    let call = Call::post("wxa/business/getuserphonenumber", body.to_string().into());
    // for a login code it says that the server's own appid is wrong; here a client can bring it about
    Request::new(call.answered_by(&[OF_ANOTHER_APP]), read)
}

fn read(app: &App, answer: &Answer) -> Result<PhoneNumber, Failure> {
    if answer.errcode == OF_ANOTHER_APP {
        return Err(Failure::Refused { errcode: INVALID_CODE, rid: None });
    }
    let info = answer.get("phone_info").ok_or(Failure::Unreadable("without a telephone number"))?;
    if info.pointer("/watermark/appid").and_then(Value::as_str) != Some(app.id()) {
        return Err(Failure::Unreadable("of a telephone number of another mini program"));
    }
    number(info).ok_or(Failure::Unreadable("without a good telephone number"))
}

/// `countryCode` is a text by its description, and a number in WeChat's own example.
pub(super) fn number(info: &Value) -> Option<PhoneNumber> {
    let country = match info.get("countryCode")? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    PhoneNumber::of(&country, info.get("purePhoneNumber")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(country: &Value, national: &str) -> Option<String> {
        let info = json!({ "phoneNumber": "1", "purePhoneNumber": national, "countryCode": country });
        number(&info).map(|number| number.expose().to_owned())
    }

    #[test]
    fn country_is_read_as_number_and_as_text() {
        for country in [json!(86), json!("86"), json!("+86"), json!(" 86")] {
            assert_eq!(of(&country, "13800000000").as_deref(), Some("+8613800000000"));
        }
        assert_eq!(of(&json!(1), "202-555 0123").as_deref(), Some("+12025550123"));
        assert_eq!(of(&json!("852"), "51234567").as_deref(), Some("+85251234567"));
    }

    #[test]
    fn what_is_no_telephone_number_is_refused() {
        for (country, national) in [
            (json!(0), "13800000000"),
            (json!(8.6), "13800000000"),
            (json!(-86), "13800000000"),
            (json!(null), "13800000000"),
            (json!([86]), "13800000000"),
            (json!("8686"), "13800000000"),
            (json!(86), ""),
            (json!(86), "1234"),
            (json!(86), "12345678901234"),
            (json!(86), "+13800000000"),
            (json!(86), "１３８００００００００"),
        ] {
            assert_eq!(of(&country, national), None, "{country} {national}");
        }
        for text in ["", "+", "13800000000", "+123456", "+1234567890123456", "+0123456789", "+86 138"] {
            assert!(PhoneNumber::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_hides_code_and_number() {
        let told = format!("{:?} {:?}", PhoneCode::parse("verysecret"), PhoneNumber::parse("+8613800000000"));
        assert!(!told.contains("verysecret") && !told.contains("138"), "{told}");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_a_number_that_reads_again(country: String, national in "\\PC*|[+0-9 -]{0,20}", number: i64) {
            for country in [Value::from(country), Value::from(number)] {
                if let Some(number) = of(&country, &national) {
                    prop_assert!(PhoneNumber::parse(&number).is_some(), "{}", number);
                }
            }
        }
    }
}
