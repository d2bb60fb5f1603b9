//! Custom scalars.

use std::fmt;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, TimeZone, Utc};
use entity::Timestamp;
use serde::{Serialize, Serializer};

/// A point in time, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

impl DateTime {
    /// The text that clients get.
    #[must_use]
    pub fn to_text(self) -> String {
        let moment = Utc.timestamp_millis_opt(self.0.0).single().unwrap_or_default();
        moment.to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// A point in time as an RFC 3339 timestamp in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let moment = chrono::DateTime::parse_from_rfc3339(text).map_err(InputValueError::custom)?;
        Ok(Self(Timestamp(moment.timestamp_millis())))
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_text())
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

/// A URL, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::graphql) struct Url(pub String);

/// An absolute URL. In input it must be `https`.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.starts_with("https://") => Ok(Self(text)),
            value => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// Any JSON value. `Debug` does not show it, because it may be private.
#[derive(Clone, PartialEq)]
pub(in crate::graphql) struct Json(pub Value);

/// Any JSON value (RFC 8259): an object, a list, a string, a number, `true` or `false`. A document may contain it as a
/// literal or as a variable. If a key occurs twice in an object, the last value counts. Integers from -2⁶³ to 2⁶⁴-1
/// are exact; other numbers have the precision of IEEE 754 with 64 bits.
#[Scalar(name = "JSON", specified_by_url = "https://datatracker.ietf.org/doc/html/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        if is_json(&value) { Ok(Self(value)) } else { Err(InputValueError::expected_type(value)) }
    }

    fn is_valid(value: &Value) -> bool {
        is_json(value)
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// Whether JSON can express a value: a literal in a document may contain names of enum values.
fn is_json(value: &Value) -> bool {
    match value {
        Value::Enum(_) | Value::Binary(_) => false,
        Value::List(items) => items.iter().all(is_json),
        Value::Object(members) => members.values().all(is_json),
        _ => true,
    }
}

impl Json {
    /// Parses a JSON text; `None` if it is not JSON.
    pub(in crate::graphql) fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The value as JSON without whitespace; `None` if JSON cannot express it.
    pub(in crate::graphql) fn to_text(&self) -> Option<String> {
        serde_json::to_string(&self.0).ok()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_numbers_and_the_order_of_its_keys() {
        let text = r#"{"z":1,"a":[1.0,-0.0,1e-7,18446744073709551615,-9223372036854775808,0.1,2.5e+300,null],"":""}"#;
        assert_eq!(Json::of_text(text).unwrap().to_text().unwrap(), text);
        assert_eq!(format!("{:?}", Json::of_text(text)), "Some(Json(..))");
    }

    #[test]
    fn names_of_enum_values_are_not_json() {
        let enum_value = Value::Enum(async_graphql::Name::new("A"));
        let nested = Value::List(vec![Value::Null, enum_value.clone()]);
        assert!(!Json::is_valid(&enum_value) && !Json::is_valid(&nested) && Json::parse(nested).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_number_is_read_as_the_one_that_was_written(number: f64) {
            if number.is_finite() {
                let text = serde_json::to_string(&number).unwrap();
                proptest::prop_assert_eq!(Json::of_text(&text).unwrap().to_text().unwrap(), text);
            }
        }
    }

    #[test]
    fn time_is_written_in_utc_with_milliseconds() {
        assert_eq!(DateTime(Timestamp(1_769_846_400_005)).to_text(), "2026-01-31T08:00:00.005Z");
    }

    #[test]
    fn time_is_read_with_any_offset() {
        let read = DateTime::parse(Value::from("2026-01-31T16:00:00.005+08:00")).unwrap();
        assert_eq!(read, DateTime(Timestamp(1_769_846_400_005)));
    }
}
