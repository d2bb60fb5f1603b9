//! WeChat's hosts in order of preference. One that took no connection is tried last for a while, so that not every
//! login waits for it again.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use entity::Timestamp;
use reqwest::Url;

const COOLING: Duration = Duration::from_secs(10);

pub(super) struct Hosts(Vec<Host>);

pub(super) struct Host {
    url: Url,
    /// When it last took no connection, in milliseconds; the beginning of time stands for never.
    failed_at: AtomicI64,
}

impl Hosts {
    pub(super) fn new(urls: impl IntoIterator<Item = Url>) -> Self {
        Self(urls.into_iter().map(|url| Host { url, failed_at: AtomicI64::new(i64::MIN) }).collect())
    }

    /// All hosts, those that cool down last.
    pub(super) fn in_order(&self, now: Timestamp) -> Vec<&Host> {
        let mut hosts: Vec<_> = self.0.iter().collect();
        hosts.sort_by_key(|host| host.cools(now));
        hosts
    }
}

impl Host {
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Its name, for the log.
    pub(super) fn name(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn took_no_connection(&self, now: Timestamp) {
        self.failed_at.store(now.0, Relaxed);
    }

    fn cools(&self, now: Timestamp) -> bool {
        let failed_at = Timestamp(self.failed_at.load(Relaxed));
        failed_at <= now && now.since(failed_at) < COOLING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_took_no_connection_is_last_for_ten_seconds() {
        let hosts = Hosts::new(["http://a", "http://b", "http://c"].map(|url| Url::parse(url).unwrap()));
        let order = |now| hosts.in_order(Timestamp(now)).iter().map(|host| host.name().to_owned()).collect::<String>();
        assert_eq!(order(5), "abc");
        hosts.in_order(Timestamp(5))[0].took_no_connection(Timestamp(5));
        assert_eq!([order(4), order(5), order(10_004), order(10_005)], ["abc", "bca", "bca", "abc"]);
    }
}
