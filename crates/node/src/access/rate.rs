//! How often one client may ask.
//!
//! Each client has a bucket that holds a second's worth of requests and fills at the rate. It is kept as one number: the
//! time at which it will be full again. Invariant: a fixed number of clients is kept track of; those beyond share one
//! bucket, so that no number of addresses costs more memory or lets more through.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most clients that have a bucket of their own.
const MAX_CLIENTS: usize = 65_536;
/// How often full buckets are looked for, when there is no room.
const SWEEP_EVERY: u64 = NANOS_A_SECOND;
const NANOS_A_SECOND: u64 = 1_000_000_000;

/// Lets each client ask so many times a second.
#[derive(Debug)]
pub struct RateLimit {
    /// Nanoseconds from one request to the next.
    interval: u64,
    max_clients: usize,
    started: Instant,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    /// When each bucket is full again, in nanoseconds since the start.
    full_at: HashMap<Client, u64>,
    /// The one of all others.
    shared: u64,
    swept: Option<u64>,
}

/// Who counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber has to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4(u32),
    V6([u16; 4]),
}

impl From<IpAddr> for Client {
    fn from(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(peer) => Self::V4(peer.to_bits()),
            IpAddr::V6(peer) => {
                let [a, b, c, d, ..] = peer.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// A client that asked too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: try again in {retry_after} s")]
pub struct TooMany {
    /// Seconds to wait, at least 1.
    pub retry_after: u64,
}

impl RateLimit {
    /// Lets each client ask `per_second` times a second, and as many times at once.
    pub fn new(per_second: NonZero<u32>) -> Self {
        Self::tracking(per_second, MAX_CLIENTS)
    }

    fn tracking(per_second: NonZero<u32>, max_clients: usize) -> Self {
        let interval = (NANOS_A_SECOND / u64::from(per_second.get())).max(1);
        Self { interval, max_clients, started: Instant::now(), buckets: Mutex::default() }
    }

    /// Counts a request, now.
    ///
    /// # Errors
    /// [`TooMany`] if the client must wait; then the request does not count.
    pub fn take(&self, peer: IpAddr) -> Result<(), TooMany> {
        self.take_at(peer, self.started.elapsed())
    }

    /// Counts a request at a time since this was made.
    ///
    /// # Errors
    /// As [`RateLimit::take`].
    pub fn take_at(&self, peer: IpAddr, now: Duration) -> Result<(), TooMany> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = buckets.bucket(peer.into(), now, self.max_clients);
        let next = (*full_at).max(now).saturating_add(self.interval);
        // A bucket that holds a second's worth is empty when it takes a second to fill.
        let wait = next.saturating_sub(now).saturating_sub(NANOS_A_SECOND.max(self.interval));
        if wait > 0 {
            return Err(TooMany { retry_after: wait.div_ceil(NANOS_A_SECOND) });
        }
        *full_at = next;
        Ok(())
    }
}

impl Buckets {
    fn bucket(&mut self, client: Client, now: u64, max_clients: usize) -> &mut u64 {
        let known = self.full_at.contains_key(&client);
        if !known && self.full_at.len() >= max_clients {
            let due = self.swept.is_none_or(|swept| now.saturating_sub(swept) >= SWEEP_EVERY);
            if due {
                // A full bucket is as good as none.
                self.full_at.retain(|_, full_at| *full_at > now);
                self.swept = Some(now);
            }
            if self.full_at.len() >= max_clients {
                return &mut self.shared;
            }
        }
        self.full_at.entry(client).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_second: u32, max_clients: usize) -> RateLimit {
        RateLimit::tracking(NonZero::new(per_second).unwrap(), max_clients)
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// How many of so many requests at a time are let through.
    fn passes(limit: &RateLimit, peer: IpAddr, at: Duration, tries: usize) -> usize {
        (0..tries).filter(|_| limit.take_at(peer, at).is_ok()).count()
    }

    #[test]
    fn a_client_has_a_seconds_worth_at_once_and_the_rate_after_that() {
        let limit = limit(10, 100);
        let one = peer("192.0.2.1");
        assert_eq!(passes(&limit, one, ms(0), 50), 10);
        assert_eq!(limit.take_at(one, ms(0)), Err(TooMany { retry_after: 1 }));
        assert_eq!(passes(&limit, one, ms(99), 50), 0);
        assert_eq!(passes(&limit, one, ms(100), 50), 1);
        assert_eq!(passes(&limit, one, ms(600), 50), 5);
        assert_eq!(passes(&limit, one, ms(60_000), 50), 10, "no more than a second's worth is saved up");
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let limit = limit(1, 100);
        let one = peer("192.0.2.1");
        assert_eq!(passes(&limit, one, ms(0), 5), 1);
        assert_eq!(limit.take_at(one, ms(1)), Err(TooMany { retry_after: 1 }));
        assert_eq!(passes(&limit, one, ms(1000), 5), 1);
    }

    #[test]
    fn clients_do_not_share_and_a_subnet_of_ipv6_is_one() {
        let limit = limit(1, 100);
        assert_eq!(passes(&limit, peer("192.0.2.1"), ms(0), 2), 1);
        assert_eq!(passes(&limit, peer("192.0.2.2"), ms(0), 2), 1);
        assert_eq!(passes(&limit, peer("::ffff:192.0.2.2"), ms(0), 2), 0);
        assert_eq!(passes(&limit, peer("2001:db8:0:1::1"), ms(0), 2), 1);
        assert_eq!(passes(&limit, peer("2001:db8:0:1:ffff::2"), ms(0), 2), 0);
        assert_eq!(passes(&limit, peer("2001:db8:0:2::1"), ms(0), 2), 1);
    }

    #[test]
    fn clients_beyond_the_limit_share_a_bucket_until_there_is_room() {
        let limit = limit(1, 3);
        let client = |index: u32| IpAddr::from(index.to_be_bytes());
        assert_eq!((0..100).filter(|index| limit.take_at(client(*index), ms(0)).is_ok()).count(), 4);
        assert_eq!(limit.buckets.lock().unwrap().full_at.len(), 3);
        // Those that have a bucket keep it.
        assert_eq!(passes(&limit, client(0), ms(500), 1), 0);
        assert_eq!((200..300).filter(|index| limit.take_at(client(*index), ms(2000)).is_ok()).count(), 4);
        assert_eq!(limit.buckets.lock().unwrap().full_at.len(), 3);
    }
}
