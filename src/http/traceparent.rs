//! `traceparent` (W3C Trace Context, section 3.2). The trace id of a valid header is logged, and the response repeats the
//! header with a new parent id. An invalid header is ignored.

use axum::http::{HeaderMap, HeaderValue};

use crate::random;

/// The header of requests and responses.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The trace of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceParent {
    /// The id of the whole trace.
    pub(super) trace_id: u128,
    sampled: bool,
}

impl TraceParent {
    /// Reads the header; `None` if it is missing, repeated or invalid.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        parse(value.to_str().ok()?)
    }

    /// The header of the response, with a new parent id.
    pub(super) fn header(self) -> Option<HeaderValue> {
        let parent = u64::from_be_bytes(random::bytes()).max(1);
        let flags = u8::from(self.sampled);
        HeaderValue::from_str(&format!("00-{:032x}-{parent:016x}-{flags:02x}", self.trace_id)).ok()
    }
}

fn parse(value: &str) -> Option<TraceParent> {
    let mut fields = value.splitn(5, '-');
    let (version, trace_id) = (hex(fields.next()?, 2)?, hex(fields.next()?, 32)?);
    let (parent_id, flags, more) = (hex(fields.next()?, 16)?, hex(fields.next()?, 2)?, fields.next());
    let is_valid = version != 0xff && trace_id != 0 && parent_id != 0 && (version > 0 || more.is_none());
    is_valid.then_some(TraceParent { trace_id, sampled: flags & 1 == 1 })
}

/// Parses a field of `length` lowercase hexadecimal digits.
fn hex(field: &str, length: usize) -> Option<u128> {
    let is_hex = field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex && field.len() == length { u128::from_str_radix(field, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> Option<TraceParent> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, value.parse().unwrap());
        }
        TraceParent::of(&headers)
    }

    #[test]
    fn valid_traceparent_is_continued_with_a_new_parent_id() {
        let header = of(&[VALID]).unwrap().header().unwrap();
        let header = header.to_str().unwrap();
        assert_eq!((&header[..36], &header[52..], header.len()), (&VALID[..36], "-01", VALID.len()));
        assert!(of(&[header]).is_some() && !header.contains("00f067aa0ba902b7"));
        let later = of(&[&format!("cc{}-more", &VALID[2..])]).unwrap();
        assert_eq!(later.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    }

    #[test]
    fn invalid_traceparent_is_ignored() {
        for value in [
            "",
            "x",
            &format!("ff{}", &VALID[2..]),
            &format!("{VALID}-more"),
            &VALID.to_uppercase(),
            &VALID[..54],
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[VALID, VALID]), None);
    }
}
