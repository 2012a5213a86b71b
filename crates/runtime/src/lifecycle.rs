//! How chains begin, end, change their rules and branch off: every entry that is no message.
//!
//! Invariant: whatever takes an actor's place is named, and its id fixed, in the append that ends the actor; so a crash in
//! between finds it again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use troupe_chain::{
    Body, Code, EffectId, Fork, Genesis, Hash, Linked, Notice, OnFailure, Outcome as Came, Sender, Tip,
};
use troupe_store::Row;

use crate::agenda::{Item, What};
use crate::batch::{After, Batch, Completion};
use crate::cell::{Cell, Hold, weight};
use crate::core::Core;
use crate::effects::{TO_PARENT, bring, not_done};
use crate::job::{Begin, Heir, Job, RewindOrder, RewindTo, Settle, StopOrder, UpgradeOrder};
use crate::open::{entry_of, rules_change_blob};
use crate::rows::{
    ACTOR, ANSWER, Answering, Due, FORK, OUTBOX, Pending, REQUEST, REST, Record, Status, TIMER, actor_key,
    effect_key, name_key, number, put, scan,
};
use crate::sequencer::{Loaded, announce_engine, change_engine};
use crate::{Answer, OpenError, SendError, Upgraded, View};

impl Core {
    /// Serves an actor that is not there yet, or cannot be loaded.
    pub(crate) fn begin_or_turn_away(
        &self,
        cell: &Arc<Cell>,
        slot: &mut Option<Box<Loaded>>,
        error: Option<OpenError>,
    ) -> Option<Batch> {
        let mut batch = Batch::new(cell, cell.generation.load(Ordering::Acquire), None);
        let why = error.map(|error| SendError::Host(format!("the actor cannot be loaded: {error}")));
        while let Some(job) = cell.take() {
            match job {
                Job::Begin(begin) if why.is_none() => {
                    if let Some(loaded) = self.begin(cell, &mut batch, *begin) {
                        batch.view = Some(View { tip: loaded.tip.clone(), state: loaded.state.clone() });
                        self.touch(cell);
                        self.weigh(0, weight(&loaded.state));
                        self.chains.fetch_add(1, Ordering::Relaxed);
                        *slot = Some(Box::new(loaded));
                        break;
                    }
                }
                other => self.turn_job_away(cell, &mut batch, other, why.clone()),
            }
            if slot.is_none() && batch.completions.len() > 100 {
                break;
            }
        }
        let idle = batch.is_empty() && batch.completions.is_empty();
        (!idle).then(|| {
            cell.in_flight.fetch_add(1, Ordering::AcqRel);
            batch
        })
    }

    /// Answers a job for an actor that does not serve it.
    pub(crate) fn turn_job_away(
        &self,
        cell: &Arc<Cell>,
        batch: &mut Batch,
        job: Job,
        why: Option<SendError>,
    ) {
        let error = why.clone().unwrap_or(SendError::Unknown);
        let failed = |done: Box<dyn FnOnce(Result<(), SendError>) + Send>, error: SendError| {
            Completion::of_job(0, vec![After::Call(Box::new(move |_| done(Err(error))))])
        };
        let completion = match job {
            Job::Letter(letter) => match (&letter.settle, why) {
                (Settle::Caller(_), _) => Completion::said(letter, 0, Err(error)),
                // The store or the component failed: the row stays, and the next start tries again.
                (_, Some(error)) => {
                    self.note_dropped(cell, &letter, &error.to_string());
                    return;
                }
                (Settle::Delivery(delivery), None) => {
                    let told = crate::effects::undelivered(
                        delivery,
                        Notice::Unknown,
                        Some(cell.id),
                        None,
                        "the actor was not begun",
                    );
                    Completion::of_job(0, vec![After::Post(delivery.sender, Job::Letter(told))])
                }
                (Settle::Own(own), None) => {
                    batch.push_rows(own.rows.iter().cloned());
                    self.note_dropped(cell, &letter, "the actor is not there");
                    return;
                }
            },
            Job::Begin(begin) => match begin.done {
                Some(done) => failed(Box::new(move |result| _ = done.send(result)), error),
                None => return,
            },
            Job::Stop(order) => match (order.done, order.row) {
                (Some(done), _) => failed(Box::new(move |result| _ = done.send(result)), error),
                (None, Some((chain, of))) => {
                    let told =
                        not_done(&chain, of, Notice::Unknown, Some(cell.id), "the actor was not begun");
                    Completion::of_job(0, vec![After::Post(chain, Job::Letter(told))])
                }
                (None, None) => return,
            },
            Job::Upgrade(order) => {
                let done = order.done;
                failed(Box::new(move |result| _ = done.send(result.map(|()| Upgraded::default()))), error)
            }
            Job::Rewind(order) => match order.done {
                Some(done) => {
                    let id = cell.id;
                    failed(Box::new(move |result| _ = done.send(result.map(|()| id))), error)
                }
                None => return,
            },
            Job::Pause { done: Some(done), .. } => {
                failed(Box::new(move |result| _ = done.send(result)), error)
            }
            Job::Pause { done: None, .. } | Job::Escalate(_) => return,
        };
        batch.completions.push(completion);
    }

