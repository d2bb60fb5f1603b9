//! Parses durations, rates, booleans, counts, names, and the filter and format of the log.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use tracing_subscriber::EnvFilter;

use super::{
    ContentCheck, LogFormat, Rate,
    parse::list,
    problems::InvalidValue,
    setting::{Parsed, ValueProblem},
};

/// The longest duration: a hundred years, so that times do not overflow.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// A duration such as `500ms`, `90s`, `15m`, `2h` or `30d`.
pub(super) fn duration(text: &str) -> Result<Duration, InvalidValue> {
    const INVALID: InvalidValue = "must be a duration such as 500ms, 90s, 15m, 2h or 30d";
    let (number, unit) = split_number(text).ok_or(INVALID)?;
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        "d" => Duration::from_hours(24),
        _ => return Err(INVALID),
    };
    let duration = unit.checked_mul(number).filter(|duration| *duration <= LONGEST);
    let duration = duration.ok_or("must be less than a hundred years")?;
    if duration.is_zero() { Err("must be longer than zero") } else { Ok(duration) }
}

/// The same; `off` or `0` is zero.
pub(super) fn duration_or_off(text: &str) -> Result<Duration, InvalidValue> {
    let is_off = text.eq_ignore_ascii_case("off") || text == "0";
    if is_off { Ok(Duration::ZERO) } else { duration(text) }
}

/// A rate such as `600/min`, `10/s` or `100/h`; `off` is no limit.
pub(super) fn rate(text: &str) -> Result<Option<Rate>, InvalidValue> {
    const INVALID: InvalidValue = "must be a rate such as 10/s, 600/min or 100/h, or off";
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let (number, period) = split_number(text).ok_or(INVALID)?;
    let period = match period {
        "/s" => Duration::from_secs(1),
        "/min" => Duration::from_mins(1),
        "/h" => Duration::from_hours(1),
        _ => return Err(INVALID),
    };
    let count = NonZeroU32::new(number).ok_or("must allow at least one; off is no limit")?;
    Ok(Some(Rate { count, period }))
}

fn split_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

/// A boolean, in the usual spellings.
pub(super) fn boolean(text: &str) -> Result<bool, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" | "yes" => Ok(true),
        "false" | "off" | "0" | "no" => Ok(false),
        _ => Err("must be true or false"),
    }
}

/// A whole number, at least one.
pub(super) fn count(text: &str) -> Result<u32, InvalidValue> {
    text.parse().map(NonZeroU32::get).map_err(|_| "must be a whole number, at least 1")
}

/// The nesting of brackets in a document, at most as deep as the parser recurses.
pub(super) fn nesting(text: &str) -> Result<u32, InvalidValue> {
    count(text)
        .ok()
        .filter(|count| *count <= 64)
        .ok_or("must be a whole number from 1 to 64: no document is read deeper")
}

/// A filter of the log, in the syntax of `EnvFilter`.
pub(super) fn log_filter(text: &str) -> Result<String, InvalidValue> {
    let invalid = "must be a filter such as info, or info,miniaccount=debug";
    // the parser of EnvFilter slices at byte positions, and panics inside a character of several bytes
    if !text.is_ascii() {
        return Err(invalid);
    }
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|_| invalid)
}

/// Any text at all.
#[expect(clippy::unnecessary_wraps, reason = "other parsers refuse something")]
pub(super) fn text(text: &str) -> Result<String, InvalidValue> {
    Ok(text.to_owned())
}

/// Names of open-platform accounts by appid: `appid:name,appid:name`.
pub(super) fn open_platforms(text: &str) -> Parsed<BTreeMap<String, String>> {
    let pairs = list(text, pair)?;
    let count = pairs.len();
    let names: BTreeMap<_, _> = pairs.into_iter().collect();
    if names.len() < count { Err(vec![ValueProblem::of_value(&"names an appid twice")]) } else { Ok(names) }
}

fn pair(text: &str) -> Result<(String, String), InvalidValue> {
    let (key, name) = text.split_once(':').map(|(key, name)| (key.trim(), name.trim())).unwrap_or_default();
    if key.is_empty() || name.is_empty() { Err("must be appid:name") } else { Ok((key.to_owned(), name.to_owned())) }
}

