//! The one place where chains grow: takes jobs from an actor's mailbox, runs the machine, links entries.
//!
//! Invariant: what follows from an entry goes into the batch, next to the entry. The sequencer may run on from a state
//! that is not committed yet; if that commit fails it starts again from what is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use troupe_chain::{
    Abort, Body, Code, Context, Hash, Linked, Machine, Notice, Outcome as Came, Sender, Step, Tip,
};

use crate::batch::{Batch, Completion, Outcome};
use crate::cell::{Cell, Hold, weight};
use crate::core::Core;
use crate::job::{Job, Letter, Settle};
use crate::leaves::Written;
use crate::open::rules_change_blob;
use crate::rows::{Record, Status, Used};
use crate::trace::Span;
use crate::{Answer, Metrics, OpenError, SendError, View};

/// The most jobs of one turn.
const MAX_TURN_JOBS: usize = 256;
/// The most bytes that one turn leads to, unless a single message leads to more.
const MAX_TURN_BYTES: usize = 4 << 20;
/// How long a turn lasts, in microseconds; a message that has begun is finished.
const MAX_TURN_US: u128 = 1000;
/// How long a turn lasts while others wait for the same worker, in microseconds.
const FAIR_TURN_US: u128 = 250;
/// How often a letter that nobody waits for may run out of time.
const MAX_ATTEMPTS: u8 = 3;
/// How much is remembered of entries on their way to the store before they are waited for.
const MAX_OPEN: usize = 10_000;

/// What an actor's next message starts from.
pub(crate) struct Loaded {
    pub(crate) tip: Tip,
    pub(crate) state: Bytes,
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) max_message: u64,
    pub(crate) record: Record,
    /// Whether it rests, since it was started again.
    pub(crate) rests: bool,
    pub(crate) generation: u64,
    /// Whether the chain's engine is another than ours, to be announced before the next entry.
    pub(crate) new_engine: bool,
    /// How many changes of rules the chain has.
    pub(crate) rules_changes: u64,
    /// How many messages and failures lead from a stored state to this one.
    pub(crate) since_snapshot: u64,
    /// What the rows of leaves say, for a machine whose states name more than they hold.
    pub(crate) written: Written,
    /// Rows of this actor that entries on their way to the store remove.
    pub(crate) closing: HashSet<Bytes>,
    /// Keys of entries on their way to the store.
    pub(crate) keys: HashMap<Hash, Used>,
}

/// Why a turn ends before there is nothing left.
enum Yield {
    /// It goes on at once.
    No,
    /// It ends.
    Yes,
}

impl Core {
    /// Serves an actor for a while. The batch is `None` if the turn led to nothing.
    pub(crate) fn turn(&self, cell: &Arc<Cell>) -> Option<Batch> {
        let mut slot = cell.loaded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let generation = cell.generation.load(Ordering::Acquire);
        let must_settle = |loaded: &Loaded| {
            let open = loaded.closing.len() + loaded.keys.len();
            // What ended is told in the order in which it came, so what is on its way goes first.
            loaded.generation != generation || loaded.tip.stopped || open > MAX_OPEN
        };
        if slot.as_deref().is_none_or(must_settle) && cell.settle_first() {
            return None;
        }
        if cell.in_flight.load(Ordering::Acquire) == 0 {
            // All that was on its way has arrived.
            cell.take_back();
            if let Some(loaded) = slot.as_mut() {
                loaded.closing.clear();
                loaded.keys.clear();
            }
        }
        if let Some(void) = slot.take_if(|loaded| loaded.generation != generation) {
            self.unload(&void);
        }
        if self.committer.is_halted() {
            // Nothing that a job leads to could be kept; what is committed may not be readable either.
            let halted = SendError::Halted("an earlier write failed".into());
            return self.begin_or_turn_away(cell, &mut slot, Some(OpenError::Begin(halted)));
        }
        if slot.is_none() {
            let first = match self.load(cell) {
                Ok(Some(loaded)) => {
                    *slot = Some(Box::new(loaded));
                    None
                }
                Ok(None) => Some(None),
                Err(error) => Some(Some(error)),
            };
            if let Some(error) = first {
                return self.begin_or_turn_away(cell, &mut slot, error);
            }
        }
        let loaded = slot.as_mut()?;
        self.touch(cell);
        let weighed = weight(&loaded.state);
        let mut batch = Batch::new(cell, loaded.generation, Some(loaded.tip.entry));
        let began = Instant::now();
        self.unpark(cell);
        while let Some(job) = cell.take() {
            if let Yield::Yes = self.serve(cell, loaded, &mut batch, job) {
                break;
            }
            let full = batch.completions.len() >= MAX_TURN_JOBS
                || batch.bytes >= MAX_TURN_BYTES
                || loaded.tip.stopped;
            // Without threads nobody else waits, and what happens does not depend on how long it takes.
            if full || (self.options.threads > 0 && self.is_over(cell, began)) {
                break;
            }
        }
        if !batch.append.entries.is_empty() {
            batch.view = Some(loaded.view());
        }
        if weight(&loaded.state) != weighed {
            self.weigh(weighed, weight(&loaded.state));
        }
        let idle = batch.is_empty() && batch.completions.is_empty();
        drop(slot);
        (!idle).then(|| {
            cell.in_flight.fetch_add(1, Ordering::AcqRel);
            batch
        })
    }

