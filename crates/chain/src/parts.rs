//! A history in parts, each of which is replayed by itself: on another thread, or after a part that was verified before.
//!
//! Invariant: structure and origins are checked over the whole history by [`Parts`]; a [`Part`] begins with the state that
//! the entry before it names and must come to every state that its own entries name. So if each part holds, the whole
//! does, as by one replay from genesis: every state that a part began with is one that the part before came to.
//!
//! Deliberately absent: threads.

use crate::history::{History, Machines};
use crate::link::{Broken, LinkFault, Tip};
use crate::once::Once;
use crate::recorded::{check_blob, find_blob};
use crate::replay::{Replayer, machine_after};
use crate::verdict::{CannotCheck, NotVerified, Report};
use crate::verify::{check_head, check_links, check_results};
use crate::{Entry, Hash, Unreadable};

/// How many entries a part has, unless the state after them is not at hand.
pub const PART_ENTRIES: usize = 256;
/// How many bytes of entries a part has before it ends early.
const PART_BYTES: usize = 4 << 20;

/// Entries that follow each other, and where their replay begins.
#[derive(Debug, Clone)]
pub struct Part<B> {
    begin: Begin<B>,
    entries: Vec<B>,
}

#[derive(Debug, Clone)]
enum Begin<B> {
    /// With nothing: this is the entry.
    Genesis(B),
    /// After an entry, in the state that it names.
    After(Box<Tip>, B),
}

/// Walks through a history, checks how its entries hang together, and hands out what is to be replayed.
///
/// After an error there are no more parts.
pub struct Parts<'a, H: History, I> {
    history: &'a H,
    entries: I,
    once: Once,
    tip: Option<Tip>,
    /// The entry up to which nothing is handed out: it was verified before.
    trusted: Option<(u64, Hash)>,
    begin: Option<Begin<H::Bytes>>,
    gathered: Vec<H::Bytes>,
    bytes: usize,
    /// The length at which the part is to end.
    wanted: usize,
    /// What is said after the last part.
    fault: Option<NotVerified>,
    ended: bool,
}

/// Begins to walk through a history. What was verified before, up to the entry of this position and name, is not handed
/// out again; it must still be there, hang together, and have its state at hand.
pub fn parts<H: History>(
    history: &H,
    trusted: Option<(u64, Hash)>,
) -> Parts<'_, H, impl Iterator<Item = Result<H::Bytes, Unreadable>>> {
    Parts {
        history,
        entries: history.entries(),
        once: Once::default(),
        tip: None,
        trusted,
        begin: None,
        gathered: Vec::new(),
        bytes: 0,
        wanted: PART_ENTRIES,
        fault: None,
        ended: false,
    }
}

/// What is to be said of a history in which a replay of parts found `fault`: faults of an earlier stage come first,
/// wherever they stand.
pub fn first_fault<H: History>(history: &H, fault: NotVerified) -> NotVerified {
    match check_links(history).and_then(|_| crate::check_blobs(history)) {
        Ok(()) => fault,
        Err(earlier) => earlier,
    }
}

impl<H: History, I: Iterator<Item = Result<H::Bytes, Unreadable>>> Parts<'_, H, I> {
    /// Takes entries until a part is complete. `None` at the end of the history.
    fn advance(&mut self) -> Result<Option<Part<H::Bytes>>, NotVerified> {
        loop {
            let Some(bytes) = self.entries.next() else {
                let tip = self.tip.as_ref().ok_or(CannotCheck::Empty)?;
                check_head(tip, self.history.head())?;
                self.check_trusted_reached(tip.seq)?;
                return Ok(self.take());
            };
            let bytes = bytes.map_err(CannotCheck::from)?;
            let Some(tip) = &mut self.tip else {
                let (tip, linked) = Tip::check_genesis(bytes.as_ref())?;
                self.tip = Some(tip);
                self.check_origin(&linked.entry)?;
                self.begin = self.trusted.is_none().then_some(Begin::Genesis(bytes));
                continue;
            };
            let (name, entry) = tip.check(bytes.as_ref())?;
            if let Some((seq, trusted)) = self.trusted.filter(|(seq, _)| entry.seq <= *seq) {
                self.check_origin(&entry)?;
                if entry.seq == seq {
                    check_name(seq, trusted, name)?;
                    self.begin = Some(self.here()?.ok_or_else(|| missing_state(seq, self.tip.as_ref()))?);
                }
                continue;
            }
            self.bytes += bytes.as_ref().len();
            self.gathered.push(bytes);
            self.check_origin(&entry)?;
            let enough = self.gathered.len() >= self.wanted || self.bytes >= PART_BYTES;
            let next = if enough { self.here()? } else { None };
            if let Some(next) = next {
                let part = self.take();
                self.begin = Some(next);
                return Ok(part);
            }
            if self.gathered.len() >= self.wanted {
                // Asking for a state that is not there costs as much as one that is.
                self.wanted += PART_ENTRIES;
            }
        }
    }

    /// A history that ends before what was verified is not all of it.
    fn check_trusted_reached(&self, last: u64) -> Result<(), NotVerified> {
        match self.trusted {
            Some((seq, expected)) if last < seq => {
                Err(NotVerified::Head { seq: last, expected, found: self.history.head() })
            }
            _ => Ok(()),
        }
    }

    fn check_origin(&mut self, entry: &Entry) -> Result<(), NotVerified> {
        let seq = entry.seq;
        self.once.check(entry).map_err(|what| NotVerified::Origin { seq, what })
    }

    /// A beginning in the state that was reached, if it is at hand.
    fn here(&self) -> Result<Option<Begin<H::Bytes>>, NotVerified> {
        let Some((tip, name)) = self.tip.as_ref().and_then(|tip| Some((tip, tip.state?))) else {
            return Ok(None);
        };
        let Some(state) = self.history.blob(&name).map_err(CannotCheck::from)? else { return Ok(None) };
        check_blob(tip.seq, "state", name, state.as_ref())?;
        Ok(Some(Begin::After(Box::new(tip.clone()), state)))
    }

    fn take(&mut self) -> Option<Part<H::Bytes>> {
        (self.bytes, self.wanted) = (0, PART_ENTRIES);
        let entries = std::mem::take(&mut self.gathered);
        Some(Part { begin: self.begin.take()?, entries })
    }
}

