//! What a start goes on with: every row of the store that says that something is under way.
//!
//! Invariant: what is made from a row here is what was made when the row was; so there is one way to do it, before a crash
//! and after.

use std::sync::Arc;

use troupe_chain::{Effect, EffectId, Fork, Hash};

use crate::OpenError;
use crate::agenda::{Item, What};
use crate::batch::After;
use crate::core::Core;
use crate::effects::Origin;
use crate::job::{Begin, Job};
use crate::lifecycle::fork_genesis;
use crate::open::{entry_of, genesis_of, rules_at};
use crate::rows::{
    ACTOR, ANSWER, Answering, Due, FORK, NAME, OUTBOX, Pending, REQUEST, REST, Record, TIMER, actor_key, get,
    read_effect_key, scan,
};

impl Core {
    /// The effects of a stored entry, for a start.
    pub(crate) fn resume_effect(&self, key: &[u8], pending: Pending) -> Result<Option<After>, OpenError> {
        let Some((chain, seq, n)) = read_effect_key(key) else { return Ok(None) };
        if n == FORK {
            return self.resume_fork(chain, seq, pending);
        }
        let Some((entry, read)) = entry_of(&*self.store, &chain, seq)? else { return Ok(None) };
        let effects = read.body.effects();
        let payload = match effects.get(n as usize).and_then(|effect| effect.blobs().next()) {
            Some((_, name)) => self.store.blob(&chain, &name)?,
            None => None,
        };
        let genesis = genesis_of(&*self.store, &chain)?;
        let rules = rules_at(&*self.store, &chain, seq, &genesis)?;
        let origin = Origin { chain, entry, seq, at: read.at, effects };
        if let Pending::Spawn(id) = pending
            && let Some(Effect::Spawn(spawn)) = effects.get(n as usize)
            && let Some(name) = &spawn.name
        {
            self.names.reserve(name.as_str(), Hash::from_bytes(id));
        }
        Ok(Some(self.perform(&origin, n as usize, pending, payload, crate::trace::Trace::default(), &rules)))
    }

    fn resume_fork(&self, chain: Hash, seq: u64, pending: Pending) -> Result<Option<After>, OpenError> {
        let genesis = genesis_of(&*self.store, &chain)?;
        Ok(match pending {
            Pending::Recover { restart } => Some(self.recover_job(chain, genesis.init_from(), seq, restart)),
            Pending::GiveUp => Some(self.give_up_job(chain, genesis.init_from(), seq)),
            Pending::Escalate(parent) => Some(self.escalate_job(chain, Hash::from_bytes(parent), seq)),
            Pending::Fork { to, at, failed } => {
                let Some((stop, read)) = entry_of(&*self.store, &chain, seq)? else { return Ok(None) };
                let Some((entry, target)) = entry_of(&*self.store, &chain, at)? else { return Ok(None) };
                let Some(state) = target.state() else { return Ok(None) };
                let rules = rules_at(&*self.store, &chain, seq, &genesis)?;
                let record = get::<Record>(&*self.store, &actor_key(ACTOR, &chain))?.unwrap_or_default();
                let fork = Fork { chain, entry, seq: at, state };
                let begin = Begin {
                    genesis: fork_genesis(&rules, fork, stop, &genesis),
                    at: read.at,
                    code: None,
                    config: None,
                    name: None,
                    supervision: record.supervision(),
                    row: Some((chain, EffectId { seq, n: FORK.into() })),
                    heir: Some(self.heir(&record, failed, read.at.0)),
                };
                Some(After::Post(Hash::from_bytes(to), Job::Begin(Box::new(begin), None)))
            }
            Pending::Send(_)
            | Pending::Unknown
            | Pending::Spawn(_)
            | Pending::Stop(_)
            | Pending::Exit
            | Pending::Refused => None,
        })
    }
}

/// Goes on with what the rows say is under way.
pub(crate) fn resume(core: &Arc<Core>) -> Result<(), OpenError> {
    let store = &*core.store;
    scan::<(String, [u8; 32])>(store, &[NAME], |_, (name, id)| {
        core.names.set(&name, Hash::from_bytes(id));
        Ok(())
    })?;
    for (kind, what) in [(TIMER, What::Timer as fn(_) -> _), (REQUEST, What::Request as fn(_) -> _)] {
        scan::<Due>(store, &[kind], |key, due| {
            if let Some((chain, seq, n)) = read_effect_key(key) {
                let id = EffectId { seq, n: n.into() };
                core.agenda.add(Item { at: due.at, chain, what: what(id) });
            }
            Ok(())
        })?;
    }
    scan::<Due>(store, &[REST], |key, due| {
        if let Some(chain) = key.get(1..).and_then(|key| <[u8; 32]>::try_from(key).ok()) {
            core.agenda.add(Item { at: due.at, chain: Hash::from_bytes(chain), what: What::Rest });
        }
        Ok(())
    })?;
    let mut letters = Vec::new();
    let mut broken = Vec::new();
    scan::<Pending>(store, &[OUTBOX], |key, pending| {
        match core.resume_effect(key, pending) {
            Ok(after) => letters.extend(after.map(|after| (order(key), after))),
            Err(error) => broken.push(error.to_string()),
        }
        Ok(())
    })?;
    scan::<Answering>(store, &[ANSWER], |key, answering| {
        letters.extend(core.resume_answer(key, &answering)?.map(|after| (order(key), after)));
        Ok(())
    })?;
    for what in broken {
        core.note(&Hash::of(b""), 0, &format!("an effect cannot be done: {what}"));
    }
    // Names of children that are still to begin are taken by now, so that the letters find them.
    // What begins comes first, so that what is sent to it finds it.
    letters.sort_by_key(|(order, after)| (!matches!(after, After::Post(_, Job::Begin(..))), *order));
    for (_, after) in letters {
        if let After::Post(to, job) = after {
            core.post_internal(&to, job);
        }
    }
    Ok(())
}

/// What comes before what of one actor: as it did when the entries were made.
fn order(key: &[u8]) -> Option<(Hash, u64, u8, u32)> {
    let (chain, seq, n) = read_effect_key(key)?;
    let kind = match key.first() {
        Some(&OUTBOX) if n != FORK => 0,
        Some(&ANSWER) => 1,
        _ => 2,
    };
    Some((chain, seq, kind, n))
}