    /// Serves a job that is not a letter, for an actor that is there.
    pub(crate) fn serve_order(&self, cell: &Arc<Cell>, loaded: &mut Loaded, batch: &mut Batch, job: Job) {
        let job = match job {
            Job::Begin(begin) => {
                // It was begun before a crash: the row was settled with it.
                let done = begin.done;
                batch.completions.push(Completion::of_job(
                    loaded.tip.seq,
                    done.into_iter().map(|done| call(move |result| _ = done.send(result))).collect(),
                ));
                return;
            }
            Job::Stop(order) if loaded.tip.stopped => return self.stop_again(loaded, batch, *order),
            job if loaded.tip.stopped => {
                let heir = loaded.record.successor();
                return self.turn_job_away(cell, batch, job, Some(SendError::Ended { heir }));
            }
            job => job,
        };
        match job {
            Job::Stop(order) => self.stop(loaded, batch, *order),
            Job::Upgrade(order) => self.upgrade(loaded, batch, *order),
            Job::Rewind(order) if batch.append.entries.is_empty() && !in_flight(cell) => {
                self.rewind(loaded, batch, *order);
            }
            // It looks at stored entries, so it waits until all are.
            Job::Rewind(order) => cell.put_back([Job::Rewind(order)].into_iter()),
            Job::Pause { pause, done } => self.pause(loaded, batch, pause, done),
            Job::Escalate(child) => self.escalated(cell, loaded, batch, &child),
            Job::Letter(_) | Job::Begin(_) => {}
        }
    }

    /// Begins a chain: genesis and first state in one append, or a word to whoever asked.
    fn begin(&self, cell: &Arc<Cell>, batch: &mut Batch, begin: Begin) -> Option<Loaded> {
        let Begin { genesis, at, code, config, name, supervision, row, heir, done } = begin;
        let result = self.first_entries(genesis, at, code, config.clone());
        let first = match result {
            Ok(first) => first,
            Err(error) => {
                let mut after = Vec::new();
                if let (Some((chain, of)), None) = (row, &heir) {
                    let told = not_done(&chain, of, Notice::Refused, None, &error.to_string());
                    after.push(After::Post(chain, Job::Letter(told)));
                }
                if let Some(name) = name {
                    after.push(After::Name(name.to_string(), None));
                }
                if let Some(done) = done {
                    after.push(call(move |_| _ = done.send(Err(error))));
                }
                batch.completions.push(Completion::of_job(1, after));
                return None;
            }
        };
        let First { tip, state, machine, entries, payloads, log, limits } = first;
        let parent = match (&heir, row) {
            (None, Some((chain, of))) => Some((chain, of)),
            _ => None,
        };
        let mut record = match &heir {
            Some(heir) => heir.record.clone(),
            None => Record::new(name.as_ref(), parent, supervision),
        };
        record.status = Status::Running;
        let mut loaded = Loaded {
            tip,
            state: state.clone(),
            machine,
            max_message: limits,
            record,
            generation: batch.generation,
            new_engine: false,
            rules_changes: 0,
            since_snapshot: 0,
            closing: Default::default(),
            keys: Default::default(),
        };
        let mut after = Vec::new();
        let id = cell.id;
        batch.push_rows([put(actor_key(ACTOR, &id), &loaded.record)]);
        if let Some(name) = &loaded.record.name {
            batch.push_rows([put(name_key(name), &(name, id.as_bytes()))]);
            after.push(After::Name(name.clone(), Some(id)));
        }
        if let Some((chain, of)) = row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        batch.push_blob(Hash::of(&state), state);
        if let Some(config) = config {
            batch.push_blob(Hash::of(&config), config);
        }
        let [genesis, init] = entries;
        self.ask(&loaded, batch, &init, payloads, 0, &mut after);
        let about = if heir.is_some() { Notice::Restarted } else { Notice::Started };
        self.tell_parent(&loaded.record, batch, &init, about, "", &mut after);
        if let Some(heir) = heir {
            if let Some(at) = heir.rest_until {
                batch.push_rows([put(actor_key(REST, &id), &Due { at })]);
                after.push(After::Hold(Hold::Recovering));
                after.push(After::Remind(Item { at, chain: id, what: What::Rest }));
            }
            self.tell_lapsed(batch, &init, &heir.lapsed, &mut after);
        }
        batch.append.expected = None;
        batch.push_entry(genesis);
        batch.push_entry(init);
        loaded.generation = batch.generation;
        if let Some(done) = done {
            after.push(call(move |result| _ = done.send(result)));
        }
        let completion = Completion { log, ..Completion::of_job(1, after) };
        batch.completions.push(completion);
        Some(loaded)
    }

