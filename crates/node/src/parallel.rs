//! Verifies a history on several threads at once: as good as one replay, and faster.
//!
//! Invariant: the verdict is that of [`troupe_chain::verify`], whatever the threads do first. A thread gives the parts out
//! in order, so that all before a wrong one are replayed before anything is said.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use troupe_chain::{
    Body, CannotCheck, Code, Engine, Entry, Files, Hash, History, Machine, Machines, NotVerified, Part,
    Report, Rules, Text, first_fault, parts,
};

/// How a verification goes about it.
pub struct Verification<'a> {
    /// How many threads replay.
    pub threads: NonZero<usize>,
    /// The position and name of the entry up to which the history was verified before: that much is not replayed again.
    /// A history whose states cannot be begun with is then missing a state: it is replayed without this.
    pub trusted: Option<(u64, Hash)>,
    /// Called for each entry that was replayed, from any thread.
    pub replayed: &'a (dyn Fn() + Sync),
    /// Called with what has been verified without a gap, each time that is more.
    pub verified: &'a (dyn Fn(&Report) + Sync),
}

impl Default for Verification<'_> {
    /// On all cores, from genesis on, and nobody is told.
    fn default() -> Self {
        Self { threads: cores(), trusted: None, replayed: &|| {}, verified: &|_| {} }
    }
}

/// A part and its number.
type Numbered<B> = (usize, Part<B>);