    /// Whether a turn has lasted long enough.
    fn is_over(&self, cell: &Cell, began: Instant) -> bool {
        let lasted = began.elapsed().as_micros();
        lasted > MAX_TURN_US || (lasted > FAIR_TURN_US && self.pool.is_awaited(cell.shard))
    }

    fn serve(&self, cell: &Arc<Cell>, loaded: &mut Loaded, batch: &mut Batch, job: Job) -> Yield {
        match job {
            Job::Letter(letter) if loaded.tip.stopped => {
                self.turn_away(cell, loaded, batch, letter);
                Yield::No
            }
            Job::Letter(letter) => self.serve_letter(cell, loaded, batch, letter),
            other => {
                self.serve_order(cell, loaded, batch, other);
                Yield::Yes
            }
        }
    }

    fn serve_letter(
        &self,
        cell: &Arc<Cell>,
        loaded: &mut Loaded,
        batch: &mut Batch,
        letter: Letter,
    ) -> Yield {
        if cell.held() == Hold::Paused && matches!(letter.settle, Settle::Caller(_)) {
            batch.completions.push(Completion::said(letter, loaded.tip.seq, Err(SendError::Paused)));
            return Yield::No;
        }
        let mut letter = match self.check_key(loaded, letter) {
            Ok(letter) => letter,
            Err(used) => {
                batch.completions.push(*used);
                return Yield::No;
            }
        };
        if self.comes_too_late(loaded, batch, &letter) {
            batch.completions.push(Completion::dropped(letter, loaded.tip.seq));
            return Yield::No;
        }
        if matches!(letter.from, Sender::Notice { .. }) && !loaded.machine.takes_notices() {
            if let Settle::Own(own) = &letter.settle {
                batch.push_rows(own.rows.iter().cloned());
            }
            self.note_dropped(cell, &letter, "its world has no notices");
            batch.completions.push(Completion::dropped(letter, loaded.tip.seq));
            return Yield::No;
        }
        let announced = announce_engine(self, loaded);
        let tip = announced.as_ref().map_or(&loaded.tip, |(tip, _)| tip);
        let context = match self.next_context(tip, letter.from.clone(), &*loaded.machine) {
            Ok(context) => context,
            Err(abort) => return self.aborted(batch, letter, tip.seq + 1, abort),
        };
        let name = Hash::of(&letter.message);
        let began = self.options.spans.as_ref().map(|_| crate::trace::now());
        let step = {
            let mut outside = self.outside_of(&loaded.tip.rules, &loaded.tip, name);
            let _call = self.pool.enter();
            guarded(|| loaded.machine.apply(&context, &mut *outside, &letter.message, &loaded.state))
        };
        let mut step = match step {
            Ok(step) => step,
            Err(abort) => return self.aborted(batch, letter, context.seq, abort),
        };
        letter.attempts = 0;
        let trace = letter.trace;
        let log = std::mem::take(&mut step.log);
        if let Came::Rejected(rejection) = step.outcome {
            Metrics::add(&self.metrics.rejected, 1);
            let error = SendError::Rejected(rejection);
            let mut completion = match loaded.is_native() && matches!(letter.from, Sender::Timer { .. }) {
                true => self.moot(batch, letter, context.seq),
                false => self.refused(cell, batch, letter, Notice::Refused, error, context.seq),
            };
            completion.log = log;
            completion.span = began.map(|began| {
                let span = Span::of(&context, cell.id, trace, &name, "rejected", began);
                Box::new(Span { fuel: step.fuel, ..span })
            });
            batch.completions.push(completion);
            return Yield::No;
        }
        let fuel = step.fuel;
        if let Some((tip, linked)) = announced {
            change_engine(loaded, batch, tip, linked);
        }
        let mut completion = self.recorded(cell, loaded, batch, (&context, name), letter, step);
        completion.log = log;
        completion.span = began.map(|began| {
            let outcome = match &completion.outcome {
                Outcome::Said(Err(_)) => "failure",
                _ => "message",
            };
            let span = Span::of(&context, cell.id, trace, &loaded.tip.entry, outcome, began);
            Box::new(Span { fuel, ..span })
        });
        batch.completions.push(completion);
        Yield::No
    }

