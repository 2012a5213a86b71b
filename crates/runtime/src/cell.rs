//! One actor in memory: its mailbox, what is committed of it, and what its next message starts from.
//!
//! Invariant: a cell is in one run queue, in one worker's hands, or has nothing to do; so one thread at a time grows its
//! chain. Locks are taken in the order sequencer, mailbox, view, and none is held while another cell's is taken.
//!
//! Deliberately absent: an instance of the component. There is none between messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use troupe_chain::Hash;

use crate::View;
use crate::job::{Delivery, Job};
use crate::sequencer::Loaded;

/// One actor in memory.
pub(crate) struct Cell {
    pub(crate) id: Hash,
    /// The shard that runs it.
    pub(crate) shard: usize,
    mailbox: Mutex<Mailbox>,
    /// What the next message starts from; `None` until it is needed.
    pub(crate) loaded: Mutex<Option<Box<Loaded>>>,
    /// What is committed, as far as it is known here; replaced, never changed.
    view: RwLock<Option<Arc<View>>>,
    /// Grows when a commit failed: what was run on from it is void.
    pub(crate) generation: AtomicU64,
    /// How many batches are on their way to the store.
    pub(crate) in_flight: AtomicU32,
    /// When it was last used, in the ticks of its shard.
    pub(crate) used: AtomicU64,
    pub(crate) counts: Counts,
}

/// What an actor did since it was loaded.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) handled: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) fuel: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Mailbox {
    queue: VecDeque<Job>,
    /// Letters from actors for which there was no room. Their bytes are in the store.
    parked: VecDeque<Delivery>,
    /// What was in batches that did not become durable, in order. It comes before all of `queue`.
    returned: VecDeque<Job>,
    /// Whether nothing is served until all batches that are on their way have arrived.
    settling: bool,
    /// Whether nothing is served until something new comes or a while has passed, since trying again at once would fail
    /// again.
    stalled: bool,
    /// Whether what comes is dropped: the node has stopped.
    closed: bool,
    /// Whether it is in a run queue or in a worker's hands.
    scheduled: bool,
    /// Which letters wait.
    hold: Hold,
    /// Whether the cell was taken out of the node: whoever still holds it looks it up again.
    retired: bool,
}

/// Which letters a mailbox keeps back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hold {
    /// None.
    #[default]
    Nothing,
    /// Those of other actors; whoever asks from outside is told that the actor is paused.
    Paused,
    /// All: the actor is about to go back to an earlier state, or rests after that.
    Recovering,
}

/// What became of a job that was to be put into a mailbox.
pub(crate) enum Posted {
    /// It is in, and the cell must be put into a run queue.
    Wake,
    /// It is in.
    Waiting,
    /// It waits for room, by reference.
    Parked,
    /// There is no room.
    Full(Job),
    /// The cell is gone: look it up again.
    Retired(Job),
}