/// `off`, `flag` or `enforce`.
pub(super) fn content_check(text: &str) -> Result<ContentCheck, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(ContentCheck::Off),
        "flag" => Ok(ContentCheck::Flag),
        "enforce" => Ok(ContentCheck::Enforce),
        _ => Err("must be off, flag or enforce"),
    }
}

/// Whether to `keep` or to `refuse`.
pub(super) fn keep(text: &str) -> Result<bool, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "keep" => Ok(true),
        "refuse" => Ok(false),
        _ => Err("must be keep or refuse"),
    }
}

/// `text` or `json`.
pub(super) fn log_format(text: &str) -> Result<LogFormat, InvalidValue> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let good = [("500ms", 500), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("30d", 2_592_000_000)];
        for (text, milliseconds) in good {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        let bad = ["", "5", "s", "5 s", "-5s", "1.5h", "5S", "5w", "0s", "0ms", "5s5", "99999999999s", "36501d", "５s"];
        for text in bad {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn off_is_no_duration() {
        assert_eq!(duration_or_off("10s"), Ok(Duration::from_secs(10)));
        assert!(["off", "OFF", "0"].iter().all(|text| duration_or_off(text) == Ok(Duration::ZERO)));
        assert!(["", "no", "-1s"].iter().all(|text| duration_or_off(text).is_err()));
    }

    #[test]
    fn rates_are_a_count_for_each_second_minute_or_hour() {
        for (text, count, seconds) in [("10/s", 10, 1), ("600/min", 600, 60), ("100/h", 100, 3600)] {
            let expected = Rate { count: NonZeroU32::new(count).unwrap(), period: Duration::from_secs(seconds) };
            assert_eq!(rate(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(rate("off"), Ok(None));
        for text in ["", "600", "600/", "/min", "0/s", "-1/s", "1/m", "1/day", "5000000000/s", "1 / s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn booleans_counts_and_formats_are_accepted_in_their_usual_spellings_alone() {
        assert!(["true", "ON", "1", "yes"].iter().all(|text| boolean(text) == Ok(true)));
        assert!(["False", "off", "0", "no"].iter().all(|text| boolean(text) == Ok(false)));
        assert!(["", "y", "2"].iter().all(|text| boolean(text).is_err()));
        assert_eq!(count("16"), Ok(16));
        assert!(["0", "-1", "", "1.0", "4294967296"].iter().all(|text| count(text).is_err()));
        assert_eq!((nesting("1"), nesting("64")), (Ok(1), Ok(64)));
        assert!(["0", "65", "-1", "x", "4294967296"].iter().all(|text| nesting(text).is_err()));
        assert_eq!(log_format("JSON"), Ok(LogFormat::Json));
        assert!(log_format("xml").is_err());
    }

    #[test]
    fn open_platforms_are_pairs_of_appid_and_name() {
        let expected =
            BTreeMap::from([("wx1", "a"), ("wx2", "b:c")].map(|(id, name)| (id.to_owned(), name.to_owned())));
        assert_eq!(open_platforms("wx1:a, wx2: b:c"), Ok(expected));
        assert!(["wx1", "wx1:", ":a", "wx1:a,", "wx1:a,wx1:b"].iter().all(|text| open_platforms(text).is_err()));
    }

    #[test]
    fn invalid_log_filters_are_refused() {
        assert!(["info", "off", "warn,miniaccount=debug"].iter().all(|text| log_filter(text).is_ok()));
        assert!(["miniaccount=loud", "a=b=c"].iter().all(|text| log_filter(text).is_err()));
    }

    proptest::proptest! {
        #[test]
        fn parsers_never_panic(text in "\\PC*", number: u64, unit in "(ms|s|m|h|d|/s|/min|/h|)") {
            let numbered = format!("{number}{unit}");
            for text in [&text, &numbered] {
                let _ = (duration(text), rate(text), boolean(text), count(text), log_filter(text));
            }
        }
    }
}
