//! How a chain begins: genesis and first state in one append.
//!
//! Invariant: what asked for it, the parent's spawn or the end of the chain that a fork goes on from, is settled in that
//! append, so a chain is begun once.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Body, Code, EffectId, Genesis, Hash, Linked, Notice, Outcome as Came, Tip};
use troupe_store::Row;

use super::call;
use crate::SendError;
use crate::agenda::{Item, What};
use crate::answers::bring;
use crate::batch::{After, Batch, Completion};
use crate::cell::Cell;
use crate::core::Core;
use crate::effects::{LAPSED, not_done};
use crate::job::{Begin, Done, Heir, Job};
use crate::leaves::{NO_FORK, Written};
use crate::rows::{
    ACTOR, ANSWER, Answering, Due, OUTBOX, REQUEST, REST, Record, Status, TIMER, actor_key, effect_key,
    name_key, number, put, scan,
};
use crate::sequencer::{Loaded, guarded};

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
    /// Begins a chain, or says why not to whoever asked.
    pub(super) fn begin(
        &self,
        cell: &Arc<Cell>,
        batch: &mut Batch,
        begin: Begin,
        done: Option<Done<()>>,
    ) -> Option<Loaded> {
        let again = done.is_none().then(|| Job::Begin(Box::new(begin.clone()), None));
        let first = self.may_begin(cell, &begin).and_then(|()| {
            let Begin { genesis, at, code, config, .. } = &begin;
            let first = self.first_entries(genesis, *at, code.as_ref(), config.as_ref());
            first.inspect_err(|_| self.give_up_place())
        });
        let first = match first {
            Ok(first) => first,
            Err(SendError::Busy(_)) if again.is_some() => {
                cell.put_back(again.into_iter());
                self.stall(cell);
                return None;
            }
            Err(error) => {
                self.not_begun(cell, batch, begin, done, error);
                return None;
            }
        };
        let Begin { config, name, supervision, row, heir, .. } = begin;
        let First { tip, state, machine, entries, payloads, log, limits } = first;
        let parent = if heir.is_none() { row } else { None };
        let mut record = match &heir {
            Some(heir) => heir.record.clone(),
            None => Record::new(name.as_ref(), parent, supervision),
        };
        record.status = Status::Running;
        let mut loaded = Loaded {
            new_engine: tip.rules.engine != *self.machines.engine(),
            tip,
            state: state.clone(),
            machine,
            max_message: limits,
            record,
            rests: false,
            generation: batch.generation,
            rules_changes: 0,
            since_snapshot: 0,
            written: Written::default(),
            closing: Default::default(),
            keys: Default::default(),
        };
        let mut after = Vec::new();
        let id = cell.id;
        if let Some(name) = loaded.record.name.clone() {
            batch.push_rows([put(name_key(&name), &(&name, id.as_bytes()))]);
            if row.is_none() {
                after.push(After::Reserved(name.clone(), id));
            }
            after.push(After::Name(name, Some(id)));
        }
        if let Some((chain, of)) = row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        self.store_state(&mut loaded, batch, Hash::of(&state));
        if let Some(config) = config {
            batch.push_blob(Hash::of(&config), config);
        }
        let [genesis, init] = entries;
        self.ask(cell, &mut loaded, batch, &init, payloads, crate::trace::Trace::default(), &mut after);
        let about = if heir.is_some() { Notice::Restarted } else { Notice::Started };
        self.tell_parent(&loaded.record, batch, (init.entry.seq, init.name), about, "", &mut after);
        if let (Some(heir), Body::Genesis(first)) = (heir, &genesis.entry.body) {
            self.inherit(&mut loaded, batch, heir, first, &init, &mut after);
        }
        batch.push_rows([put(actor_key(ACTOR, &id), &loaded.record)]);
        batch.append.expected = None;
        batch.push_entry(genesis);
        batch.push_entry(init);
        cell.hold(loaded.hold());
        after.extend(done.map(|done| call(move |result| _ = done.send(result))));
        let completion = Completion { log, ..Completion::of_lasting_job(1, after, again) };
        batch.completions.push(completion);
        Some(loaded)
    }

    /// What must hold of the node, whatever the machine says. If all of it does, the chain has a place among those that there
    /// may be.
    fn may_begin(&self, cell: &Cell, begin: &Begin) -> Result<(), SendError> {
        begin.genesis.check().map_err(|error| SendError::CannotBegin(error.to_string()))?;
        let id = Tip::start(begin.genesis.clone(), begin.at).0.chain;
        if id != cell.id {
            return Err(SendError::Host(format!("its genesis is {id}, not {}", cell.id)));
        }
        if let Some(name) = &begin.name
            && !self.names.reserve(name.as_str(), id)
        {
            return Err(SendError::NameTaken(name.to_string()));
        }
        self.take_place(begin.heir.is_some())
    }

    fn not_begun(
        &self,
        cell: &Cell,
        batch: &mut Batch,
        begin: Begin,
        done: Option<Done<()>>,
        error: SendError,
    ) {
        let mut after = Vec::new();
        match (begin.row, begin.heir) {
            (Some((chain, of)), None) => {
                let told = not_done(&chain, of, Notice::Refused, None, &error.to_string());
                after.push(After::Post(chain, Job::Letter(told)));
            }
            // Its row stays: the next start tries again.
            (_, Some(_)) => self.note(&cell.id, 0, &format!("a fork waits for the next start: {error}")),
            (None, None) => {}
        }
        if let Some(name) = begin.name {
            after.push(After::Name(name.to_string(), None));
        }
        after.extend(done.map(|done| call(move |_| _ = done.send(Err(error)))));
        batch.completions.push(Completion::of_job(1, after));
    }

    /// What a fork does about the chain whose place it takes: it rests, and it is told which timers and requests of the
    /// state that it begins with are over. What became of later ones is no concern of that state.
    fn inherit(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        heir: Heir,
        genesis: &Genesis,
        init: &Linked,
        after: &mut Vec<After>,
    ) {
        let id = loaded.tip.chain;
        if let Some(at) = heir.rest_until {
            loaded.rests = true;
            batch.push_rows([put(actor_key(REST, &id), &Due { at })]);
            after.push(After::Remind(Item { at, chain: id, what: What::Rest }));
        }
        let Some(fork) = genesis.fork else { return };
        let mut lapsed = Vec::new();
        for kind in [TIMER, REQUEST] {
            let prefix = actor_key(kind, &fork.chain);
            let scanned = scan::<Due>(&*self.store, &prefix, |key, _| {
                if let Some((_, seq, n)) = crate::rows::read_effect_key(key) {
                    lapsed.push(EffectId { seq, n: n.into() });
                }
                batch.push_rows([Row::remove(Bytes::copy_from_slice(key))]);
                Ok(())
            });
            if let Err(error) = scanned {
                self.note(&id, 1, &format!("what lapsed cannot be read: {error}"));
            }
        }
        lapsed.retain(|of| of.seq <= fork.seq);
        lapsed.sort_unstable();
        for (n, of) in (LAPSED..).zip(lapsed) {
            let answering = Answering::new(id, of, Some(Notice::Lapsed));
            let key = effect_key(ANSWER, &id, init.entry.seq, n);
            batch.push_rows([put(key.clone(), &answering)]);
            let (to, letter) = bring(key, &answering, id, init.name, Bytes::new(), "");
            after.push(After::Post(to, Job::Letter(letter)));
        }
    }

    fn first_entries(
        &self,
        genesis: &Genesis,
        at: troupe_chain::Timestamp,
        code: Option<&Bytes>,
        config: Option<&Bytes>,
    ) -> Result<First, SendError> {
        let rules = genesis.rules();
        let machine = self.machine_for(&rules, code).map_err(SendError::CannotBegin)?;
        let limits = self.max_message(&rules);
        let from = genesis.init_from();
        let fork = genesis.fork;
        let (mut tip, genesis) = Tip::start(genesis.clone(), at);
        tip.rules = self.intern(&tip.rules);
        if let Some(fork) = fork {
            if machine.kept_states().is_some() {
                return Err(SendError::CannotBegin(NO_FORK.into()));
            }
            let state = self.state_of(&fork.chain, fork.seq, &fork.state)?;
            let init = tip.fork();
            let (payloads, log) = (Vec::new(), Vec::new());
            return Ok(First { tip, state, machine, entries: [genesis, init], payloads, log, limits });
        }
        let context = self.next_context(&tip, from, &*machine)?;
        let step = {
            let mut outside = self.outside_of(&rules, &tip, Hash::of(b"init"));
            let _call = self.pool.enter();
            guarded(|| machine.init(&context, &mut *outside, config.map(|config| &**config)))?
        };
        let init = tip
            .init(&context, &step)
            .map_err(|failed| SendError::CannotBegin(format!("init failed, {failed}")))?;
        let Came::Accepted(accepted) = step.outcome else {
            return Err(SendError::Host("init led to an entry without a state".into()));
        };
        let payloads = accepted.effects.into_iter().map(|asked| asked.payload.map(Bytes::from)).collect();
        let host = |error: troupe_store::StoreError| SendError::Host(crate::error::chain_of(&error));
        if let (Code::Component(name), Some(code)) = (&rules.code, code) {
            self.store.put_shared(name, code).map_err(host)?;
        }
        if let Some(config) = config {
            self.store.put_shared(&Hash::of(config), config).map_err(host)?;
        }
        let state = accepted.state.into();
        Ok(First { tip, state, machine, entries: [genesis, init], payloads, log: step.log, limits })
    }
}
