//! Tests of the script with a controlled clock, on the Redis at `TEST_REDIS_URL` if that is set.

use std::num::NonZeroU32;

use governor::{
    RateLimiter,
    clock::{Clock, FakeRelativeClock},
};
use proptest::prelude::*;
use redis::Connection;

use super::{super::local_limiter, *};

/// A time in 2026, in microseconds.
const START: u64 = 1_790_000_000_000_000;

/// The script with its own keys, and a clock that the test sets.
struct Counter {
    redis: Connection,
    script: Script,
    run: String,
    now: u64,
}

impl Counter {
    /// `None` if `TEST_REDIS_URL` is not set.
    fn new() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests take the servers' addresses from the environment")]
        let Some(url) = std::env::var("TEST_REDIS_URL").ok().filter(|url| !url.is_empty()) else {
            eprintln!("skipped: TEST_REDIS_URL is not set");
            return None;
        };
        let clockless = include_str!("../count.lua").replace("redis.call('TIME')", "{ARGV[#ARGV], 0}");
        let script = Script::new(&clockless.replace("* 1000000", ""));
        let run = format!("test:{:032x}", u128::from_be_bytes(crate::random::bytes()));
        Some(Self { redis: Client::open(url).unwrap().get_connection().unwrap(), script, run, now: START })
    }

    /// Microseconds to wait; 0 if the request is accepted.
    fn count(&mut self, counts: &[(&str, Rate)]) -> u64 {
        let mut call = self.script.prepare_invoke();
        for (name, rate) in counts {
            add(&mut call, *rate, &format!("{}:{name}", self.run));
        }
        call.arg(self.now).invoke(&mut self.redis).unwrap()
    }

    /// The remaining lifetime of a key, in milliseconds.
    fn kept(&mut self, name: &str) -> i64 {
        redis::cmd("PTTL").arg(format!("{PREFIX}:{}:{name}", self.run)).query(&mut self.redis).unwrap()
    }
}

fn per_minute(count: u32) -> Rate {
    Rate { count: NonZeroU32::new(count).unwrap(), period: Duration::from_mins(1) }
}

const SECOND: u64 = 1_000_000;

#[test]
fn test_clock_replaces_the_clock_of_redis() {
    let script = include_str!("../count.lua");
    assert_eq!((script.matches("redis.call('TIME')").count(), script.matches("* 1000000").count()), (1, 1));
}

#[test]
fn burst_is_accepted_and_then_one_request_per_interval() {
    let Some(mut counter) = Counter::new() else { return };
    let mut log_in = |after| {
        counter.now += after;
        counter.count(&[("a", per_minute(3))])
    };
    assert_eq!([0; 3].map(&mut log_in), [0; 3]);
    // a refused request is not counted: repeating it does not extend the wait
    assert_eq!([0, SECOND, 18 * SECOND].map(&mut log_in), [20 * SECOND, 19 * SECOND, SECOND]);
    assert_eq!(
        [SECOND, 0, 20 * SECOND, 60 * SECOND, 0, 0, 0].map(&mut log_in),
        [0, 20 * SECOND, 0, 0, 0, 0, 20 * SECOND]
    );
}

#[test]
fn nothing_is_counted_if_one_key_is_rejected() {
    let Some(mut counter) = Counter::new() else { return };
    let (network, app) = (("network", per_minute(2)), ("app", per_minute(1)));
    assert_eq!(counter.count(&[network, app]), 0);
    assert_eq!([counter.count(&[network, app]), counter.count(&[network, app])], [60 * SECOND; 2]);
    assert_eq!([counter.count(&[network]), counter.count(&[network])], [0, 30 * SECOND]);
    let other = ("other", per_minute(1));
    assert_eq!([counter.count(&[network, other]), counter.count(&[other])], [30 * SECOND, 0]);
}

#[test]
fn key_expires_at_its_arrival_time() {
    let Some(mut counter) = Counter::new() else { return };
    for seconds in [20_000, 40_000, 60_000, 60_000] {
        counter.count(&[("a", per_minute(3))]);
        assert!((seconds - 5000..=seconds).contains(&counter.kept("a")), "{}", counter.kept("a"));
    }
}

#[test]
fn clock_set_back_or_raised_limit_blocks_nobody() {
    let Some(mut counter) = Counter::new() else { return };
    counter.count(&[("a", per_minute(1))]);
    counter.now -= 3600 * SECOND;
    assert_eq!(counter.count(&[("a", per_minute(1))]), 60 * SECOND);
    assert_eq!(counter.count(&[("a", per_minute(600))]), SECOND / 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn redis_decides_as_the_local_limiter_does(
        count in prop::sample::select(vec![1, 2, 3, 8, 60, 600]),
        hours in any::<bool>(),
        waits in prop::collection::vec(0_u64..2000, 1..80),
    ) {
        let Some(mut counter) = Counter::new() else { return Ok(()) };
        let period = if hours { Duration::from_hours(1) } else { Duration::from_mins(1) };
        let rate = Rate { count: NonZeroU32::new(count).unwrap(), period };
        let clock = FakeRelativeClock::default();
        let own = RateLimiter::direct_with_clock(local_limiter::quota(rate), clock.clone());
        let each = u64::try_from(period.as_micros()).unwrap() / u64::from(count);
        for wait in waits {
            // half of the waits are zero; the others last up to two intervals
            let wait = wait.saturating_sub(1000) * each / 500;
            counter.now += wait;
            clock.advance(Duration::from_micros(wait));
            let expected = own.check().err().map_or(Duration::ZERO, |full| full.wait_time_from(clock.now()));
            prop_assert_eq!(Duration::from_micros(counter.count(&[("a", rate)])), expected);
        }
    }
}
