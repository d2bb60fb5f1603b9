//! WeChat's hosts in order of preference, and which of them are down. A host that accepted no connection is called last
//! for some seconds, so that not every login waits for its timeout.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use entity::Timestamp;
use reqwest::Url;

/// How long a host counts as down after a connection to it failed.
const DOWN_FOR: Duration = Duration::from_secs(10);

pub(super) struct Hosts(Vec<Host>);

pub(super) struct Host {
    url: Url,
    /// When a connection to it last failed, in milliseconds; the minimum means never.
    failed_at: AtomicI64,
}

impl Hosts {
    pub(super) fn new(urls: impl IntoIterator<Item = Url>) -> Self {
        Self(urls.into_iter().map(|url| Host { url, failed_at: AtomicI64::new(i64::MIN) }).collect())
    }

    /// The host, if there is only one.
    pub(super) fn only(&self) -> Option<&Host> {
        match &self.0[..] {
            [host] => Some(host),
            _ => None,
        }
    }

    /// All hosts, those that are down last.
    pub(super) fn in_order(&self, now: Timestamp) -> Vec<&Host> {
        let mut hosts: Vec<_> = self.0.iter().collect();
        hosts.sort_by_key(|host| host.is_down(now));
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

    pub(super) fn mark_down(&self, now: Timestamp) {
        self.failed_at.store(now.0, Relaxed);
    }

    fn is_down(&self, now: Timestamp) -> bool {
        let failed_at = Timestamp(self.failed_at.load(Relaxed));
        failed_at <= now && now.since(failed_at) < DOWN_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreachable_host_is_tried_last_for_ten_seconds() {
        let hosts = Hosts::new(["http://a", "http://b", "http://c"].map(|url| Url::parse(url).unwrap()));
        let order = |now| hosts.in_order(Timestamp(now)).iter().map(|host| host.name().to_owned()).collect::<String>();
        assert_eq!(order(5), "abc");
        hosts.in_order(Timestamp(5))[0].mark_down(Timestamp(5));
        assert_eq!([order(4), order(5), order(10_004), order(10_005)], ["abc", "bca", "bca", "abc"]);
    }
}