    /// Tells a fork which of its predecessor's timers and requests nobody will answer.
    fn tell_lapsed(&self, batch: &mut Batch, init: &Linked, lapsed: &[EffectId], after: &mut Vec<After>) {
        let id = batch.append.chain;
        for (n, of) in (TO_PARENT + 1..).zip(lapsed) {
            let answering = Answering::new(id, *of, Some(Notice::Lapsed));
            let key = effect_key(ANSWER, &id, init.entry.seq, n);
            batch.push_rows([put(key.clone(), &answering)]);
            let (to, letter) = bring(key, &answering, id, init.name, Bytes::new(), "");
            after.push(After::Post(to, Job::Letter(letter)));
        }
    }

    fn stop(&self, loaded: &mut Loaded, batch: &mut Batch, order: StopOrder) {
        if let Some((chain, of)) = order.row
            && chain != loaded.tip.chain
            && loaded.record.parent().is_none_or(|(parent, _)| parent != chain)
        {
            let told =
                not_done(&chain, of, Notice::Refused, Some(loaded.tip.chain), "it is no child of yours");
            let after = vec![After::Post(chain, Job::Letter(told))];
            batch.completions.push(Completion::of_job(loaded.tip.seq, after));
            return;
        }
        let status = if order.remove { Status::Removed } else { Status::Stopped };
        let mut after = Vec::new();
        let linked = self.link_stop(loaded, batch, order.from, order.reason);
        loaded.record.status = status;
        if let Some((chain, of)) = order.row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        self.tell_parent(&loaded.record, batch, &linked, Notice::Stopped, "", &mut after);
        self.forget_due(loaded, batch, None);
        self.unname_if_removed(loaded, batch, &mut after);
        batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
        after.push(After::Ended(None));
        if let Some(done) = order.done {
            after.push(call(move |result| _ = done.send(result)));
        }
        let seq = linked.entry.seq;
        batch.push_entry(linked);
        batch.completions.push(Completion::of_job(seq, after));
    }

    /// A stop of an actor that has stopped: it may still be removed, and whoever asked is told that it is so.
    fn stop_again(&self, loaded: &mut Loaded, batch: &mut Batch, order: StopOrder) {
        let mut after = Vec::new();
        if let Some((chain, of)) = order.row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        if order.remove && loaded.record.status != Status::Removed {
            loaded.record.status = Status::Removed;
            self.unname_if_removed(loaded, batch, &mut after);
            batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
        }
        if let Some(done) = order.done {
            after.push(call(move |result| _ = done.send(result)));
        }
        batch.completions.push(Completion::of_job(loaded.tip.seq, after));
    }

    fn unname_if_removed(&self, loaded: &mut Loaded, batch: &mut Batch, after: &mut Vec<After>) {
        if loaded.record.status != Status::Removed {
            return;
        }
        if let Some(name) = loaded.record.name.take()
            && self.names.find(&name) == Some(loaded.tip.chain)
        {
            batch.push_rows([Row::remove(name_key(&name))]);
            after.push(After::Name(name, None));
        }
    }

