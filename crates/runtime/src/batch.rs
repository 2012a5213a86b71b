//! What one actor's turn leads to, before it is durable.
//!
//! Invariant: everything that follows from an entry is here, and leaves through [`Batch::complete`] only, which runs
//! after the commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use troupe_chain::{Hash, Linked, LogLine};
use troupe_store::{Append, NewEntry, Row};

use crate::agenda::Item;
use crate::cell::{Cell, Hold};
use crate::core::Core;
use crate::job::{Job, Letter, Settle};
use crate::trace::Span;
use crate::{Answer, LogRecord, SendError, View};

/// Entries to commit together, and what to do afterwards.
pub(crate) struct Batch {
    pub(crate) cell: Arc<Cell>,
    /// The cell's generation when the batch was begun.
    pub(crate) generation: u64,
    pub(crate) append: Append,
    /// The size of `append`, in bytes.
    pub(crate) bytes: usize,
    pub(crate) completions: Vec<Completion>,
    /// What readers see once this is committed.
    pub(crate) view: Option<View>,
    /// Whether it begins the chain.
    pub(crate) begins: bool,
    /// Whether there is no actor whose it could be: what came is turned away.
    pub(crate) is_nobodys: bool,
}

/// What follows from one job.
pub(crate) struct Completion {
    /// The letter that was handled; `None` for another job.
    pub(crate) letter: Option<Letter>,
    pub(crate) outcome: Outcome,
    /// The position of the entry that the job led to, or would have.
    pub(crate) seq: u64,
    /// What the actor wrote to its log meanwhile.
    pub(crate) log: Vec<LogLine>,
    pub(crate) after: Vec<After>,
    /// What traces show of it.
    pub(crate) span: Option<Box<Span>>,
    /// The job, for another turn, should this not become durable; a letter is in `letter`.
    pub(crate) again: Option<Job>,
}

/// What whoever sent a letter is told.
pub(crate) enum Outcome {
    /// This.
    Said(Result<Answer, SendError>),
    /// What was said when the same key was used, at this position.
    Again(u64),
    /// Nothing: the job answers by itself.
    Nothing,
}

/// What is done once a batch is durable.
pub(crate) enum After {
    /// Put a job that follows from this into an actor's mailbox.
    Post(Hash, Job),
    /// Hand a job on that was this actor's; it still is, should this not become durable.
    Forward(Hash, Job),
    /// Remember that something is due.
    Remind(Item),
    /// Let a name stand for an actor, or for none.
    Name(String, Option<Hash>),
    /// Give a name up that was taken for an actor, should this not become durable.
    Reserved(String, Hash),
    /// Hand everything that waits to the fork that took this actor's place, or turn it away.
    Ended(Option<Hash>),
    /// Tell whoever waits that it is done; or, with an error, that it is not.
    Call(Box<dyn FnOnce(Result<(), SendError>) + Send>),
}

impl Batch {
    pub(crate) fn new(cell: &Arc<Cell>, generation: u64, expected: Option<Hash>) -> Self {
        let append =
            Append { chain: cell.id, expected, entries: Vec::new(), blobs: Vec::new(), rows: Vec::new() };
        Self {
            cell: Arc::clone(cell),
            generation,
            append,
            bytes: 0,
            completions: Vec::new(),
            view: None,
            begins: false,
            is_nobodys: false,
        }
    }

    pub(crate) fn push_entry(&mut self, linked: Linked) {
        self.bytes += linked.bytes.len();
        let entry = NewEntry { name: linked.name, seq: linked.entry.seq, bytes: linked.bytes.into() };
        self.append.entries.push(entry);
    }

    pub(crate) fn push_blob(&mut self, name: Hash, bytes: Bytes) {
        self.bytes += bytes.len();
        self.append.blobs.push((name, bytes));
    }

