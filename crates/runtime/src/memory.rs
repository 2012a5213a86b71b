//! Which actors stay in memory: those in use, and others as long as there is room.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::cell::{Cell, weight};
use crate::core::Core;
use crate::sequencer::Loaded;

/// An actor that was not used during so many sweeps leaves memory.
const IDLE_SWEEPS: u64 = 12;

impl Core {
    /// Takes actors out of memory that have nothing to do: those that were not used for a while, and more of them if all
    /// together need more than they may.
    pub(crate) fn sweep(&self, everything: bool) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        let over = self.loaded_bytes.load(Ordering::Relaxed) > self.options.memory;
        let idle = if everything {
            0
        } else if over {
            1
        } else {
            IDLE_SWEEPS
        };
        for cells in &self.cells {
            let is_idle = |cell: &Cell| cell.used.load(Ordering::Relaxed) + idle <= now;
            if !cells.read().unwrap_or_else(PoisonError::into_inner).values().any(|cell| is_idle(cell)) {
                continue;
            }
            let mut cells = cells.write().unwrap_or_else(PoisonError::into_inner);
            cells.retain(|_, cell| {
                if !is_idle(cell) || (!everything && !over && cell.holds_leaves()) {
                    return true;
                }
                let Ok(mut loaded) = cell.loaded.try_lock() else { return true };
                if !cell.retire() {
                    return true;
                }
                if let Some(loaded) = loaded.take() {
                    self.unload(&loaded);
                }
                false
            });
            cells.shrink_to_fit();
        }
    }

    /// Takes a cell out of memory that no actor has: it could not be begun, or what was sent is for an id that is nobody's.
    pub(crate) fn discard(&self, cell: &Arc<Cell>) {
        let mut cells = self.cells_of(&cell.id).write().unwrap_or_else(PoisonError::into_inner);
        let is_in_use = || cell.loaded.try_lock().map_or(true, |loaded| loaded.is_some());
        if cells.get(&cell.id).is_some_and(|known| Arc::ptr_eq(known, cell)) && !is_in_use() && cell.retire()
        {
            cells.remove(&cell.id);
        }
    }

    /// Whether loaded states need more memory than they may.
    pub(crate) fn is_over_memory(&self) -> bool {
        self.loaded_bytes.load(Ordering::Relaxed) > self.options.memory
    }

    /// Counts a state as no longer in memory.
    pub(crate) fn unload(&self, loaded: &Loaded) {
        let bytes = weight(&loaded.state);
        let _ = self
            .loaded_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| Some(all.saturating_sub(bytes)));
    }

    /// Counts a state that takes the place of another.
    pub(crate) fn weigh(&self, before: u64, now: u64) {
        let _ = self.loaded_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| {
            Some((all + now).saturating_sub(before))
        });
    }

    /// Notes that an actor is used now.
    pub(crate) fn touch(&self, cell: &Cell) {
        cell.used.store(self.tick.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How many actors are in memory, and the bytes they need.
    pub(crate) fn in_memory(&self) -> (usize, u64) {
        let cells = self.cells.iter().map(|cells| cells.read().unwrap_or_else(PoisonError::into_inner).len());
        (cells.sum(), self.loaded_bytes.load(Ordering::Relaxed))
    }
}