    fn aborted(&self, batch: &mut Batch, mut letter: Letter, seq: u64, abort: Abort) -> Yield {
        Metrics::add(&self.metrics.aborted, 1);
        if matches!(letter.settle, Settle::Caller(_)) {
            batch.completions.push(Completion::said(letter, seq, Err(abort.into())));
            return Yield::No;
        }
        // A host that has no room will have some; a host that fails on this letter may fail on no other.
        let busy = matches!(abort, Abort::Busy(_));
        letter.attempts += u8::from(!busy);
        if letter.attempts < MAX_ATTEMPTS {
            batch.cell.put_back([Job::Letter(letter)].into_iter());
            if busy {
                self.stall(&batch.cell);
            }
            return Yield::Yes;
        }
        let cell = Arc::clone(&batch.cell);
        let completion = self.refused(&cell, batch, letter, Notice::OutOfTime, abort.into(), seq);
        batch.completions.push(completion);
        Yield::No
    }

    /// Links what a letter led to, and adds all that goes with the entry.
    fn recorded(
        &self,
        cell: &Arc<Cell>,
        loaded: &mut Loaded,
        batch: &mut Batch,
        (context, name): (&Context, Hash),
        letter: Letter,
        step: Step,
    ) -> Completion {
        let Some(linked) = loaded.tip.message(context, name, &step) else {
            return Completion::said(letter, context.seq, Err(SendError::Host("no entry was made".into())));
        };
        let seq = linked.entry.seq;
        let entry = linked.name;
        batch.push_blob(name, letter.message.clone());
        for call in step.calls {
            batch.push_blob(Hash::of(&call.input), call.input.into());
            batch.push_blob(Hash::of(&call.output), call.output.into());
        }
        Metrics::add(&self.metrics.fuel, step.fuel.0);
        cell.counts.fuel.fetch_add(step.fuel.0, Ordering::Relaxed);
        cell.counts.handled.fetch_add(1, Ordering::Relaxed);
        let mut after = Vec::new();
        self.settle(loaded, batch, &letter, seq, context.at.0);
        let outcome = match (step.outcome, &linked.entry.body) {
            (Came::Accepted(accepted), Body::Message(body)) => {
                Metrics::add(&self.metrics.accepted, 1);
                let state = Bytes::from(accepted.state);
                let reply = accepted.reply.map(Bytes::from);
                if let (Some(name), Some(bytes)) = (body.reply, &reply) {
                    batch.push_blob(name, bytes.clone());
                }
                let payloads = accepted.effects.into_iter().map(|asked| asked.payload.map(Bytes::from));
                let trace = self.trace_of(&letter, &linked);
                self.ask(cell, loaded, batch, &linked, payloads.collect(), trace, &mut after);
                self.reply_to(batch, &letter, &linked, reply.as_ref(), &mut after);
                loaded.state = state.clone();
                self.keep_state(loaded, batch, body.state, body.state != body.before);
                Outcome::Said(Ok(Answer { hash: entry, seq, state, reply }))
            }
            (Came::Failed(failed), Body::Failure(body)) => {
                Metrics::add(&self.metrics.failed, 1);
                cell.counts.failed.fetch_add(1, Ordering::Relaxed);
                self.keep_state(loaded, batch, body.before, false);
                self.fail_to(batch, &letter, &linked, &failed.to_string(), &mut after);
                self.supervise(loaded, batch, &linked, &mut after);
                cell.hold(loaded.hold());
                Outcome::Said(Err(SendError::Failed { failed, hash: entry, seq }))
            }
            _ => Outcome::Said(Err(SendError::Host("the entry does not fit its outcome".into()))),
        };
        batch.push_entry(linked);
        Completion { letter: Some(letter), outcome, ..Completion::of_job(seq, after) }
    }

