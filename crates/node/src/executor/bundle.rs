//! A history that a submitter brings along as a blob, for a job that goes on from an entry which its node never saw.
//!
//! Invariant: nobody is believed. A blob is a chain whose names all fit, or it is refused; and no state of it is used before
//! all of it was replayed here. It is not kept: the node does not take the chain on.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Body, Entry, Fork, Hash};
use troupe_commons::Id;
use troupe_component::Limits;
use troupe_runtime::{StoreHistory, state_at};
use troupe_store::bundle::Car;
use troupe_store::{MemoryStore, Store};

use super::course::state_after;
use crate::copy::copy;
use crate::machines::AllMachines;
use crate::parallel::{Verification, verify};

/// A chain out of a blob, in memory.
pub struct Brought {
    store: Arc<dyn Store>,
    chain: Hash,
    last: u64,
}

/// Why a blob does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bundle: {0}")]
pub struct NotBrought(pub String);

fn not<T>(why: impl std::fmt::Display) -> Result<T, NotBrought> {
    Err(NotBrought(why.to_string()))
}

impl Brought {
    /// Reads a CAR file as `troupe export` writes it, and checks all but the outcomes.
    ///
    /// # Errors
    /// [`NotBrought`].
    pub fn read(bytes: &Bytes) -> Result<Self, NotBrought> {
        let car = Car::open(bytes.to_vec()).or_else(not)?;
        let (store, last) = (MemoryStore::new(), car.summary().size.saturating_sub(1));
        copy(&car, &store, last, |_| {}).or_else(not)?;
        Ok(Self { store: Arc::new(store), chain: car.summary().chain, last })
    }

    /// The chain, and the store that has it.
    ///
    /// # Errors
    /// [`NotBrought`] if there is none.
    pub fn history(&self) -> Result<(Arc<dyn Store>, StoreHistory), NotBrought> {
        let history = StoreHistory::new(Arc::clone(&self.store), self.chain).or_else(not)?;
        history.map_or_else(|| not("it holds no chain"), |history| Ok((Arc::clone(&self.store), history)))
    }

    fn entries(&self) -> impl Iterator<Item = Result<(u64, Hash, Entry), NotBrought>> {
        (0..=self.last).map(|seq| {
            let bytes = self.store.entry(&self.chain, seq).or_else(not)?;
            let Some(bytes) = bytes else { return not(format!("it has no entry at seq {seq}")) };
            Ok((seq, Hash::of(&bytes), Entry::decode(&bytes).or_else(not)?))
        })
    }

    /// Checks that replaying the chain takes no more fuel than so much, and that no message may go beyond limits.
    ///
    /// # Errors
    /// [`NotBrought`] with what is too much.
    pub fn check_bounds(&self, most: u64, limits: &Limits) -> Result<(), NotBrought> {
        let (limits, mut used) = (limits.to_entry(), 0_u64);
        for entry in self.entries() {
            let (_, _, entry) = entry?;
            let (fuel, found) = match &entry.body {
                Body::Genesis(genesis) => (0, Some(&genesis.limits)),
                Body::Upgrade(upgrade) => (upgrade.fuel.0, Some(&upgrade.limits)),
                Body::Init(init) => (init.fuel.0, None),
                Body::Message(message) => (message.fuel.0, None),
                Body::Failure(failure) => (failure.fuel.0, None),
                Body::Engine(_) | Body::Stop(_) => (0, None),
            };
            used = used.saturating_add(fuel);
            for (name, most) in limits.iter().filter(|_| found.is_some()) {
                // What is not said there has no bound.
                if found.and_then(|found| found.get(name)).is_none_or(|found| found > most) {
                    return not(format!("its limit `{name}` is not within the job's, {most}"));
                }
            }
        }
        if used > most {
            return not(format!("its chain used {used} fuel, more than the {most} of the job"));
        }
        Ok(())
    }

    /// The entry to go on from, by its name.
    ///
    /// # Errors
    /// [`NotBrought`] if it has none of that name with a state of its own.
    pub fn find(&self, name: Id) -> Result<Fork, NotBrought> {
        for entry in self.entries() {
            let (seq, found, entry) = entry?;
            if found == name.0 {
                let Some(state) = state_after(&entry) else {
                    return not(format!("its entry {name} leaves no state"));
                };
                return Ok(Fork { chain: self.chain, entry: found, seq, state });
            }
        }
        not(format!("it has no entry {name}"))
    }

    /// Replays the chain, and gives the state where it is gone on from.
    ///
    /// # Errors
    /// [`NotBrought`] if it does not verify.
    pub fn replayed(&self, machines: &AllMachines, fork: &Fork) -> Result<Bytes, NotBrought> {
        let (store, history) = self.history()?;
        let report = verify(&history, machines, &Verification::default()).or_else(not)?;
        if !report.is_complete() {
            return not("not all of it can be replayed");
        }
        let state = state_at(&*store, self.chain, machines, fork.seq).or_else(not)?.state;
        if Hash::of(&state) == fork.state { Ok(state) } else { not("its state is another") }
    }
}
