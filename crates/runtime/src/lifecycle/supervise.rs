//! What a node does about an actor that fails again and again, as its parent or its owner said.
//!
//! Invariant: what is to be done has a row from the failure on, and the actor's record says that it waits for it; so
//! nothing else is served in between, also not after a crash.

use troupe_chain::{EffectId, Hash, Linked, Notice, OnFailure, Sender};
use troupe_store::Row;

use crate::batch::{After, Batch, Completion};
use crate::core::Core;
use crate::effects::{PAUSED, stopped_by};
use crate::job::{Job, RewindOrder, RewindTo, StopOrder};
use crate::rows::{ACTOR, FORK, OUTBOX, Pending, Status, actor_key, effect_key, put};
use crate::sequencer::Loaded;

/// No more failures or restarts than this are remembered of an actor, and so many are repeated whatever is said.
const MAX_COUNTED: usize = 1000;

impl Core {
    /// Counts a failure, and begins what the supervision says about it.
    pub(crate) fn supervise(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        failure: &Linked,
        after: &mut Vec<After>,
    ) {
        let place = (failure.entry.seq, failure.name);
        self.tell_parent(&loaded.record, batch, place, Notice::Failed, "", after);
        let supervision = loaded.record.supervision();
        if supervision.on_failure == OnFailure::GoOn || loaded.record.ending {
            return;
        }
        let now = failure.entry.at.0;
        loaded.record.failures.push(now);
        loaded.record.failures.retain(|at| at.saturating_add(supervision.within) > now);
        let repeated = supervision.failures.min(MAX_COUNTED as u64);
        if (loaded.record.failures.len() as u64) < repeated {
            batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
            return;
        }
        self.act(loaded, batch, place, now, after);
    }

    /// Does what the supervision says about repeated failures.
    fn act(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        (seq, entry): (u64, Hash),
        now: u64,
        after: &mut Vec<After>,
    ) {
        let chain = loaded.tip.chain;
        let supervision = loaded.record.supervision();
        let mut policy = supervision.on_failure;
        if matches!(policy, OnFailure::Restart | OnFailure::Restore) {
            let restarts = &mut loaded.record.restarts;
            restarts.retain(|at| at.saturating_add(supervision.within) > now);
            if restarts.len() as u64 >= supervision.max_restarts.min(MAX_COUNTED as u64) {
                policy = OnFailure::Escalate;
            } else {
                restarts.push(now);
            }
        }
        let row = |pending| put(effect_key(OUTBOX, &chain, seq, FORK), &pending);
        match policy {
            OnFailure::GoOn => {}
            OnFailure::Pause | OnFailure::Escalate => {
                loaded.record.status = Status::Paused;
                loaded.record.failures.clear();
                self.tell_about(&loaded.record, batch, (seq, entry, PAUSED), Notice::Paused, "", after);
                if let (OnFailure::Escalate, Some((parent, _))) = (policy, loaded.record.parent()) {
                    batch.push_rows([row(Pending::Escalate(*parent.as_bytes()))]);
                    after.push(self.escalate_job(chain, parent, seq));
                }
                self.note(&chain, seq, "paused after repeated failures");
            }
            OnFailure::Stop => {
                loaded.record.ending = true;
                batch.push_rows([row(Pending::GiveUp)]);
                after.push(self.give_up_job(chain, self.supervisor(&chain), seq));
                self.note(&chain, seq, "stopped after repeated failures");
            }
            OnFailure::Restart | OnFailure::Restore => {
                let restart = policy == OnFailure::Restart;
                loaded.record.ending = true;
                batch.push_rows([row(Pending::Recover { restart })]);
                after.push(self.recover_job(chain, self.supervisor(&chain), seq, restart));
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
            reason: stopped_by("supervision"),
            failure: Some(seq),
        };
        After::Post(chain, Job::Rewind(Box::new(order), None))
    }

    /// What ends an actor after the failure at `seq`.
    pub(crate) fn give_up_job(&self, chain: Hash, from: Sender, seq: u64) -> After {
        let row = Some((chain, EffectId { seq, n: FORK.into() }));
        let order = StopOrder { from, reason: stopped_by("supervision"), row, remove: false };
        After::Post(chain, Job::Stop(Box::new(order), None))
    }

    /// What lets a parent's supervision decide about the failure of its child at `seq`.
    pub(crate) fn escalate_job(&self, child: Hash, parent: Hash, seq: u64) -> After {
        After::Post(parent, Job::Escalate { child, of: EffectId { seq, n: FORK.into() } })
    }

    /// On whose behalf a node carries out a supervision: the parent, whose spawn says it, or nobody who is named.
    pub(crate) fn supervisor(&self, chain: &Hash) -> Sender {
        let genesis = crate::open::genesis_of(&*self.store, chain);
        genesis.map_or(Sender::Http { key: None }, |genesis| genesis.init_from())
    }

    /// Does about an actor itself what its supervision says, since a child was given up.
    pub(super) fn escalated(&self, loaded: &mut Loaded, batch: &mut Batch, child: &Hash, of: EffectId) {
        let mut after = Vec::new();
        self.note(&loaded.tip.chain, loaded.tip.seq, &format!("its child {child} was given up"));
        batch.push_rows([Row::remove(effect_key(OUTBOX, child, of.seq, FORK))]);
        let place = (loaded.tip.seq, loaded.tip.entry);
        if loaded.record.supervision().on_failure != OnFailure::GoOn && !loaded.record.ending {
            self.act(loaded, batch, place, self.options.clock.now().0, &mut after);
        }
        let again = Some(Job::Escalate { child: *child, of });
        batch.completions.push(Completion::of_lasting_job(place.0, after, again));
    }
}
