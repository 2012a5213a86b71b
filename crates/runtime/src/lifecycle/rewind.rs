//! How an actor goes back to an earlier state: its chain ends, and a fork of it takes its place and its name.

use std::sync::Arc;

use troupe_chain::{Body, EffectId, Fork, Genesis, Hash, Tip};
use troupe_store::Row;

use super::call;
use crate::batch::{After, Batch, Completion};
use crate::core::Core;
use crate::job::{Begin, Done, Heir, Job, RewindOrder, RewindTo};
use crate::leaves::NO_FORK;
use crate::open::{entry_of, genesis_of};
use crate::rows::{ACTOR, FORK, OUTBOX, Pending, Record, Status, actor_key, effect_key, name_key, put};
use crate::sequencer::Loaded;
use crate::{OpenError, SendError};

impl Core {
    /// Ends the chain and names the fork that goes on from an earlier state.
    pub(super) fn rewind(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        order: RewindOrder,
        done: Option<Done<Hash>>,
    ) {
        let chain = loaded.tip.chain;
        let again = done.is_none().then(|| Job::Rewind(Box::new(order.clone()), None));
        let found = genesis_of(&*self.store, &chain).map_err(|error| SendError::Host(error.to_string()));
        let found = found.and_then(|genesis| Ok((genesis, self.rewind_target(loaded, order.to)?)));
        let (genesis, (entry, seq, state)) = match found {
            Ok(found) => found,
            Err(error) => {
                let why = format!("it was not taken back: {error}");
                self.note(&chain, loaded.tip.seq, &why);
                let after = done.map(|done| call(move |_| _ = done.send(Err(error))));
                batch.completions.push(Completion::of_job(loaded.tip.seq, after.into_iter().collect()));
                return;
            }
        };
        let stop = self.link_stop(loaded, batch, order.from, order.reason);
        let rules = Arc::clone(&loaded.tip.rules);
        let from = Fork { chain, entry, seq, state };
        let first = fork_genesis(&rules, from, stop.name, &genesis);
        let id = Tip::start(first.clone(), stop.entry.at).0.chain;
        if let Some(failed) = order.failure {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, failed, FORK))]);
        }
        let failed = order.failure.is_some();
        let pending = Pending::Fork { to: *id.as_bytes(), at: seq, failed };
        batch.push_rows([put(effect_key(OUTBOX, &chain, stop.entry.seq, FORK), &pending)]);
        let mut after = Vec::new();
        let heir = self.heir(&loaded.record, failed, stop.entry.at.0);
        if let Some(name) = &loaded.record.name {
            batch.push_rows([put(name_key(name), &(name, id.as_bytes()))]);
        }
        let name = loaded.record.name.clone();
        loaded.record.status = Status::Stopped;
        loaded.record.ending = false;
        loaded.record.successor = Some(*id.as_bytes());
        batch.push_rows([put(actor_key(ACTOR, &chain), &loaded.record)]);
        let begin = Begin {
            genesis: first,
            at: stop.entry.at,
            code: None,
            config: None,
            name: None,
            supervision: loaded.record.supervision(),
            row: Some((chain, EffectId { seq: stop.entry.seq, n: FORK.into() })),
            heir: Some(heir),
        };
        after.push(After::Post(id, Job::Begin(Box::new(begin), None)));
        after.extend(name.map(|name| After::Name(name, Some(id))));
        after.push(After::Ended(Some(id)));
        after.extend(done.map(|done| call(move |result| _ = done.send(result.map(|()| id)))));
        let seq = stop.entry.seq;
        batch.push_entry(stop);
        batch.completions.push(Completion::of_lasting_job(seq, after, again));
    }

    /// What a fork keeps of the actor whose place it takes.
    pub(crate) fn heir(&self, record: &Record, failed: bool, at: u64) -> Heir {
        let mut record = record.clone();
        let supervision = record.supervision();
        record.status = Status::Running;
        record.successor = None;
        record.ending = false;
        let rest_until = failed.then(|| {
            record.failures.clear();
            let times = u32::try_from(record.restarts.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let rest = supervision.backoff.saturating_mul(2u64.saturating_pow(times));
            at.saturating_add(rest.min(supervision.max_backoff))
        });
        Heir { record, rest_until: rest_until.filter(|_| supervision.backoff > 0) }
    }

    fn rewind_target(&self, loaded: &Loaded, to: RewindTo) -> Result<(Hash, u64, Hash), SendError> {
        if loaded.machine.kept_states().is_some() {
            return Err(SendError::CannotBegin(NO_FORK.into()));
        }
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
}

/// The genesis of a fork that goes on from an entry of another chain; `after` is the entry that it follows from, the end
/// of that chain if it takes its place.
pub(crate) fn fork_genesis(
    rules: &troupe_chain::Rules,
    fork: Fork,
    after: Hash,
    origin: &Genesis,
) -> Genesis {
    Genesis {
        code: rules.code.clone(),
        world: rules.world.clone(),
        config: None,
        limits: rules.limits.clone(),
        engine: rules.engine.clone(),
        grants: rules.grants.clone(),
        owner: origin.owner.clone(),
        nonce: Hash::of(format!("{after} fork").as_bytes()),
        fork: Some(fork),
        started_by: origin.started_by,
    }
}
