//! How chains begin, end, change their rules and branch off: every entry that is no message.
//!
//! Invariant: whatever takes an actor's place is named, and its id fixed, in the append that ends the actor; so a crash in
//! between finds it again. What an actor is to do about itself has a row until it is done.

mod begin;
mod change;
mod rewind;
mod stop;
mod supervise;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use rewind::fork_genesis;
use troupe_chain::{Body, Notice};
use troupe_store::Row;

use crate::batch::{After, Batch, Completion};
use crate::cell::{Cell, weight};
use crate::core::Core;
use crate::effects::not_done;
use crate::job::{Job, Settle};
use crate::open::entry_of;
use crate::rows::{FORK, OUTBOX, effect_key};
use crate::sequencer::Loaded;
use crate::{Answer, OpenError, SendError, Upgraded};

impl Core {
    /// Serves an actor that is not there yet, or cannot be loaded.
    pub(crate) fn begin_or_turn_away(
        &self,
        cell: &Arc<Cell>,
        slot: &mut Option<Box<Loaded>>,
        error: Option<OpenError>,
    ) -> Option<Batch> {
        let mut batch = Batch::new(cell, cell.generation.load(Ordering::Acquire), None);
        let why = error.map(|error| match error {
            OpenError::Begin(halted) => halted,
            error => SendError::Host(format!("the actor cannot be loaded: {error}")),
        });
        cell.hold(crate::cell::Hold::Nothing);
        cell.begin_first();
        self.unpark(cell);
        while let Some(job) = cell.take() {
            match job {
                Job::Begin(begin, done) if why.is_none() => {
                    if let Some(loaded) = self.begin(cell, &mut batch, *begin, done) {
                        batch.view = Some(loaded.view());
                        batch.begins = true;
                        self.touch(cell);
                        self.weigh(0, weight(&loaded.state));
                        *slot = Some(Box::new(loaded));
                        break;
                    }
                }
                other => self.turn_job_away(cell, &mut batch, other, why.clone()),
            }
            if batch.completions.len() > 100 || cell.is_stalled() {
                break;
            }
        }
        batch.is_nobodys = !batch.begins && why.is_none();
        let idle = batch.is_empty() && batch.completions.is_empty();
        (!idle).then(|| {
            cell.in_flight.fetch_add(1, Ordering::AcqRel);
            batch
        })
    }

    /// Answers a job for an actor that does not serve it: it was not begun, or why it cannot.
    pub(crate) fn turn_job_away(
        &self,
        cell: &Arc<Cell>,
        batch: &mut Batch,
        job: Job,
        why: Option<SendError>,
    ) {
        let error = why.clone().unwrap_or(SendError::Unknown);
        let mut after = Vec::new();
        match job {
            Job::Letter(letter) => {
                // The store or the component failed: the row stays, and the next start tries again.
                if why.is_some() && !matches!(letter.settle, Settle::Caller(_)) {
                    return self.note_dropped(cell, &letter, &error.to_string());
                }
                let completion = self.refused(cell, batch, letter, Notice::Unknown, error, 0);
                return batch.completions.push(completion);
            }
            Job::Begin(begin, done) => {
                if let (Some(name), None) = (&begin.name, &begin.row) {
                    after.push(After::Name(name.to_string(), None));
                }
                after.extend(done.map(|done| call(move |_| _ = done.send(Err(error)))));
            }
            Job::Stop(order, done) => {
                if let (Some((chain, of)), None) = (order.row, &why) {
                    let told =
                        not_done(&chain, of, Notice::Unknown, Some(cell.id), "the actor was not begun");
                    after.push(After::Post(chain, Job::Letter(told)));
                }
                after.extend(done.map(|done| call(move |_| _ = done.send(Err(error)))));
            }
            Job::Upgrade(order) => {
                let done = order.done;
                after.push(call(move |_| _ = done.send(Err::<Upgraded, _>(error))));
            }
            Job::Rewind(_, done) => {
                after.extend(done.map(|done| call(move |_| _ = done.send(Err(error)))));
            }
            Job::Pause { done, .. } => {
                after.extend(done.map(|done| call(move |_| _ = done.send(Err(error)))));
            }
            Job::Escalate { .. } | Job::Wake | Job::Forget(_) => {}
        }
        if !after.is_empty() {
            batch.completions.push(Completion::of_job(0, after));
        }
    }

