//! Counts of host calls and of denied growth, for whoever watches a node. They decide nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{FUNCTIONS, HostFunction};

/// Counters of one sandbox, from its start on.
#[derive(Debug)]
pub struct Meters {
    calls: Vec<AtomicU64>,
    memory: AtomicU64,
    table: AtomicU64,
}

impl Default for Meters {
    fn default() -> Self {
        let calls = FUNCTIONS.iter().map(|_| AtomicU64::new(0)).collect();
        Self { calls, memory: AtomicU64::new(0), table: AtomicU64::new(0) }
    }
}

impl Meters {
    /// How often each function was called, whatever came of it.
    pub fn calls(&self) -> impl Iterator<Item = (&'static str, u64)> {
        FUNCTIONS.iter().zip(&self.calls).map(|(function, count)| (function.name, read(count)))
    }

    /// How often a guest was denied more memory.
    pub fn memory_denied(&self) -> u64 {
        read(&self.memory)
    }

    /// How often a guest was denied a larger table.
    pub fn table_denied(&self) -> u64 {
        read(&self.table)
    }

    pub(crate) fn called(&self, function: &HostFunction) {
        if let Some(count) = self.calls.get(function.place()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn deny_memory(&self) {
        self.memory.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn deny_table(&self) {
        self.table.fetch_add(1, Ordering::Relaxed);
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
