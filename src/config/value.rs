//! Plain values as text: durations, rates, switches, counts, and what the log needs. A fault is a fixed sentence, so
//! it cannot tell the value.

use std::{num::NonZeroU32, time::Duration};

use tracing_subscriber::EnvFilter;

use super::{LogFormat, Rate, problems::Fault};

/// Longer than any lifetime makes sense, and far from where times overflow.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// `500ms`, `90s`, `15m`, `2h`, `30d`.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    const FAULT: Fault = "must be a duration such as 500ms, 90s, 15m, 2h or 30d";
    let (number, unit) = split_number(text).ok_or(FAULT)?;
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        "d" => Duration::from_hours(24),
        _ => return Err(FAULT),
    };
    let duration = unit.checked_mul(number).filter(|duration| *duration <= LONGEST);
    let duration = duration.ok_or("must be less than a hundred years")?;
    if duration.is_zero() { Err("must be longer than nothing") } else { Ok(duration) }
}

/// The same; `off` or `0` is no time at all.
pub(super) fn duration_or_off(text: &str) -> Result<Duration, Fault> {
    let is_off = text.eq_ignore_ascii_case("off") || text == "0";
    if is_off { Ok(Duration::ZERO) } else { duration(text) }
}

/// `600/min`, `10/s`, `100/h`; `off` is no limit.
pub(super) fn rate(text: &str) -> Result<Option<Rate>, Fault> {
    const FAULT: Fault = "must be a rate such as 10/s, 600/min or 100/h, or off";
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let (number, period) = split_number(text).ok_or(FAULT)?;
    let period = match period {
        "/s" => Duration::from_secs(1),
        "/min" => Duration::from_mins(1),
        "/h" => Duration::from_hours(1),
        _ => return Err(FAULT),
    };
    let count = NonZeroU32::new(number).ok_or("must allow at least one; off is no limit")?;
    Ok(Some(Rate { count, period }))
}

fn split_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

/// A switch, in any of the ways people write one.
pub(super) fn boolean(text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" | "yes" => Ok(true),
        "false" | "off" | "0" | "no" => Ok(false),
        _ => Err("must be true or false"),
    }
}

/// How many of something there may be: at least one.
pub(super) fn count(text: &str) -> Result<u32, Fault> {
    text.parse().map(NonZeroU32::get).map_err(|_| "must be a whole number, at least 1")
}

/// How deep a document may nest: no deeper than the parser goes, and the stack bears.
pub(super) fn nesting(text: &str) -> Result<u32, Fault> {
    count(text)
        .ok()
        .filter(|count| *count <= 64)
        .ok_or("must be a whole number from 1 to 64: no document is read deeper")
}

/// A filter the log understands.
pub(super) fn log_filter(text: &str) -> Result<String, Fault> {
    let fault = "must be a filter such as info, or info,miniaccount=debug";
    // the parser cuts the text between bytes, and panics where those are parts of one character
    if !text.is_ascii() {
        return Err(fault);
    }
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|_| fault)
}

/// `text` or `json`.
pub(super) fn log_format(text: &str) -> Result<LogFormat, Fault> {
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
    fn some_durations_can_be_turned_off() {
        assert_eq!(duration_or_off("10s"), Ok(Duration::from_secs(10)));
        assert!(["off", "OFF", "0"].iter().all(|text| duration_or_off(text) == Ok(Duration::ZERO)));
        assert!(["", "no", "-1s"].iter().all(|text| duration_or_off(text).is_err()));
    }

    #[test]
    fn rates_are_a_count_in_a_second_a_minute_or_an_hour() {
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
    fn switches_counts_and_formats_are_read_leniently_but_not_guessed() {
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
    fn a_filter_must_be_one() {
        assert!(["info", "off", "warn,miniaccount=debug"].iter().all(|text| log_filter(text).is_ok()));
        assert!(["miniaccount=loud", "a=b=c"].iter().all(|text| log_filter(text).is_err()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*", number: u64, unit in "(ms|s|m|h|d|/s|/min|/h|)") {
            let numbered = format!("{number}{unit}");
            for text in [&text, &numbered] {
                let _ = (duration(text), rate(text), boolean(text), count(text), log_filter(text));
            }
        }
    }
}
