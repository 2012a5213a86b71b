//! The one place where a chain grows: takes messages from the mailbox, runs the machine, links entries, and hands whole
//! batches to the committer.
//!
//! Invariant: everything that follows from an entry leaves through [`Batch::complete`], which runs after the commit.
//! The sequencer may run on from a state that is not committed yet; if that commit fails it starts again from what is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use bytes::Bytes;
use troupe_chain::{Body, Context, Effect, Engine, Hash, Linked, Machine, Outcome, Sender, Step, Tip};
use troupe_store::{Append, NewEntry, Store};

use crate::commit::{Batch, Committer, Completion, Reply};
use crate::open::engine_change;
use crate::shared::Shared;
use crate::{Answer, Metrics, OpenError, Options, SendError, View};

/// The most messages that one batch holds.
const MAX_BATCH_MESSAGES: usize = 512;
/// The most bytes that one batch holds, unless a single message leads to more.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// How long a batch is filled, in microseconds; a message that has begun is finished.
const MAX_BATCH_US: u128 = 2000;

/// What comes through the mailbox.
pub(crate) enum Job {
    Message { from: Sender, message: Bytes, reply: Reply },
    Stop,
}

/// Grows one chain.
pub(crate) struct Sequencer {
    machine: Arc<dyn Machine>,
    shared: Arc<Shared>,
    options: Options,
    committer: Committer,
    tip: Tip,
    state: Bytes,
    generation: u64,
    /// The engine to announce before the next entry, if the chain's is another.
    new_engine: Option<Engine>,
    /// How many engine changes the chain has.
    engine_changes: u64,
    /// How many messages and failures lead from a stored state to this one.
    since_snapshot: u64,
    store: Arc<dyn Store>,
}