    /// Links the last entry; its rows are the caller's.
    fn link_stop(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        from: Sender,
        reason: troupe_chain::Text,
    ) -> Linked {
        if let Some((tip, linked)) = announce_engine(self, loaded) {
            change_engine(loaded, batch, tip, linked);
        }
        let context = loaded.tip.next_context(from, self.options.clock.now());
        // The last state is kept, so that it can be read and branched off from.
        if let Some(name) = loaded.tip.state
            && loaded.since_snapshot > 0
        {
            batch.push_blob(name, loaded.state.clone());
            loaded.since_snapshot = 0;
        }
        loaded.tip.stop(&context, reason)
    }

    /// Removes the rows of timers and requests, and returns those that were asked for up to `upto`.
    fn forget_due(&self, loaded: &Loaded, batch: &mut Batch, upto: Option<u64>) -> Vec<EffectId> {
        let mut lapsed = Vec::new();
        for kind in [TIMER, REQUEST] {
            let prefix = actor_key(kind, &loaded.tip.chain);
            let mut own = |key: &[u8], _: Due| {
                if let Some((_, seq, n)) = crate::rows::read_effect_key(key) {
                    lapsed.push(EffectId { seq, n: n.into() });
                }
                batch.push_rows([Row::remove(Bytes::copy_from_slice(key))]);
                Ok(())
            };
            // What is left of a stopped actor is looked at when it is due, and dropped then.
            let _ = scan::<Due>(&*self.store, &prefix, &mut own);
        }
        lapsed.retain(|id| upto.is_some_and(|upto| id.seq <= upto));
        lapsed.truncate(10_000);
        lapsed
    }

    fn upgrade(&self, loaded: &mut Loaded, batch: &mut Batch, order: UpgradeOrder) {
        let UpgradeOrder { rules, code, done } = order;
        let announced = announce_engine(self, loaded);
        let tip = announced.as_ref().map_or(&loaded.tip, |(tip, _)| tip);
        let context = tip.next_context(Sender::Http { key: None }, self.options.clock.now());
        let migrated = self.machine_for(&rules, Some(&code)).map_err(SendError::Host).and_then(|machine| {
            let mut outside = self.outside_of(&rules, tip, Hash::of(b"upgrade"));
            let step = machine.migrate(&context, &mut *outside, &loaded.state)?;
            Ok((machine, step))
        });
        let (machine, step) = match migrated {
            Ok(migrated) => migrated,
            Err(error) => {
                let after = vec![call(move |_| _ = done.send(Err(error)))];
                batch.completions.push(Completion::of_job(loaded.tip.seq, after));
                return;
            }
        };
        let mut next = tip.clone();
        let linked = match next.upgrade(&context, &rules, &step) {
            Ok(linked) => linked,
            Err(failed) => {
                let after = vec![call(move |_| _ = done.send(Err(SendError::NotCarriedOver(failed))))];
                batch.completions.push(Completion::of_job(loaded.tip.seq, after));
                return;
            }
        };
        if let Some((tip, linked)) = announced {
            change_engine(loaded, batch, tip, linked);
        }
        loaded.tip = next;
        let Came::Accepted(accepted) = step.outcome else { return };
        loaded.state = accepted.state.into();
        loaded.machine = machine;
        loaded.max_message = self.max_message(&rules);
        loaded.rules_changes += 1;
        let (name, bytes) = rules_change_blob(loaded.rules_changes, linked.entry.seq);
        batch.push_blob(name, bytes);
        batch.push_blob(Hash::of(&loaded.state), loaded.state.clone());
        loaded.since_snapshot = 0;
        for one in step.calls {
            batch.push_blob(Hash::of(&one.input), one.input.into());
            batch.push_blob(Hash::of(&one.output), one.output.into());
        }
        let mut after = Vec::new();
        let payloads = accepted.effects.into_iter().map(|asked| asked.payload.map(Bytes::from)).collect();
        self.ask(loaded, batch, &linked, payloads, 0, &mut after);
        let (hash, seq, state) = (linked.name, linked.entry.seq, loaded.state.clone());
        after.push(call(move |result| {
            let upgraded = Upgraded { hash, seq, state };
            let _ = done.send(result.map(|()| upgraded));
        }));
        batch.push_entry(linked);
        let completion = Completion { log: step.log, ..Completion::of_job(seq, after) };
        batch.completions.push(completion);
    }

