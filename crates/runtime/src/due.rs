//! What is done when its time has come: timers, requests without a reply, rests, what is to be tried again, and old keys.

use std::sync::{PoisonError, Weak};

use troupe_chain::{Effect, Notice};
use troupe_store::Row;

use crate::agenda::{Item, What};
use crate::core::Core;
use crate::job::{Job, Letter, Own, Settle};
use crate::open::entry_of;
use crate::rows::{Due, REQUEST, TIMER, effect_key, get, number, put};
use crate::trace::Trace;
use crate::{OpenError, cron};

impl Core {
    /// Does what is due at `now`; returns whether there was anything.
    pub(crate) fn do_what_is_due(&self, now: u64) -> bool {
        let due = self.agenda.take(now, 10_000);
        let mut any = !due.is_empty() | self.unstall() | self.search_old_keys(now);
        for item in due {
            match item.what {
                What::Timer(_) | What::Request(_) => self.remind(&item, now),
                What::Rest => self.post_internal(&item.chain, Job::Wake),
            }
        }
        let congested: Vec<_> = {
            let mut congested = self.congested.lock().unwrap_or_else(PoisonError::into_inner);
            congested.retain(|cell| cell.upgrade().is_some_and(|cell| cell.has_parked()));
            congested.iter().filter_map(Weak::upgrade).collect()
        };
        for cell in congested {
            for delivery in cell.expired(now) {
                any = true;
                self.too_busy(&cell.id, &delivery);
            }
        }
        any
    }

    /// Brings an actor what is due for it.
    fn remind(&self, item: &Item, now: u64) {
        let letter = match item.what {
            What::Timer(of) => self.timer_letter(item, of, now),
            What::Request(of) => {
                let open = effect_key(REQUEST, &item.chain, of.seq, number(of.n));
                if matches!(self.store.row(&open), Ok(None)) {
                    return;
                }
                let own = Own { rows: vec![Row::remove(open.clone())], needs: Some(open) };
                Ok(Some(Letter::notice(of, Notice::Late, (None, None), "no reply came in time", own)))
            }
            What::Rest => return,
        };
        match letter {
            Ok(Some(letter)) => self.post_internal(&item.chain, Job::Letter(letter)),
            Ok(None) => {}
            Err(error) => self.note(&item.chain, 0, &format!("a timer waits for the next start: {error}")),
        }
    }

    fn timer_letter(
        &self,
        item: &Item,
        set: troupe_chain::EffectId,
        now: u64,
    ) -> Result<Option<Letter>, OpenError> {
        let key = effect_key(TIMER, &item.chain, set.seq, number(set.n));
        // One that was cancelled, or has gone off, has no row.
        let Some(due) = get::<Due>(&*self.store, &key)? else { return Ok(None) };
        let Some((_, entry)) = entry_of(&*self.store, &item.chain, set.seq)? else { return Ok(None) };
        let Some(effect) = entry.body.effects().get(set.n as usize) else { return Ok(None) };
        let Some((_, name)) = effect.blobs().next() else { return Ok(None) };
        let Some(message) = self.store.blob(&item.chain, &name)? else { return Ok(None) };
        let (due, row) = match effect {
            Effect::Cron { cron, .. } => match cron::last_and_next(cron.as_str(), due.at, now) {
                Ok((last, next)) => {
                    self.agenda.add(Item { at: next, ..*item });
                    // One that waits stands for all that were due meanwhile.
                    if self.cell_in_memory(&item.chain).is_some_and(|cell| cell.has_timer(set)) {
                        return Ok(None);
                    }
                    (last, put(key.clone(), &Due { at: next }))
                }
                Err(_) => (due.at, Row::remove(key.clone())),
            },
            _ => (due.at, Row::remove(key.clone())),
        };
        let from = troupe_chain::Sender::Timer { set, due: troupe_chain::Timestamp(due) };
        let settle = Settle::Own(Own { rows: vec![row], needs: Some(key) });
        Ok(Some(Letter { from, message, settle, attempts: 0, trace: Trace::default() }))
    }
}
