//! What changes of an actor while it goes on: its rules, and whether it takes messages.

use bytes::Bytes;
use troupe_chain::{Hash, MAX_INTEGER, Outcome as Came, Rules, Sender, hand_over};
use troupe_store::Row;

use super::call;
use crate::batch::{Batch, Completion};
use crate::cell::Cell;
use crate::core::Core;
use crate::job::{Done, Job, UpgradeOrder};
use crate::open::rules_change_blob;
use crate::rows::{ACTOR, REST, Status, actor_key, put};
use crate::sequencer::{Loaded, announce_engine, change_engine, guarded};
use crate::{SendError, Upgraded};

impl Core {
    /// Goes on with other rules, or says why not.
    pub(super) fn upgrade(&self, cell: &Cell, loaded: &mut Loaded, batch: &mut Batch, order: UpgradeOrder) {
        let UpgradeOrder { rules, code, done } = order;
        let announced = announce_engine(self, loaded);
        let tip = announced.as_ref().map_or(&loaded.tip, |(tip, _)| tip);
        let migrated = check(&rules).and_then(|()| {
            let machine = self.machine_for(&rules, Some(&code)).map_err(SendError::Host)?;
            let context = self.next_context(tip, Sender::Http { key: None }, &*machine)?;
            let mut outside = self.outside_of(&rules, tip, Hash::of(b"upgrade"));
            let _call = self.pool.enter();
            hand_over(&loaded.machine, &machine, &loaded.state);
            let step = guarded(|| machine.migrate(&context, &mut *outside, &loaded.state))?;
            Ok((machine, context, step))
        });
        let (machine, context, step) = match migrated {
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
        loaded.tip.rules = self.intern(&loaded.tip.rules);
        loaded.state = accepted.state.into();
        if let Some(written) = loaded.written.state() {
            hand_over(&loaded.machine, &machine, written);
        }
        loaded.machine = machine;
        loaded.max_message = self.max_message(&rules);
        loaded.rules_changes += 1;
        let (name, bytes) = rules_change_blob(loaded.rules_changes, linked.entry.seq);
        batch.push_blob(name, bytes);
        let name = Hash::of(&loaded.state);
        self.store_state(loaded, batch, name);
        for one in step.calls {
            batch.push_blob(Hash::of(&one.input), one.input.into());
            batch.push_blob(Hash::of(&one.output), one.output.into());
        }
        let mut after = Vec::new();
        let payloads = accepted.effects.into_iter().map(|asked| asked.payload.map(Bytes::from)).collect();
        self.ask(cell, loaded, batch, &linked, payloads, crate::trace::Trace::default(), &mut after);
        let (hash, seq, state) = (linked.name, linked.entry.seq, loaded.state.clone());
        after.push(call(move |result| {
            let upgraded = Upgraded { hash, seq, state };
            let _ = done.send(result.map(|()| upgraded));
        }));
        batch.push_entry(linked);
        let completion = Completion { log: step.log, ..Completion::of_job(seq, after) };
        batch.completions.push(completion);
    }

    /// Keeps messages back from now on, or takes them again.
    pub(super) fn pause(&self, loaded: &mut Loaded, batch: &mut Batch, pause: bool, done: Option<Done<()>>) {
        let again = done.is_none().then_some(Job::Pause { pause, done: None });
        loaded.record.status = if pause { Status::Paused } else { Status::Running };
        loaded.rests = false;
        let chain = loaded.tip.chain;
        batch
            .push_rows([put(actor_key(ACTOR, &chain), &loaded.record), Row::remove(actor_key(REST, &chain))]);
        let after = done.map(|done| call(move |result| _ = done.send(result))).into_iter().collect();
        batch.completions.push(Completion::of_lasting_job(loaded.tip.seq, after, again));
    }

    /// Lets an actor go on that was started again, once it has rested.
    pub(super) fn rested(&self, loaded: &mut Loaded, batch: &mut Batch) {
        if !loaded.rests {
            return;
        }
        loaded.rests = false;
        batch.push_rows([Row::remove(actor_key(REST, &loaded.tip.chain))]);
        batch.completions.push(Completion::of_lasting_job(loaded.tip.seq, Vec::new(), Some(Job::Wake)));
    }
}

/// Whether rules can stand in an entry.
fn check(rules: &Rules) -> Result<(), SendError> {
    let fits = !rules.limits.is_empty()
        && rules.limits.values().all(|limit| *limit <= MAX_INTEGER)
        && rules.grants.is_sorted_by(|a, b| a < b);
    if fits { Ok(()) } else { Err(SendError::Host("an entry cannot hold these rules".into())) }
}