/// How many threads can run at once here.
pub fn cores() -> NonZero<usize> {
    std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Checks a history in the order of `docs/spec/chain.md`, as [`troupe_chain::verify`] does. The report counts what was
/// replayed now.
///
/// # Errors
/// [`NotVerified`] with the first thing that is wrong.
pub fn verify<H, M>(history: &H, machines: &M, how: &Verification<'_>) -> Result<Report, NotVerified>
where
    H: History + Sync,
    H::Bytes: Send + Sync,
    M: Machines + Sync,
{
    if keeps_leaves(history, machines) {
        return in_one(history, machines, how);
    }
    let (machines, found) = (Loaded::new(machines), Mutex::new(Found::default()));
    std::thread::scope(|scope| {
        let (give, take) = sync_channel(how.threads.get());
        let take = Arc::new(Mutex::new(take));
        for _ in 0..how.threads.get() {
            let (take, machines, found) = (Arc::clone(&take), &machines, &found);
            scope.spawn(move || work(history, machines, &take, found, how));
        }
        // Once the threads are gone, so is whoever takes.
        drop(take);
        for (index, part) in parts(history, how.trusted).enumerate() {
            let given = match part {
                Ok(part) => lock(&found).is_open(index) && give.send((index, part)).is_ok(),
                Err(fault) => {
                    lock(&found).fail(index, fault);
                    false
                }
            };
            if !given {
                break;
            }
        }
    });
    let Found { whole, fault, .. } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (fault, whole) {
        (Some((_, fault)), _) => Err(first_fault(history, fault)),
        (None, Some(whole)) => Ok(whole),
        // Without a part there was a fault.
        (None, None) => Err(CannotCheck::Empty.into()),
    }
}

/// Whether the chain's states name more than they hold, so that none of them can be begun with.
fn keeps_leaves<H: History, M: Machines>(history: &H, machines: &M) -> bool {
    let genesis = history.entries().next().and_then(Result::ok);
    let entry = genesis.and_then(|bytes| Entry::decode(bytes.as_ref()).ok());
    match entry.map(|entry| entry.body) {
        Some(Body::Genesis(genesis)) if matches!(genesis.code, Code::Native(_)) => {
            let machine = machines.machine(&genesis.rules(), &[], &Files::new());
            machine.is_ok_and(|machine| machine.kept_states().is_some())
        }
        _ => false,
    }
}

/// Replays all of a history, one entry after the other.
fn in_one<H, M>(history: &H, machines: &M, how: &Verification<'_>) -> Result<Report, NotVerified>
where
    H: History + Sync,
    M: Machines,
{
    if let Some((seq, name)) = how.trusted {
        return Err(CannotCheck::MissingBlob { seq, field: "state", name }.into());
    }
    let over = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        // A history that fetches each message would have the replay wait for every one of them.
        let threads = if history.has_results() { 0 } else { how.threads.get() };
        for first in 0..threads {
            let over = &over;
            scope.spawn(move || fetch_ahead(history, (first, threads), over));
        }
        let report = troupe_chain::verify(history, machines, |_| (how.replayed)());
        over.store(true, Ordering::Relaxed);
        report
    })?;
    (how.verified)(&report);
    Ok(report)
}

/// Asks for the messages of every so many entries, so that the history has them by the time that they are replayed.
fn fetch_ahead<H: History>(history: &H, (first, step): (usize, usize), over: &AtomicBool) {
    for bytes in history.entries().skip(first).step_by(step) {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let entry = bytes.ok().and_then(|bytes| Entry::decode(bytes.as_ref()).ok());
        for (field, name) in entry.iter().flat_map(Entry::blobs) {
            if field == "message" && history.blob(&name).is_err() {
                // Who replays it says why.
                return;
            }
        }
    }
}

/// Replays parts for as long as there are any.
fn work<H: History, M: Machines>(
    history: &H,
    machines: &M,
    take: &Mutex<Receiver<Numbered<H::Bytes>>>,
    found: &Mutex<Found>,
    how: &Verification<'_>,
) {
    loop {
        let Ok((index, part)) = lock(take).recv() else { return };
        if !lock(found).is_open(index) {
            continue;
        }
        let report = part.replay(history, machines, |_| (how.replayed)());
        let mut found = lock(found);
        match report {
            Ok(report) => found.hold(index, report, how.verified),
            Err(fault) => found.fail(index, fault),
        }
    }
}

/// A thread that panicked takes the whole verification with it, so what it held is never read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What has come out so far.
#[derive(Default)]
struct Found {
    /// Parts that hold and have one before them that is not done.
    ahead: BTreeMap<usize, Report>,
    /// How many parts hold without a gap.
    done: usize,
    whole: Option<Report>,
    fault: Option<(usize, NotVerified)>,
}

impl Found {
    /// Whether a part can still make a difference.
    fn is_open(&self, index: usize) -> bool {
        self.fault.as_ref().is_none_or(|(wrong, _)| index < *wrong)
    }

    fn fail(&mut self, index: usize, fault: NotVerified) {
        if self.is_open(index) {
            self.fault = Some((index, fault));
        }
    }

    fn hold(&mut self, index: usize, report: Report, verified: &dyn Fn(&Report)) {
        self.ahead.insert(index, report);
        while let Some(report) = self.ahead.remove(&self.done) {
            self.done += 1;
            match &mut self.whole {
                Some(whole) => whole.extend(&report),
                None => self.whole = Some(report),
            }
        }
        if let Some(whole) = &self.whole
            && self.done > index
        {
            verified(whole);
        }
    }
}

/// Machines that are made once for all parts that ask for the same.
struct Loaded<'a, M: Machines> {
    machines: &'a M,
    made: Mutex<Vec<(Rules, Arc<M::Machine>)>>,
}

impl<'a, M: Machines> Loaded<'a, M> {
    fn new(machines: &'a M) -> Self {
        Self { machines, made: Mutex::default() }
    }
}

impl<M: Machines> Machines for Loaded<'_, M> {
    type Machine = Arc<M::Machine>;

    fn engine(&self) -> &Engine {
        self.machines.engine()
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<Arc<M::Machine>, String> {
        /// Chains have seldom more than a few rules, and parts ask for those of their time.
        const MAX_MADE: usize = 8;
        let mut made = lock(&self.made);
        if let Some((_, machine)) = made.iter().find(|(known, _)| known == rules) {
            return Ok(Arc::clone(machine));
        }
        let machine = Arc::new(self.machines.machine(rules, code, files)?);
        if made.len() >= MAX_MADE {
            made.remove(0);
        }
        made.push((rules.clone(), Arc::clone(&machine)));
        Ok(machine)
    }

    fn world(&self, rules: &Rules, code: &[u8]) -> Result<Text, String> {
        self.machines.world(rules, code)
    }
}