    /// Ends the chain and names the fork that goes on from an earlier state.
    fn rewind(&self, loaded: &mut Loaded, batch: &mut Batch, order: RewindOrder) {
        let chain = loaded.tip.chain;
        let target = self.rewind_target(loaded, order.to);
        let (entry, seq, state) = match target {
            Ok(target) => target,
            Err(error) => {
                let after = order.done.map(|done| call(move |_| _ = done.send(Err(error))));
                batch.completions.push(Completion::of_job(loaded.tip.seq, after.into_iter().collect()));
                return;
            }
        };
        let stop = self.link_stop(loaded, batch, order.from, order.reason);
        let rules = loaded.tip.rules.clone();
        let genesis = self.fork_genesis(&rules, chain, entry, seq, state, stop.name);
        let id = Tip::start(genesis.clone(), stop.entry.at).0.chain;
        if let Some(failed) = order.failure {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, failed, FORK))]);
        }
        let pending = Pending::Fork { to: *id.as_bytes(), at: seq };
        batch.push_rows([put(effect_key(OUTBOX, &chain, stop.entry.seq, FORK), &pending)]);
        let lapsed = self.forget_due(loaded, batch, Some(seq));
        let mut after = Vec::new();
        let heir = self.heir(&loaded.record, order.failure.is_some(), stop.entry.at.0, lapsed);
        if let Some(name) = &loaded.record.name {
            batch.push_rows([put(name_key(name), &(name, id.as_bytes()))]);
            after.push(After::Name(name.clone(), Some(id)));
        }
        loaded.record.status = Status::Stopped;
        loaded.record.successor = Some(*id.as_bytes());
        batch.push_rows([put(actor_key(ACTOR, &chain), &loaded.record)]);
        let done = order.done;
        let begin = Begin {
            genesis,
            at: stop.entry.at,
            code: None,
            config: None,
            name: None,
            supervision: loaded.record.supervision(),
            row: Some((chain, EffectId { seq: stop.entry.seq, n: FORK.into() })),
            heir: Some(heir),
            done: None,
        };
        after.push(After::Post(id, Job::Begin(Box::new(begin))));
        after.push(After::Ended(Some(id)));
        if let Some(done) = done {
            after.push(call(move |result| _ = done.send(result.map(|()| id))));
        }
        let seq = stop.entry.seq;
        batch.push_entry(stop);
        batch.completions.push(Completion::of_job(seq, after));
    }

    /// What a fork keeps of the actor whose place it takes.
    pub(crate) fn heir(&self, record: &Record, failed: bool, at: u64, lapsed: Vec<EffectId>) -> Heir {
        let mut record = record.clone();
        let supervision = record.supervision();
        record.status = Status::Running;
        record.successor = None;
        let rest_until = failed.then(|| {
            record.failures.clear();
            let times = u32::try_from(record.restarts.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let rest = supervision.backoff.saturating_mul(2u64.saturating_pow(times));
            at.saturating_add(rest.min(supervision.max_backoff))
        });
        Heir { record, rest_until: rest_until.filter(|_| supervision.backoff > 0), lapsed }
    }

    /// The genesis of a fork that takes the place of a chain which ends with the entry `stop`.
    pub(crate) fn fork_genesis(
        &self,
        rules: &troupe_chain::Rules,
        chain: Hash,
        entry: Hash,
        seq: u64,
        state: Hash,
        stop: Hash,
    ) -> Genesis {
        Genesis {
            code: rules.code.clone(),
            world: rules.world.clone(),
            config: None,
            limits: rules.limits.clone(),
            engine: rules.engine.clone(),
            grants: rules.grants.clone(),
            owner: None,
            nonce: Hash::of(format!("{stop} fork").as_bytes()),
            fork: Some(Fork { chain, entry, seq, state }),
            started_by: None,
        }
    }

    fn rewind_target(&self, loaded: &Loaded, to: RewindTo) -> Result<(Hash, u64, Hash), SendError> {
        let host = |error: OpenError| SendError::Host(error.to_string());
        let at = |seq| {
            let found = entry_of(&*self.store, &loaded.tip.chain, seq);
            found
                .map_err(|error| host(error.into()))?
                .ok_or(SendError::NoSuchSeq { seq, last: loaded.tip.seq })
        };
        let mut seq = match to {
            RewindTo::Seq(seq) => seq,
            RewindTo::BeforeLast => {
                let mut seq = loaded.tip.seq;
                while seq > 1 && !matches!(at(seq)?.1.body, Body::Message(_)) {
                    seq -= 1;
                }
                seq.saturating_sub(1).max(1)
            }
        };
        if seq == 0 || seq > loaded.tip.seq {
            return Err(SendError::NoSuchSeq { seq, last: loaded.tip.seq });
        }
        loop {
            let (entry, read) = at(seq)?;
            if let Some(state) = read.state() {
                return Ok((entry, seq, state));
            }
            seq -= 1;
        }
    }

    fn pause(&self, loaded: &mut Loaded, batch: &mut Batch, pause: bool, done: Option<crate::job::Done<()>>) {
        loaded.record.status = if pause { Status::Paused } else { Status::Running };
        let chain = loaded.tip.chain;
        batch
            .push_rows([put(actor_key(ACTOR, &chain), &loaded.record), Row::remove(actor_key(REST, &chain))]);
        let mut after = vec![After::Hold(if pause { Hold::Paused } else { Hold::Nothing })];
        if let Some(done) = done {
            after.push(call(move |result| _ = done.send(result)));
        }
        batch.completions.push(Completion::of_job(loaded.tip.seq, after));
    }

    /// Counts a failure, and begins what the supervision says about it.
    pub(crate) fn supervise(
        &self,
        cell: &Arc<Cell>,
        loaded: &mut Loaded,
        batch: &mut Batch,
        failure: &Linked,
        after: &mut Vec<After>,
    ) {
        self.tell_parent(&loaded.record, batch, failure, Notice::Failed, "", after);
        let supervision = loaded.record.supervision();
        if supervision.on_failure == OnFailure::GoOn {
            return;
        }
        let now = failure.entry.at.0;
        loaded.record.failures.push(now);
        loaded.record.failures.retain(|at| at.saturating_add(supervision.within) > now);
        if (loaded.record.failures.len() as u64) < supervision.failures {
            batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
            return;
        }
        self.act(cell, loaded, batch, failure.entry.seq, now, after);
    }

    /// Does what the supervision says about repeated failures.
    fn act(
        &self,
        cell: &Arc<Cell>,
        loaded: &mut Loaded,
        batch: &mut Batch,
        seq: u64,
        now: u64,
        after: &mut Vec<After>,
    ) {
        let chain = loaded.tip.chain;
        let supervision = loaded.record.supervision();
        let mut policy = supervision.on_failure;
        if matches!(policy, OnFailure::Restart | OnFailure::Restore) {
            loaded.record.restarts.retain(|at| at.saturating_add(supervision.within) > now);
            loaded.record.restarts.push(now);
            if loaded.record.restarts.len() as u64 > supervision.max_restarts {
                policy = OnFailure::Escalate;
            }
        }
        match policy {
            OnFailure::GoOn => {}
            OnFailure::Pause | OnFailure::Escalate => {
                loaded.record.status = Status::Paused;
                cell.hold(Hold::Paused);
                after.push(After::Hold(Hold::Paused));
                if let (OnFailure::Escalate, Some((parent, _))) = (policy, loaded.record.parent()) {
                    after.push(After::Post(parent, Job::Escalate(chain)));
                }
                self.note(&chain, seq, &format!("{} after repeated failures", Status::Paused.as_str()));
            }
            OnFailure::Stop => {
                let order = StopOrder {
                    from: self.supervisor(loaded),
                    reason: crate::effects::stopped_by("supervision"),
                    row: None,
                    remove: false,
                    done: None,
                };
                cell.hold(Hold::Recovering);
                after.push(After::Post(chain, Job::Stop(Box::new(order))));
            }
            OnFailure::Restart | OnFailure::Restore => {
                let restart = policy == OnFailure::Restart;
                batch.push_rows([put(effect_key(OUTBOX, &chain, seq, FORK), &Pending::Recover { restart })]);
                cell.hold(Hold::Recovering);
                after.push(self.recover_job(chain, self.supervisor(loaded), seq, restart));
                self.note(&chain, seq, "begun again after repeated failures");
            }
        }
        batch.push_rows([put(actor_key(ACTOR, &chain), &loaded.record)]);
    }

    /// What takes an actor back after the failure at `seq`.
    pub(crate) fn recover_job(&self, chain: Hash, from: Sender, seq: u64, restart: bool) -> After {
        let order = RewindOrder {
            to: if restart { RewindTo::Seq(1) } else { RewindTo::BeforeLast },
            from,
            reason: crate::effects::stopped_by("supervision"),
            failure: Some(seq),
            done: None,
        };
        After::Post(chain, Job::Rewind(Box::new(order)))
    }

    /// On whose behalf a node carries out a supervision: the parent, whose spawn says it, or nobody who is named.
    fn supervisor(&self, loaded: &Loaded) -> Sender {
        let genesis = crate::open::genesis_of(&*self.store, &loaded.tip.chain);
        genesis.map_or(Sender::Http { key: None }, |genesis| genesis.init_from())
    }

    fn escalated(&self, cell: &Arc<Cell>, loaded: &mut Loaded, batch: &mut Batch, child: &Hash) {
        let mut after = Vec::new();
        self.note(&loaded.tip.chain, loaded.tip.seq, &format!("its child {child} was given up"));
        let now = self.options.clock.now().0;
        let seq = loaded.tip.seq;
        if loaded.record.supervision().on_failure != OnFailure::GoOn {
            self.act(cell, loaded, batch, seq, now, &mut after);
        }
        batch.completions.push(Completion::of_job(seq, after));
    }
}

