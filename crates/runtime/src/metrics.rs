//! Counters of what actors do, for whoever exposes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a node's actors have done since it was opened. All counters only grow.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Messages that led to an entry of kind `message`.
    pub accepted: AtomicU64,
    /// Messages that a contract refused.
    pub rejected: AtomicU64,
    /// Messages that led to an entry of kind `failure`.
    pub failed: AtomicU64,
    /// Messages whose outcome was not known in time.
    pub aborted: AtomicU64,
    /// Messages turned away because the mailbox was full.
    pub busy: AtomicU64,
    /// Fuel used by recorded messages.
    pub fuel: AtomicU64,
    /// What actors asked for: messages, timers, children and the rest.
    pub effects: AtomicU64,
    /// Letters that nobody took and nobody is told about but the log.
    pub dropped: AtomicU64,
    /// Group commits that succeeded.
    pub commits: AtomicU64,
    /// Group commits that failed.
    pub commit_errors: AtomicU64,
    /// How long a group commit took.
    pub commit_time: Histogram,
}

impl Metrics {
    pub(crate) fn add(counter: &AtomicU64, value: u64) {
        counter.fetch_add(value, Ordering::Relaxed);
    }
}

/// Counts durations in buckets of powers of four, from 16 µs to about 1 s.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; Self::BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// The upper bounds of the buckets, in microseconds; one more bucket takes the rest.
    pub const BOUNDS_US: [u64; 9] = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = Self::BOUNDS_US.partition_point(|bound| *bound < us);
        Metrics::add(&self.buckets[bucket], 1);
        Metrics::add(&self.sum_us, us);
    }

    /// The count of each bucket, and the sum of all durations in microseconds.
    pub fn read(&self) -> (Vec<u64>, u64) {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        (counts, self.sum_us.load(Ordering::Relaxed))
    }
}