impl Cell {
    pub(crate) fn new(id: Hash, shard: usize) -> Self {
        Self {
            id,
            shard,
            mailbox: Mutex::default(),
            loaded: Mutex::new(None),
            view: RwLock::new(None),
            generation: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            used: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    pub(crate) fn view(&self) -> Option<Arc<View>> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_view(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(view));
    }

    /// Shows what was read from the store, unless something is shown already: that is as new, or newer.
    pub(crate) fn offer_view(&self, view: &Arc<View>) {
        let mut shown = self.view.write().unwrap_or_else(PoisonError::into_inner);
        shown.get_or_insert_with(|| Arc::clone(view));
    }

    /// Whether what readers see is costly to read again.
    pub(crate) fn holds_leaves(&self) -> bool {
        self.view
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|view| view.held.is_some())
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job in if fewer than `limit` wait.
    pub(crate) fn post(&self, job: Job, limit: usize) -> Posted {
        let mut mailbox = self.mailbox();
        if mailbox.retired {
            return Posted::Retired(job);
        }
        if mailbox.closed {
            return Posted::Waiting;
        }
        if mailbox.queue.len() >= limit {
            return Posted::Full(job);
        }
        mailbox.queue.push_back(job);
        mailbox.stalled = false;
        mailbox.wake()
    }

    /// Puts a letter of another actor in, or only where its bytes are if there is no room for them. Letters of one
    /// sender stay in order.
    pub(crate) fn deliver(&self, job: Job, limit: usize, parked: usize) -> Posted {
        let mut mailbox = self.mailbox();
        if mailbox.retired {
            return Posted::Retired(job);
        }
        if mailbox.closed {
            return Posted::Waiting;
        }
        mailbox.stalled = false;
        let full = mailbox.queue.len() >= limit || !mailbox.parked.is_empty();
        match job {
            Job::Letter(letter) if full => match letter.settle {
                crate::job::Settle::Delivery(delivery) if mailbox.parked.len() < parked => {
                    mailbox.parked.push_back(delivery);
                    match mailbox.wake() {
                        Posted::Wake => Posted::Wake,
                        _ => Posted::Parked,
                    }
                }
                _ => Posted::Full(Job::Letter(letter)),
            },
            job => {
                mailbox.queue.push_back(job);
                mailbox.wake()
            }
        }
    }

    /// Puts jobs back at the front, in their order.
    pub(crate) fn put_back(&self, jobs: impl DoubleEndedIterator<Item = Job>) {
        let mut mailbox = self.mailbox();
        for job in jobs.rev() {
            mailbox.queue.push_front(job);
        }
    }

    /// Keeps jobs of a batch that did not become durable, for [`Cell::take_back`].
    pub(crate) fn give_back(&self, jobs: impl Iterator<Item = Job>) {
        self.mailbox().returned.extend(jobs);
    }

    /// Puts what was given back in front of everything else, in its order. For when no batch is on its way.
    pub(crate) fn take_back(&self) {
        let mut mailbox = self.mailbox();
        while let Some(job) = mailbox.returned.pop_back() {
            mailbox.queue.push_front(job);
        }
    }

    /// Serves nothing until all that is on its way has arrived; `false` if it has.
    pub(crate) fn settle_first(&self) -> bool {
        let mut mailbox = self.mailbox();
        mailbox.settling = self.in_flight.load(Ordering::Acquire) > 0;
        mailbox.settling
    }

    /// Notes that a batch is no longer on its way; `true` if the cell must be put into a run queue.
    pub(crate) fn arrived(&self) -> bool {
        if self.in_flight.fetch_sub(1, Ordering::AcqRel) > 1 {
            return false;
        }
        let mut mailbox = self.mailbox();
        mailbox.settling = false;
        matches!(mailbox.wake(), Posted::Wake)
    }

    /// Serves nothing until something new comes or [`Cell::unstall`] is called.
    pub(crate) fn stall(&self) {
        self.mailbox().stalled = true;
    }

    /// Puts what begins the chain in front of what was sent to it meanwhile.
    pub(crate) fn begin_first(&self) {
        let mut mailbox = self.mailbox();
        if let Some(at) = mailbox.queue.iter().position(|job| matches!(job, Job::Begin(..)))
            && let Some(job) = mailbox.queue.remove(at)
        {
            mailbox.queue.push_front(job);
        }
    }

    /// Whether nothing is served for now.
    pub(crate) fn is_stalled(&self) -> bool {
        self.mailbox().stalled
    }

    /// Tries again; `true` if the cell must be put into a run queue.
    pub(crate) fn unstall(&self) -> bool {
        let mut mailbox = self.mailbox();
        mailbox.stalled = false;
        matches!(mailbox.wake(), Posted::Wake)
    }

    /// Takes the next job that is not kept back.
    pub(crate) fn take(&self) -> Option<Job> {
        let mut mailbox = self.mailbox();
        let hold = mailbox.hold;
        if hold == Hold::Nothing {
            return mailbox.queue.pop_front();
        }
        let at = mailbox.queue.iter().position(|job| !job.is_held(hold))?;
        mailbox.queue.remove(at)
    }

    /// Takes one parked letter, if there is room for it.
    pub(crate) fn unpark(&self, limit: usize) -> Option<Delivery> {
        let mut mailbox = self.mailbox();
        if mailbox.hold != Hold::Nothing || mailbox.queue.len() > limit / 2 {
            return None;
        }
        mailbox.parked.pop_front()
    }

    /// Takes the parked letters that have waited too long.
    pub(crate) fn expired(&self, now: u64) -> Vec<Delivery> {
        let mut mailbox = self.mailbox();
        let (late, rest) = mailbox.parked.drain(..).partition(|delivery| delivery.wait_until <= now);
        mailbox.parked = rest;
        let late: VecDeque<Delivery> = late;
        late.into()
    }

    /// Keeps letters back from now on, or no longer. For whoever serves the cell.
    pub(crate) fn hold(&self, hold: Hold) {
        self.mailbox().hold = hold;
    }

    pub(crate) fn held(&self) -> Hold {
        self.mailbox().hold
    }

    /// Gives the cell up after a turn; `true` if it has more to do and must be put into a run queue.
    pub(crate) fn release(&self) -> bool {
        let mut mailbox = self.mailbox();
        let more = mailbox.has_work();
        mailbox.scheduled = more;
        if mailbox.queue.is_empty() {
            // Most actors are idle most of the time: an empty mailbox needs no memory.
            mailbox.queue = VecDeque::new();
        }
        more
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        let mailbox = self.mailbox();
        mailbox.queue.len() + mailbox.parked.len() + mailbox.returned.len()
    }

    /// Whether letters are parked.
    pub(crate) fn has_parked(&self) -> bool {
        !self.mailbox().parked.is_empty()
    }

    /// Whether a letter of this timer waits.
    pub(crate) fn has_timer(&self, set: troupe_chain::EffectId) -> bool {
        let is_it = |job: &Job| match job {
            Job::Letter(letter) => {
                matches!(letter.from, troupe_chain::Sender::Timer { set: other, .. } if other == set)
            }
            _ => false,
        };
        self.mailbox().queue.iter().any(is_it)
    }

    /// Takes the cell out of use if nothing waits and nothing runs.
    pub(crate) fn retire(&self) -> bool {
        let mut mailbox = self.mailbox();
        let empty = mailbox.queue.is_empty() && mailbox.parked.is_empty() && mailbox.returned.is_empty();
        if empty && !mailbox.scheduled && self.in_flight.load(Ordering::Acquire) == 0 {
            mailbox.retired = true;
        }
        mailbox.retired
    }

    /// Takes everything out that waits.
    pub(crate) fn drain(&self) -> (Vec<Job>, Vec<Delivery>) {
        let mut mailbox = self.mailbox();
        let (queue, parked) = (std::mem::take(&mut mailbox.queue), std::mem::take(&mut mailbox.parked));
        (queue.into(), parked.into())
    }

    /// Drops everything that waits or comes later: whoever waits for an answer is told by that.
    pub(crate) fn close(&self) {
        let mut mailbox = self.mailbox();
        mailbox.closed = true;
        let dropped = (std::mem::take(&mut mailbox.queue), std::mem::take(&mut mailbox.returned));
        drop(mailbox);
        drop(dropped);
    }
}

impl Mailbox {
    fn has_work(&self) -> bool {
        if self.settling || self.stalled {
            return false;
        }
        if !self.returned.is_empty() {
            return true;
        }
        if self.hold != Hold::Nothing {
            return self.queue.iter().any(|job| !job.is_held(self.hold));
        }
        !self.queue.is_empty() || !self.parked.is_empty()
    }

    fn wake(&mut self) -> Posted {
        if self.scheduled || !self.has_work() {
            return Posted::Waiting;
        }
        self.scheduled = true;
        Posted::Wake
    }
}

impl Job {
    fn is_held(&self, hold: Hold) -> bool {
        match self {
            Self::Letter(letter) => {
                let from_outside = matches!(letter.settle, crate::job::Settle::Caller(_));
                hold == Hold::Recovering || (hold == Hold::Paused && !from_outside)
            }
            _ => false,
        }
    }
}

/// The bytes of a state that count against a node's memory.
pub(crate) fn weight(state: &Bytes) -> u64 {
    // What a loaded actor needs beside its state, as measured in a node of 50,000.
    state.len() as u64 + 1700
}