    /// Serves a job that is not a letter, for an actor that is there.
    pub(crate) fn serve_order(&self, cell: &Arc<Cell>, loaded: &mut Loaded, batch: &mut Batch, job: Job) {
        match job {
            Job::Begin(_, done) => {
                // It was begun before a crash: the row was settled with it.
                let after = done.map(|done| call(move |result| _ = done.send(result)));
                let completion = Completion::of_job(loaded.tip.seq, after.into_iter().collect());
                batch.completions.push(completion);
            }
            Job::Forget(keys) => self.forget(loaded, batch, &keys),
            job if loaded.tip.stopped => self.serve_ended(cell, loaded, batch, job),
            Job::Stop(order, done) => self.stop(loaded, batch, *order, done),
            Job::Upgrade(order) => self.upgrade(cell, loaded, batch, *order),
            Job::Rewind(order, done) if batch.append.entries.is_empty() && !cell.settle_first() => {
                self.rewind(loaded, batch, *order, done);
            }
            // It looks at stored entries, so it waits until all are.
            Job::Rewind(order, done) => cell.put_back([Job::Rewind(order, done)].into_iter()),
            Job::Pause { pause, done } => self.pause(loaded, batch, pause, done),
            Job::Escalate { child, of } => self.escalated(loaded, batch, &child, of),
            Job::Wake => self.rested(loaded, batch),
            Job::Letter(_) => {}
        }
        cell.hold(loaded.hold());
    }

    /// What an actor that has ended does about an order: whoever took its place gets what was meant for the living.
    fn serve_ended(&self, cell: &Arc<Cell>, loaded: &mut Loaded, batch: &mut Batch, job: Job) {
        let heir = loaded.record.successor();
        let seq = loaded.tip.seq;
        let forward = |to, job| Completion::of_job(seq, vec![After::Forward(to, job)]);
        match (job, heir) {
            (Job::Stop(order, None), Some(heir))
                if order.row.is_some_and(|(_, of)| of.n != u64::from(FORK)) =>
            {
                batch.completions.push(forward(heir, Job::Stop(order, None)));
            }
            (Job::Escalate { child, of }, Some(heir)) => {
                batch.completions.push(forward(heir, Job::Escalate { child, of }));
            }
            (Job::Escalate { child, of }, None) => {
                batch.push_rows([Row::remove(effect_key(OUTBOX, &child, of.seq, FORK))]);
                let again = Some(Job::Escalate { child, of });
                batch.completions.push(Completion::of_lasting_job(seq, Vec::new(), again));
            }
            (Job::Stop(order, done), _) => self.stop_again(loaded, batch, *order, done),
            (Job::Rewind(order, None), _) => {
                // It has ended otherwise, so there is nothing to go back from.
                if let Some(failed) = order.failure {
                    batch.push_rows([Row::remove(effect_key(OUTBOX, &cell.id, failed, FORK))]);
                    let again = Some(Job::Rewind(order, None));
                    batch.completions.push(Completion::of_lasting_job(seq, Vec::new(), again));
                }
            }
            (Job::Wake, _) => {}
            (job, heir) => self.turn_job_away(cell, batch, job, Some(SendError::Ended { heir })),
        }
    }

    /// Why the reply of an entry is not there.
    fn no_reply(&self, cell: &Cell, name: &troupe_chain::Hash) -> SendError {
        match crate::redact::redaction_of(&*self.store, &cell.id, name) {
            Ok(Some(redaction)) => SendError::Redacted(redaction),
            _ => SendError::Host(format!("the reply {name} is gone")),
        }
    }

    /// What was said about the entry at `seq` when it was made.
    pub(crate) fn recorded_answer(&self, cell: &Cell, seq: u64) -> Result<Answer, SendError> {
        let host = |what: String| SendError::Host(what);
        let found = entry_of(&*self.store, &cell.id, seq).map_err(|error| host(error.to_string()))?;
        let Some((hash, entry)) = found else { return Err(host(format!("the entry at {seq} is gone"))) };
        match entry.body {
            Body::Message(message) => {
                let state = self.state_of(&cell.id, seq, &message.state)?;
                let reply = match &message.reply {
                    Some(name) => {
                        let found = self.store.blob(&cell.id, name);
                        let found = found.map_err(|error| host(error.to_string()))?;
                        Some(found.ok_or_else(|| self.no_reply(cell, name))?)
                    }
                    None => None,
                };
                Ok(Answer { hash, seq, state, reply })
            }
            Body::Failure(failure) => {
                let detail = "this is what was recorded when the key was used first".to_owned();
                let failed = troupe_chain::Failed { code: failure.error, detail };
                Err(SendError::Failed { failed, hash, seq })
            }
            _ => Err(host(format!("the entry at {seq} is no answer"))),
        }
    }
}

/// Tells whoever waits.
pub(crate) fn call(done: impl FnOnce(Result<(), SendError>) + Send + 'static) -> After {
    After::Call(Box::new(done))
}
