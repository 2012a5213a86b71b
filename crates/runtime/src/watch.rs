//! Tells readers that a chain has grown. Nobody waits for them: they read from the store, at their own pace.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use troupe_chain::Hash;

/// Who wants to know of which chain.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    count: AtomicUsize,
    chains: RwLock<HashMap<Hash, watch::Sender<u64>>>,
}

/// Sees the position of a chain's last committed entry.
pub struct Watch {
    receiver: watch::Receiver<u64>,
    chain: Hash,
    watchers: Arc<Watchers>,
}

impl Watchers {
    /// Says that a chain now ends at `seq`.
    pub(crate) fn tell(&self, chain: &Hash, seq: u64) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let chains = self.chains.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = chains.get(chain) {
            sender.send_if_modified(|last| {
                let grown = seq > *last;
                *last = seq.max(*last);
                grown
            });
        }
    }

    pub(crate) fn watch(self: &Arc<Self>, chain: Hash, seq: u64) -> Watch {
        let mut chains = self.chains.write().unwrap_or_else(PoisonError::into_inner);
        let sender = chains.entry(chain).or_insert_with(|| watch::channel(seq).0);
        self.count.fetch_add(1, Ordering::Relaxed);
        Watch { receiver: sender.subscribe(), chain, watchers: Arc::clone(self) }
    }
}

impl Watch {
    /// The position of the last entry that was told.
    pub fn seq(&self) -> u64 {
        *self.receiver.borrow()
    }

    /// Waits until an entry after `seq` is committed; `false` if none ever will be.
    pub async fn after(&mut self, seq: u64) -> bool {
        self.receiver.wait_for(|last| *last > seq).await.is_ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.count.fetch_sub(1, Ordering::Relaxed);
        let mut chains = self.watchers.chains.write().unwrap_or_else(PoisonError::into_inner);
        // Ours is still counted.
        if chains.get(&self.chain).is_some_and(|sender| sender.receiver_count() <= 1) {
            chains.remove(&self.chain);
        }
    }
}