/// Checks that an entry is the one that was verified before.
fn check_name(seq: u64, expected: Hash, found: Hash) -> Result<(), NotVerified> {
    if found == expected {
        return Ok(());
    }
    Err(Broken { seq, fault: LinkFault::Name { expected, found } }.into())
}

fn missing_state(seq: u64, tip: Option<&Tip>) -> NotVerified {
    match tip.and_then(|tip| tip.state) {
        Some(name) => CannotCheck::MissingBlob { seq, field: "state", name }.into(),
        None => CannotCheck::Empty.into(),
    }
}

impl<H: History, I: Iterator<Item = Result<H::Bytes, Unreadable>>> Iterator for Parts<'_, H, I> {
    type Item = Result<Part<H::Bytes>, NotVerified>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.fault.take() {
            return Some(Err(fault));
        }
        if self.ended {
            return None;
        }
        match self.advance() {
            Ok(Some(part)) => {
                self.ended = self.begin.is_none();
                Some(Ok(part))
            }
            Ok(None) => {
                self.ended = true;
                None
            }
            // What stands before the fault is replayed all the same: it may be wrong earlier.
            Err(fault) => {
                self.ended = true;
                match self.take() {
                    Some(part) => {
                        self.fault = Some(fault);
                        Some(Ok(part))
                    }
                    None => Some(Err(fault)),
                }
            }
        }
    }
}

impl<B: AsRef<[u8]>> Part<B> {
    /// The one entry that follows a tip, in the state there.
    pub(crate) fn one(tip: Tip, state: B, entry: B) -> Self {
        Self { begin: Begin::After(Box::new(tip), state), entries: vec![entry] }
    }

    /// The first state of a chain.
    pub(crate) fn first(genesis: B, init: B) -> Self {
        Self { begin: Begin::Genesis(genesis), entries: vec![init] }
    }

    /// The position of its last entry.
    pub fn last(&self) -> u64 {
        let first = match &self.begin {
            Begin::Genesis(_) => 0,
            Begin::After(tip, _) => tip.seq,
        };
        first + self.entries.len() as u64
    }

    /// Replays it. `progress` is called with the position of each entry replayed.
    ///
    /// # Errors
    /// [`NotVerified`] with the first thing that is wrong in it.
    pub fn replay<H: History<Bytes = B>, M: Machines>(
        &self,
        history: &H,
        machines: &M,
        mut progress: impl FnMut(u64),
    ) -> Result<Report, NotVerified> {
        let mut replayer = match &self.begin {
            Begin::Genesis(genesis) => Replayer::begin(history, machines, genesis.as_ref())?,
            Begin::After(tip, state) => resume(history, machines, tip, state.as_ref())?,
        };
        for bytes in &self.entries {
            let seq = replayer.tip().seq + 1;
            let entry = replayer.step(bytes.as_ref(), |field, name| find_blob(history, seq, field, name))?;
            check_results(history, &entry, &replayer)?;
            progress(seq);
        }
        Ok(replayer.report())
    }
}

/// A replayer that stands at a tip, in the state there.
fn resume<'m, H: History, M: Machines>(
    history: &H,
    machines: &'m M,
    tip: &Tip,
    state: &[u8],
) -> Result<Replayer<'m, M>, NotVerified> {
    let machine = machine_after(history, machines, tip, tip.seq)?;
    Ok(Replayer::resume(machines, machine, tip.clone(), state.to_vec()))
}