impl Sequencer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        machine: Arc<dyn Machine>,
        shared: Arc<Shared>,
        options: Options,
    ) -> Result<Self, OpenError> {
        let view = shared.view();
        let (_, engine_changes) = engine_change(&*store, &view.tip.chain)?;
        let stored = match &view.tip.state {
            Some(state) => store.blob(&view.tip.chain, state)?.is_some(),
            None => false,
        };
        let new_engine = (view.tip.engine != options.engine).then(|| options.engine.clone());
        let committer = Committer::start(Arc::clone(&store), Arc::clone(&shared), Arc::clone(&options.log))
            .map_err(OpenError::Thread)?;
        let (tip, state) = (view.tip.clone(), view.state.clone());
        Ok(Self {
            machine,
            shared,
            options,
            committer,
            tip,
            state,
            generation: 0,
            new_engine,
            engine_changes,
            since_snapshot: if stored { 0 } else { u64::MAX },
            store,
        })
    }

    /// Serves the mailbox until it is told to stop or nobody can write to it any more.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            self.restart_if_void();
            let mut batch = self.batch();
            let began = Instant::now();
            let mut next = Some(job);
            let mut stop = false;
            while let Some(job) = next {
                match job {
                    Job::Stop => stop = true,
                    Job::Message { from, message, reply } => {
                        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                        self.serve(&mut batch, from, message, reply);
                    }
                }
                let full = batch.completions.len() >= MAX_BATCH_MESSAGES || batch.bytes >= MAX_BATCH_BYTES;
                if stop || full || began.elapsed().as_micros() > MAX_BATCH_US {
                    break;
                }
                next = jobs.try_recv().ok();
            }
            // Once a batch, since it is not cheap: readers never see what lies between.
            if !batch.append.entries.is_empty() {
                batch.view = Some(View { tip: self.tip.clone(), state: self.state.clone() });
            }
            self.committer.commit(batch);
            if stop {
                break;
            }
        }
        self.committer.finish();
    }

    fn batch(&self) -> Batch {
        let append = Append {
            chain: self.tip.chain,
            expected: Some(self.tip.entry),
            entries: Vec::new(),
            blobs: Vec::new(),
            rows: Vec::new(),
        };
        Batch { generation: self.generation, append, bytes: 0, completions: Vec::new(), view: None }
    }

    /// Goes back to what is committed if a commit failed in the meantime.
    fn restart_if_void(&mut self) {
        let generation = self.shared.generation.load(Ordering::Acquire);
        if generation != self.generation {
            let view = self.shared.view();
            self.tip = view.tip.clone();
            self.state = view.state.clone();
            self.generation = generation;
            self.since_snapshot = u64::MAX;
            self.new_engine = (self.tip.engine != self.options.engine).then(|| self.options.engine.clone());
            if let Ok((_, count)) = engine_change(&*self.store, &self.tip.chain) {
                self.engine_changes = count;
            }
        }
    }

    fn serve(&mut self, batch: &mut Batch, from: Sender, message: Bytes, reply: Reply) {
        let announced = self.announce_engine();
        let tip = announced.as_ref().map_or(&self.tip, |(tip, _)| tip);
        let context = tip.next_context(from, self.options.clock.now());
        let mut step = match self.machine.apply(&context, &message, &self.state) {
            Ok(step) => step,
            Err(abort) => {
                Metrics::add(&self.shared.metrics.aborted, 1);
                let outcome = Err(abort.into());
                batch.completions.push(Completion { reply, outcome, seq: context.seq, log: Vec::new() });
                return;
            }
        };
        let log = std::mem::take(&mut step.log);
        let outcome = if let Outcome::Rejected(rejection) = step.outcome {
            Metrics::add(&self.shared.metrics.rejected, 1);
            Err(SendError::Rejected(rejection))
        } else {
            if let Some((tip, linked)) = announced {
                self.change_engine(batch, tip, linked);
            }
            self.recorded(batch, &context, message, step)
        };
        batch.completions.push(Completion { reply, outcome, seq: context.seq, log });
    }

    fn recorded(
        &mut self,
        batch: &mut Batch,
        context: &Context,
        message: Bytes,
        step: Step,
    ) -> Result<Answer, SendError> {
        let name = Hash::of(&message);
        let Some(linked) = self.tip.message(context, name, &step) else {
            return Err(SendError::Host("no entry was made".into()));
        };
        batch.push_blob(name, message);
        let (hash, seq) = (linked.name, linked.entry.seq);
        let metrics = &self.shared.metrics;
        Metrics::add(&metrics.fuel, step.fuel.0);
        let result = match (step.outcome, &linked.entry.body) {
            (Outcome::Accepted(accepted), Body::Message(body)) => {
                Metrics::add(&metrics.accepted, 1);
                Metrics::add(&metrics.sends, accepted.sends.len() as u64);
                let state = Bytes::from(accepted.state);
                let reply = accepted.reply.map(Bytes::from);
                if let (Some(name), Some(bytes)) = (body.reply, &reply) {
                    batch.push_blob(name, bytes.clone());
                }
                for (send, Effect::Send { message, .. }) in accepted.sends.into_iter().zip(&body.effects) {
                    batch.push_blob(*message, send.message.into());
                }
                self.state = state.clone();
                self.keep_state(batch, body.state, body.state != body.before);
                Ok(Answer { hash, seq, state, reply })
            }
            (Outcome::Failed(failed), Body::Failure(body)) => {
                Metrics::add(&metrics.failed, 1);
                self.keep_state(batch, body.before, false);
                Err(SendError::Failed { failed, hash, seq })
            }
            _ => Err(SendError::Host("the entry does not fit its outcome".into())),
        };
        batch.push_entry(linked);
        result
    }

    /// Stores the state if enough entries lead to it from the last stored one: never more than `snapshot_every`, so
    /// that the distance which a start has to replay is bounded whatever the entries between are.
    fn keep_state(&mut self, batch: &mut Batch, name: Hash, changed: bool) {
        if self.since_snapshot == 0 && !changed {
            return;
        }
        self.since_snapshot = self.since_snapshot.saturating_add(1);
        if self.since_snapshot >= self.options.snapshot_every {
            batch.push_blob(name, self.state.clone());
            self.since_snapshot = 0;
        }
    }

    /// Links the entry that names the engine in use, if the chain's is another: where the chain then stands, and the
    /// entry. It is kept only with a message that is recorded.
    fn announce_engine(&self) -> Option<(Tip, Linked)> {
        let engine = self.new_engine.as_ref()?;
        let mut tip = self.tip.clone();
        let linked = tip.engine(engine)?;
        Some((tip, linked))
    }

    fn change_engine(&mut self, batch: &mut Batch, tip: Tip, linked: Linked) {
        self.new_engine = None;
        self.tip = tip;
        self.engine_changes += 1;
        let (name, bytes) = crate::open::engine_change_blob(self.engine_changes, linked.entry.seq);
        batch.push_blob(name, bytes);
        batch.push_entry(linked);
    }
}

impl Batch {
    fn push_entry(&mut self, linked: Linked) {
        self.bytes += linked.bytes.len();
        let entry = NewEntry { name: linked.name, seq: linked.entry.seq, bytes: linked.bytes.into() };
        self.append.entries.push(entry);
    }

    fn push_blob(&mut self, name: Hash, bytes: Bytes) {
        self.bytes += bytes.len();
        self.append.blobs.push((name, bytes));
    }
}
