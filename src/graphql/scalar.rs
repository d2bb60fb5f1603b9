//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, TimeZone, Utc};
use entity::Timestamp;
use serde::{Serialize, Serializer};

/// A moment, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub Timestamp);

impl DateTime {
    /// The moment as text.
    #[must_use]
    pub fn to_text(self) -> String {
        let moment = Utc.timestamp_millis_opt(self.0.0).single().unwrap_or_default();
        moment.to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// A moment in UTC as RFC 3339 writes it, to the millisecond: `2026-01-31T08:00:00.000Z`.
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

/// An address, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url(pub String);

/// An absolute `https` address.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_millisecond_in_utc() {
        assert_eq!(DateTime(Timestamp(1_769_846_400_005)).to_text(), "2026-01-31T08:00:00.005Z");
    }

    #[test]
    fn moments_are_read_whatever_their_offset() {
        let read = DateTime::parse(Value::from("2026-01-31T16:00:00.005+08:00")).unwrap();
        assert_eq!(read, DateTime(Timestamp(1_769_846_400_005)));
    }
}
