//! How jobs get into mailboxes, and what becomes of letters for which there is no room.
//!
//! Invariant: a letter of another actor is in a mailbox, parked, or told to be undelivered; its row stays in the store
//! until one of these is durable.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use troupe_chain::{Hash, Notice};

use crate::cell::{Cell, Posted};
use crate::core::Core;
use crate::effects::undelivered;
use crate::job::{Delivery, Job, Letter, Settle};
use crate::open::entry_of;
use crate::trace::Trace;
use crate::{Metrics, OpenError, SendError};

/// How many letters may wait for room in one mailbox, by reference.
const MAX_PARKED: usize = 100_000;

impl Core {
    /// Puts a job from outside into an actor's mailbox.
    ///
    /// # Errors
    /// Why it is not in.
    pub(crate) fn post(&self, id: &Hash, job: Job) -> Result<(), SendError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(SendError::Stopped);
        }
        let mut job = job;
        loop {
            let cell = match self.cell(id) {
                Ok(Some(cell)) => cell,
                Ok(None) => return Err(SendError::Unknown),
                Err(error) => return Err(error),
            };
            // A full mailbox must not keep its actor from being ended or resumed.
            let limit = if matches!(job, Job::Letter(_)) { self.options.mailbox } else { usize::MAX };
            match cell.post(job, limit) {
                Posted::Wake => {
                    self.schedule(&cell);
                    self.close_if_finished(&cell);
                    return Ok(());
                }
                Posted::Waiting | Posted::Parked => {
                    self.close_if_finished(&cell);
                    return Ok(());
                }
                Posted::Full(_) => {
                    Metrics::add(&self.metrics.busy, 1);
                    return Err(SendError::Busy("the mailbox is full".into()));
                }
                Posted::Retired(back) => job = back,
            }
        }
    }

    /// Puts a job from the node itself or another actor into an actor's mailbox.
    pub(crate) fn post_internal(&self, id: &Hash, job: Job) {
        let mut job = job;
        loop {
            let cell = match (&job, self.cell_in_memory(id)) {
                (_, Some(cell)) => cell,
                (Job::Begin(begin, _), None) => self.new_cell(id, !begin.genesis.grants.is_empty()),
                (_, None) => match self.cell(id) {
                    Ok(Some(cell)) => cell,
                    // A cell without a chain turns away what comes.
                    Ok(None) => self.new_cell(id, false),
                    Err(error) => {
                        self.note(id, 0, &format!("a letter waits for the next start: {error}"));
                        return;
                    }
                },
            };
            match cell.deliver(job, self.options.mailbox, MAX_PARKED) {
                Posted::Wake => {
                    self.schedule(&cell);
                    return self.close_if_finished(&cell);
                }
                Posted::Waiting => return self.close_if_finished(&cell),
                Posted::Parked => {
                    {
                        let mut congested = self.congested.lock().unwrap_or_else(PoisonError::into_inner);
                        if !congested.iter().any(|one| one.as_ptr() == Arc::as_ptr(&cell)) {
                            congested.push(Arc::downgrade(&cell));
                        }
                    }
                    return;
                }
                // What cannot be parked is of the node itself and always finds room, or one letter too many.
                Posted::Full(Job::Letter(letter)) => match letter.settle {
                    Settle::Delivery(delivery) => return self.too_busy(id, &delivery),
                    settle => {
                        job = Job::Letter(Letter { settle, ..letter });
                        match cell.post(job, usize::MAX) {
                            Posted::Wake => return self.schedule(&cell),
                            Posted::Retired(back) => job = back,
                            Posted::Waiting | Posted::Parked | Posted::Full(_) => return,
                        }
                    }
                },
                Posted::Full(_) => return,
                Posted::Retired(back) => job = back,
            }
        }
    }

    /// Drops what came after the end, so that nobody waits for it.
    fn close_if_finished(&self, cell: &Cell) {
        if self.finished.load(Ordering::SeqCst) {
            cell.close();
        }
    }

    /// Tells a sender that there was no room for too long.
    pub(crate) fn too_busy(&self, receiver: &Hash, delivery: &Delivery) {
        let told =
            undelivered(delivery, Notice::Busy, Some(*receiver), None, "the mailbox was full for too long");
        self.post_internal(&delivery.sender, Job::Letter(told));
    }

    /// Takes parked letters into the mailbox, as far as there is room.
    pub(crate) fn unpark(&self, cell: &Arc<Cell>) {
        while let Some(delivery) = cell.unpark(self.options.mailbox) {
            match self.letter_of(&delivery) {
                Ok(Some(letter)) => _ = cell.post(Job::Letter(letter), usize::MAX),
                Ok(None) => {}
                Err(error) => {
                    self.note(&cell.id, 0, &format!("a letter waits for the next start: {error}"));
                }
            }
        }
    }

    /// Reads a letter again that was parked.
    fn letter_of(&self, delivery: &Delivery) -> Result<Option<Letter>, OpenError> {
        let Some((entry, read)) = entry_of(&*self.store, &delivery.sender, delivery.of.seq)? else {
            return Ok(None);
        };
        let n = delivery.of.n as usize;
        let Some((_, name)) = read.body.effects().get(n).and_then(|effect| effect.blobs().next()) else {
            return Ok(None);
        };
        let Some(message) = self.store.blob(&delivery.sender, &name)? else { return Ok(None) };
        let from = troupe_chain::Sender::Actor(troupe_chain::EffectRef {
            chain: delivery.sender,
            entry,
            n: delivery.of.n,
        });
        let settle = Settle::Delivery(*delivery);
        Ok(Some(Letter { from, message, settle, attempts: 0, trace: Trace::default() }))
    }

    /// Hands what waits for an actor that has ended to the fork that took its place, or turns it away.
    pub(crate) fn ended(&self, cell: &Cell, heir: Option<Hash>) {
        if let Some(heir) = heir {
            let (jobs, parked) = cell.drain();
            // What comes back from its own timers and requests has lapsed; the next turn settles it.
            let (lapsed, rest): (Vec<_>, Vec<_>) = jobs.into_iter().partition(Job::is_own_echo);
            cell.put_back(lapsed.into_iter());
            for job in rest {
                self.post_internal(&heir, job);
            }
            for delivery in parked {
                if let Ok(Some(letter)) = self.letter_of(&delivery) {
                    self.post_internal(&heir, Job::Letter(letter));
                }
            }
        }
    }
}