/// The first entries of a chain, and what comes of them.
struct First {
    tip: Tip,
    state: Bytes,
    machine: Arc<dyn troupe_chain::Machine>,
    entries: [Linked; 2],
    payloads: Vec<Option<Bytes>>,
    log: Vec<troupe_chain::LogLine>,
    limits: u64,
}

impl Core {
    fn first_entries(
        &self,
        genesis: Genesis,
        at: troupe_chain::Timestamp,
        code: Option<Bytes>,
        config: Option<Bytes>,
    ) -> Result<First, SendError> {
        genesis.check().map_err(|error| SendError::Host(error.to_string()))?;
        let rules = genesis.rules();
        let machine = self.machine_for(&rules, code.as_ref()).map_err(SendError::CannotBegin)?;
        let limits = self.max_message(&rules);
        let from = genesis.init_from();
        let fork = genesis.fork;
        let (mut tip, genesis) = Tip::start(genesis, at);
        tip.rules = self.intern(&tip.rules);
        if let Some(fork) = fork {
            let state = self.state_of(&fork.chain, fork.seq, &fork.state)?;
            let init = tip.fork();
            let (payloads, log) = (Vec::new(), Vec::new());
            return Ok(First { tip, state, machine, entries: [genesis, init], payloads, log, limits });
        }
        let now = self.options.clock.now();
        let context = tip.next_context(from, now);
        let mut outside = self.outside_of(&rules, &tip, Hash::of(b"init"));
        let step = machine.init(&context, &mut *outside, config.as_deref())?;
        let init = tip
            .init(&context, &step)
            .map_err(|failed| SendError::CannotBegin(format!("init failed, {failed}")))?;
        let Came::Accepted(accepted) = step.outcome else {
            return Err(SendError::Host("init led to an entry without a state".into()));
        };
        let payloads = accepted.effects.into_iter().map(|asked| asked.payload.map(Bytes::from)).collect();
        if let (Code::Component(name), Some(code)) = (&rules.code, &code) {
            let kept = self.store.put_shared(name, code);
            kept.map_err(|error| SendError::Host(crate::error::chain_of(&error)))?;
        }
        if let Some(config) = &config {
            let kept = self.store.put_shared(&Hash::of(config), config);
            kept.map_err(|error| SendError::Host(crate::error::chain_of(&error)))?;
        }
        let state = accepted.state.into();
        Ok(First { tip, state, machine, entries: [genesis, init], payloads, log: step.log, limits })
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
                    Some(name) => self.store.blob(&cell.id, name).map_err(|error| host(error.to_string()))?,
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

pub(crate) fn call(done: impl FnOnce(Result<(), SendError>) + Send + 'static) -> After {
    After::Call(Box::new(done))
}

fn in_flight(cell: &Cell) -> bool {
    cell.in_flight.load(Ordering::Acquire) > 0
}