    /// Stores the state if enough entries lead to it from the last stored one: never more than `snapshot_every`, so that the
    /// distance which a start has to replay is bounded whatever the entries between are.
    fn keep_state(&self, loaded: &mut Loaded, batch: &mut Batch, name: Hash, changed: bool) {
        if loaded.since_snapshot == 0 && !changed {
            return;
        }
        loaded.since_snapshot = loaded.since_snapshot.saturating_add(1);
        // Well before the machine no longer has the state that was written last.
        let most = loaded.machine.kept_states().map_or(u64::MAX, |kept| (kept / 2).max(1));
        if loaded.since_snapshot >= self.options.snapshot_every.min(most) {
            self.store_state(loaded, batch, name);
        }
    }
}

impl Loaded {
    /// Which letters are kept back.
    pub(crate) fn hold(&self) -> Hold {
        if self.tip.stopped {
            Hold::Nothing
        } else if self.record.ending || self.rests {
            Hold::Recovering
        } else if self.record.status == Status::Paused {
            Hold::Paused
        } else {
            Hold::Nothing
        }
    }

    /// Whether the machine is part of the host.
    fn is_native(&self) -> bool {
        matches!(self.tip.rules.code, Code::Native(_))
    }

    /// What readers see once all of it is committed.
    pub(crate) fn view(&self) -> View {
        View::new(self.tip.clone(), self.state.clone(), &self.machine)
    }
}

/// A call into a machine; a panic there is a failure of the host.
pub(crate) fn guarded(call: impl FnOnce() -> Result<Step, Abort>) -> Result<Step, Abort> {
    let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    step.unwrap_or_else(|_| Err(Abort::Host("the machine panicked".into())))
}

/// Links the entry that names the engine in use, if the chain's is another: where the chain then stands, and the entry. It
/// is kept only with a message that is recorded.
pub(crate) fn announce_engine(core: &Core, loaded: &Loaded) -> Option<(Tip, Linked)> {
    if !loaded.new_engine {
        return None;
    }
    let mut tip = loaded.tip.clone();
    let linked = tip.engine(core.machines.engine())?;
    Some((tip, linked))
}

pub(crate) fn change_engine(loaded: &mut Loaded, batch: &mut Batch, tip: Tip, linked: Linked) {
    loaded.new_engine = false;
    loaded.tip = tip;
    loaded.rules_changes += 1;
    let (name, bytes) = rules_change_blob(loaded.rules_changes, linked.entry.seq);
    batch.push_blob(name, bytes);
    batch.push_entry(linked);
}
