//! A node for tests: in memory, with fixed keys, a clock that the test owns, and randomness that is the same each time.
//!
//! Invariant: two runs of the same test make the same chains, hash by hash. Nothing outside is asked.

use std::sync::Arc;

use troupe_chain::Timestamp;
use troupe_identity::SecretKey;
use troupe_manifest::Profile;
use troupe_runtime::{ManualClock, SeededEntropy};
use troupe_store::MemoryStore;

use super::Environment;
use crate::host::Settings;

/// When the clock of a test begins to stand: 2000-01-01, in milliseconds since 1970.
pub const TESTING_EPOCH: Timestamp = Timestamp(946_684_800_000);

/// What all randomness of a test comes from.
const SEED: u64 = 1;

/// What a test has in its hands: the clock, and keys by their numbers.
#[derive(Debug, Clone)]
pub struct Testing {
    clock: Arc<ManualClock>,
}

impl Default for Testing {
    fn default() -> Self {
        Self { clock: Arc::new(ManualClock::new(TESTING_EPOCH)) }
    }
}

impl Testing {
    /// The clock, which stands still until it is set.
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The key of a number: the same each time, and worth nothing outside of tests.
    pub fn key(number: u8) -> SecretKey {
        SecretKey::from_seed(&[number; 32])
    }

    /// A new node, empty and in memory. It acts with the key of number 0.
    pub fn environment(&self) -> Environment {
        let mut settings = Settings::new(Arc::new(MemoryStore::new()));
        self.apply(&mut settings);
        Environment { profile: Profile::Testing, identity: Arc::new(Self::key(0)), settings }
    }

    /// Makes a node the same each time: its clock, its randomness, one thread, and no world outside.
    pub fn apply(&self, settings: &mut Settings) {
        let options = &mut settings.options;
        options.clock = Arc::clone(&self.clock) as _;
        options.entropy = Arc::new(SeededEntropy::new(SEED));
        options.threads = 1;
        options.outside = None;
    }
}