    pub(crate) fn push_rows(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            self.bytes += row.bytes() as usize;
            self.append.rows.push(row);
        }
    }

    /// Whether there is anything to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.append.entries.is_empty() && self.append.rows.is_empty()
    }

    /// The append, in the form that a store takes.
    pub(crate) fn take_append(&mut self) -> Append {
        let empty = Append {
            chain: self.append.chain,
            expected: None,
            entries: Vec::new(),
            blobs: Vec::new(),
            rows: Vec::new(),
        };
        let mut append = std::mem::replace(&mut self.append, empty);
        if append.entries.is_empty() {
            append.expected = None;
        }
        append
    }

    /// Does what follows from a batch that is durable.
    pub(crate) fn complete(self, core: &Core) {
        let cell = &self.cell;
        let seq = self.view.as_ref().map(|view| view.tip.seq);
        if let Some(view) = self.view {
            cell.set_view(view);
        }
        let chain = cell.id;
        let records: Vec<_> = self
            .completions
            .iter()
            .flat_map(|one| one.log.iter().map(|line| LogRecord { chain, seq: one.seq, line }))
            .collect();
        if !records.is_empty() {
            (core.options.log)(&records);
        }
        if let Some(seq) = seq {
            core.watchers.tell(&chain, seq);
        }
        for completion in self.completions {
            completion.complete(core, cell);
        }
        if cell.arrived() {
            core.schedule(cell);
        }
        if self.is_nobodys {
            core.discard(cell);
        }
    }

    /// Takes back a batch that did not become durable: callers are told, all else waits for another turn, which is not at
    /// once. What was run on from it is void.
    pub(crate) fn fail(self, core: &Core, error: &SendError) {
        let cell = &self.cell;
        cell.generation.fetch_max(self.generation + 1, Ordering::AcqRel);
        if self.begins {
            core.give_up_place();
        }
        let mut again = Vec::new();
        for completion in self.completions {
            for after in completion.after {
                match after {
                    After::Call(done) => done(Err(error.clone())),
                    After::Reserved(name, id) => core.names.release(&name, &id),
                    After::Forward(_, job) => again.push(job),
                    _ => {}
                }
            }
            match completion.letter {
                Some(Letter { settle: Settle::Caller(reply), .. }) => {
                    // Whoever asked may have gone away.
                    reply.into_iter().for_each(|reply| _ = reply.send(Err(error.clone())));
                }
                Some(letter) => again.push(Job::Letter(letter)),
                None => {}
            }
            again.extend(completion.again);
        }
        let waits = !again.is_empty();
        cell.give_back(again.into_iter());
        // What is kept back follows from what is durable, which the next turn looks up.
        cell.hold(Hold::Nothing);
        if waits {
            core.stall(cell);
        }
        if cell.arrived() {
            core.schedule(cell);
        }
        if self.is_nobodys {
            core.discard(cell);
        }
    }
}

impl Completion {
    /// A job that led to nothing that must be durable.
    pub(crate) fn said(letter: Letter, seq: u64, outcome: Result<Answer, SendError>) -> Self {
        let outcome = Outcome::Said(outcome);
        Self {
            letter: Some(letter),
            outcome,
            seq,
            log: Vec::new(),
            after: Vec::new(),
            span: None,
            again: None,
        }
    }

    /// What follows from a job that is no letter.
    pub(crate) fn of_job(seq: u64, after: Vec<After>) -> Self {
        Self { letter: None, outcome: Outcome::Nothing, seq, log: Vec::new(), after, span: None, again: None }
    }

    /// A letter that nobody is told about. Its rows change, so it is dropped only if that becomes durable.
    pub(crate) fn dropped(letter: Letter, seq: u64) -> Self {
        Self { letter: Some(letter), ..Self::of_job(seq, Vec::new()) }
    }

    /// As [`Completion::of_job`], of a job that is done later if it cannot be done now.
    pub(crate) fn of_lasting_job(seq: u64, after: Vec<After>, again: Option<Job>) -> Self {
        Self { again, ..Self::of_job(seq, after) }
    }

    fn complete(self, core: &Core, cell: &Arc<Cell>) {
        if let (Some(span), Some(sink)) = (self.span, &core.options.spans) {
            sink(*span);
        }
        if let Some(Letter { settle: Settle::Caller(Some(reply)), .. }) = self.letter {
            let said = match self.outcome {
                Outcome::Said(said) => Some(said),
                Outcome::Again(seq) => Some(core.recorded_answer(cell, seq)),
                Outcome::Nothing => None,
            };
            // Whoever asked may have gone away; the entry stands all the same.
            if let Some(said) = said {
                let _ = reply.send(said);
            }
        }
        for after in self.after {
            match after {
                After::Post(to, job) | After::Forward(to, job) => core.post_internal(&to, job),
                After::Remind(item) => core.agenda.add(item),
                After::Name(name, Some(id)) => core.names.set(&name, id),
                After::Name(name, None) => core.names.release(&name, &cell.id),
                After::Reserved(..) => {}
                After::Ended(heir) => core.ended(cell, heir),
                After::Call(done) => done(Ok(())),
            }
        }
    }
}
