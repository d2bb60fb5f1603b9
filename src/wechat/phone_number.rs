//! `POST /wxa/business/getuserphonenumber`: exchanges a code of the `getPhoneNumber` button for the phone number. Such
//! a code is not a login code; it is valid once, for five minutes.

use entity::OpenId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{App, Request, code::LoginCode, endpoint::Call, error::Failure, response::ApiResponse};
use crate::error::ApiError;

/// The permitted number of digits of a phone number with its country code (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// A code of the `getPhoneNumber` button. It is a secret until it is used or expires.
#[derive(Clone, Debug)]
pub struct PhoneCode(LoginCode);

impl PhoneCode {
    /// Checks the form of a code.
    ///
    /// # Errors
    /// `INVALID_CODE`
    pub fn parse(code: &str) -> Result<Self, ApiError> {
        LoginCode::parse(code).map(Self)
    }

    /// The hash that identifies the code.
    #[must_use]
    pub fn hash(&self, appid: &str) -> entity::CodeHash {
        self.0.hash(appid)
    }
}

/// A phone number with its country code (E.164), such as `+8613800000000`. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct PhoneNumber(SecretString);

impl PhoneNumber {
    /// The phone number with a country code and a national number.
    #[must_use]
    pub fn of(country: &str, national: &str) -> Option<Self> {
        let country = country.trim().trim_start_matches('+');
        let national: String = national.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits(country) && digits(&national) && country.len() <= 3 && !country.starts_with('0');
        (fits && DIGITS.contains(&(country.len() + national.len())))
            .then(|| Self(format!("+{country}{national}").into()))
    }

    /// Parses a stored phone number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let fits = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| Self(text.into()))
    }

    /// The phone number as text, for the store and for its owner.
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

/// WeChat's errcode for a code of another mini program.
const CODE_OF_ANOTHER_APP: i64 = 40013;
/// WeChat's errcode for an invalid code.
const INVALID_CODE: i64 = 40029;

/// Exchanges a code for the phone number. WeChat checks that the code belongs to the user with this openid.
#[must_use]
pub fn phone_number(code: &PhoneCode, openid: &OpenId) -> Request<PhoneNumber> {
    let body = json!({ "code": code.0.expose(), "openid": openid.0 });
    let call = Call::post("wxa/business/getuserphonenumber", body.to_string().into());
    // with a login code this errcode means that the server's appid is wrong; here it may also be the client's mistake
    Request::new(call.accepting(&[CODE_OF_ANOTHER_APP]), read)
}

fn read(app: &App, response: &ApiResponse) -> Result<PhoneNumber, Failure> {
    if response.errcode == CODE_OF_ANOTHER_APP {
        return Err(Failure::Refused { errcode: INVALID_CODE, rid: None });
    }
    let info = response.get("phone_info").ok_or(Failure::Unreadable("no phone_info"))?;
    if info.pointer("/watermark/appid").and_then(Value::as_str) != Some(app.id()) {
        return Err(Failure::Unreadable("the phone number is for another mini program"));
    }
    number(info).ok_or(Failure::Unreadable("no valid phone number"))
}

/// The phone number in a response. `countryCode` is a string in WeChat's documentation, and a number in its example.
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
    fn invalid_phone_number_is_refused() {
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
        let printed = format!("{:?} {:?}", PhoneCode::parse("verysecret"), PhoneNumber::parse("+8613800000000"));
        assert!(!printed.contains("verysecret") && !printed.contains("138"), "{printed}");
    }

    proptest! {
        #[test]
        fn accepted_number_can_be_parsed_again(country: String, national in "\\PC*|[+0-9 -]{0,20}", number: i64) {
            for country in [Value::from(country), Value::from(number)] {
                if let Some(number) = of(&country, &national) {
                    prop_assert!(PhoneNumber::parse(&number).is_some(), "{}", number);
                }
            }
        }
    }
}
