//! Randomness as the sequencer draws it, for machines that use any. Tests own it.

use std::sync::atomic::{AtomicU64, Ordering};

use troupe_chain::{Abort, Hash};

/// Gives seeds: 32 bytes that nobody can foresee.
pub trait Entropy: Send + Sync {
    /// The next seed.
    ///
    /// # Errors
    /// [`Abort::Host`] if there is none now.
    fn seed(&self) -> Result<Hash, Abort>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn seed(&self) -> Result<Hash, Abort> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Abort::Host(format!("the system gives no random bytes: {error}")))?;
        Ok(Hash::from_bytes(seed))
    }
}

/// Seeds that a number leads to, one after another.
#[derive(Debug, Default)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn seed(&self) -> Result<Hash, Abort> {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed);
        Ok(Hash::of(format!("seed {} {n}", self.seed).as_bytes()))
    }
}
