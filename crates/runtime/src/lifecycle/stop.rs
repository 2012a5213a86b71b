//! How a chain ends: its last entry, and the rows that end with it.

use bytes::Bytes;
use troupe_chain::{Hash, Linked, Notice, Sender};
use troupe_store::Row;

use super::call;
use crate::batch::{After, Batch, Completion};
use crate::core::Core;
use crate::effects::not_done;
use crate::job::{Done, Job, StopOrder};
use crate::rows::{
    ACTOR, Due, OUTBOX, REQUEST, REST, Record, Status, TIMER, actor_key, effect_key, get, name_key, number,
    put, scan,
};
use crate::sequencer::{Loaded, announce_engine, change_engine};

impl Core {
    /// Ends a chain, unless it is an actor that asks which did not start it.
    pub(super) fn stop(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        order: StopOrder,
        done: Option<Done<()>>,
    ) {
        if self.refuses_stop(loaded, batch, &order) {
            return;
        }
        let again = done.is_none().then(|| Job::Stop(Box::new(order.clone()), None));
        let mut after = Vec::new();
        let linked = self.link_stop(loaded, batch, order.from, order.reason);
        loaded.record.status = if order.remove { Status::Removed } else { Status::Stopped };
        loaded.record.ending = false;
        if let Some((chain, of)) = order.row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        let place = (linked.entry.seq, linked.name);
        self.tell_parent(&loaded.record, batch, place, Notice::Stopped, "", &mut after);
        self.forget_due(loaded, batch);
        self.unname_if_removed(loaded, batch, &mut after);
        batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
        after.push(After::Ended(None));
        after.extend(done.map(|done| call(move |result| _ = done.send(result))));
        let seq = linked.entry.seq;
        batch.push_entry(linked);
        batch.completions.push(Completion::of_lasting_job(seq, after, again));
    }

    fn refuses_stop(&self, loaded: &Loaded, batch: &mut Batch, order: &StopOrder) -> bool {
        let (Some((chain, of)), Sender::Actor(_)) = (order.row, &order.from) else { return false };
        if self.is_parent(&loaded.record, &chain) {
            return false;
        }
        let told = not_done(&chain, of, Notice::Refused, Some(loaded.tip.chain), "it is no child of yours");
        let again = Some(Job::Stop(Box::new(order.clone()), None));
        let after = vec![After::Post(chain, Job::Letter(told))];
        batch.completions.push(Completion::of_lasting_job(loaded.tip.seq, after, again));
        true
    }

    /// Whether an actor started this one, or took the place of the one that did.
    fn is_parent(&self, record: &Record, chain: &Hash) -> bool {
        let Some((mut parent, _)) = record.parent() else { return false };
        // No chain is its own successor; the bound is for a store that says otherwise.
        for _ in 0..10_000 {
            if parent == *chain {
                return true;
            }
            let record = get::<Record>(&*self.store, &actor_key(ACTOR, &parent));
            match record.ok().flatten().and_then(|record| record.successor()) {
                Some(successor) => parent = successor,
                None => return false,
            }
        }
        false
    }

    /// A stop of an actor that has stopped: it may still be removed, and whoever asked is told that it is so.
    pub(super) fn stop_again(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        order: StopOrder,
        done: Option<Done<()>>,
    ) {
        if self.refuses_stop(loaded, batch, &order) {
            return;
        }
        let again = done.is_none().then(|| Job::Stop(Box::new(order.clone()), None));
        let mut after = Vec::new();
        if let Some((chain, of)) = order.row {
            batch.push_rows([Row::remove(effect_key(OUTBOX, &chain, of.seq, number(of.n)))]);
        }
        if order.remove && loaded.record.status != Status::Removed {
            loaded.record.status = Status::Removed;
            self.unname_if_removed(loaded, batch, &mut after);
            batch.push_rows([put(actor_key(ACTOR, &loaded.tip.chain), &loaded.record)]);
        }
        after.extend(done.map(|done| call(move |result| _ = done.send(result))));
        batch.completions.push(Completion::of_lasting_job(loaded.tip.seq, after, again));
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
    pub(super) fn link_stop(
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
            self.store_state(loaded, batch, name);
        }
        if loaded.rests {
            loaded.rests = false;
            batch.push_rows([Row::remove(actor_key(REST, &loaded.tip.chain))]);
        }
        loaded.tip.stop(&context, reason)
    }

    /// Removes the rows of timers and requests: nobody is left to be told.
    fn forget_due(&self, loaded: &Loaded, batch: &mut Batch) {
        for kind in [TIMER, REQUEST] {
            let prefix = actor_key(kind, &loaded.tip.chain);
            // What is left of a stopped actor is looked at when it is due, and dropped then.
            let _ = scan::<Due>(&*self.store, &prefix, |key, _| {
                batch.push_rows([Row::remove(Bytes::copy_from_slice(key))]);
                Ok(())
            });
        }
    }
}
