//! What becomes of a letter and its rows, whether it leads to an entry or not.
//!
//! Invariant: a letter leaves memory only with what settles its rows, or with somebody else who is told and has them.

use std::sync::Arc;

use troupe_chain::{Hash, Notice, Sender};
use troupe_store::Row;

use crate::SendError;
use crate::batch::{After, Batch, Completion, Outcome};
use crate::cell::Cell;
use crate::core::Core;
use crate::effects::undelivered;
use crate::job::{Job, Letter, Settle};
use crate::rows::{Used, put, used_key};
use crate::sequencer::Loaded;

impl Core {
    /// Whether what a letter is about is over; then its rows are settled and it is dropped.
    pub(crate) fn comes_too_late(&self, loaded: &Loaded, batch: &mut Batch, letter: &Letter) -> bool {
        match &letter.settle {
            Settle::Own(own) => {
                let Some(needs) = &own.needs else { return false };
                let open = !loaded.closing.contains(needs) && !matches!(self.store.row(needs), Ok(None));
                if !open {
                    let gone = |row: &&Row| row.value.is_none() && row.key != *needs;
                    batch.push_rows(own.rows.iter().filter(gone).cloned());
                }
                !open
            }
            Settle::Delivery(delivery) => {
                let late = delivery.reply_by.is_some_and(|by| by < self.options.clock.now().0);
                if late {
                    batch.push_rows([delivery.remove()]);
                }
                late
            }
            Settle::Caller(_) => false,
        }
    }

    /// Settles a letter that left no entry: the caller or the sender is told, or the rows are settled at once.
    pub(crate) fn refused(
        &self,
        cell: &Cell,
        batch: &mut Batch,
        letter: Letter,
        about: Notice,
        error: SendError,
        seq: u64,
    ) -> Completion {
        match &letter.settle {
            Settle::Caller(_) => Completion::said(letter, seq, Err(error)),
            Settle::Delivery(delivery) => {
                let told = undelivered(delivery, about, Some(cell.id), None, &error.to_string());
                let after = vec![After::Post(delivery.sender, Job::Letter(told))];
                // The row stays until the sender's entry has it, so nothing need be durable here.
                Completion {
                    letter: Some(letter),
                    outcome: Outcome::Nothing,
                    ..Completion::of_job(seq, after)
                }
            }
            Settle::Own(own) => {
                batch.push_rows(own.rows.iter().cloned());
                self.note_dropped(cell, &letter, &error.to_string());
                Completion::dropped(letter, seq)
            }
        }
    }

    /// Settles a timer that a native machine refuses. It looks again at something that may have been done before its time, or is
    /// looked at once more later: that is no news for anybody.
    pub(crate) fn moot(&self, batch: &mut Batch, letter: Letter, seq: u64) -> Completion {
        if let Settle::Own(own) = &letter.settle {
            batch.push_rows(own.rows.iter().cloned());
        }
        Completion::dropped(letter, seq)
    }

    /// Settles a letter to an actor that has stopped: its heir gets it, or the sender is told.
    pub(crate) fn turn_away(&self, cell: &Arc<Cell>, loaded: &Loaded, batch: &mut Batch, letter: Letter) {
        if let Some(heir) = loaded.record.successor() {
            match &letter.settle {
                // The fork is told that they lapsed, by the append that begins it and removes their rows.
                Settle::Own(own) if letter.is_own_echo() => {
                    let of_another = |row: &&Row| own.needs.as_ref() != Some(&row.key) && row.value.is_none();
                    batch.push_rows(own.rows.iter().filter(of_another).cloned());
                    batch.completions.push(Completion::dropped(letter, loaded.tip.seq));
                }
                _ => {
                    let after = vec![After::Forward(heir, Job::Letter(letter))];
                    batch.completions.push(Completion::of_job(loaded.tip.seq, after));
                }
            }
            return;
        }
        let gone = SendError::Ended { heir: None };
        let completion = self.refused(cell, batch, letter, Notice::Stopped, gone, loaded.tip.seq);
        batch.completions.push(completion);
    }

    /// The rows that go with the entry that a letter led to.
    pub(crate) fn settle(&self, loaded: &mut Loaded, batch: &mut Batch, letter: &Letter, seq: u64, at: u64) {
        match &letter.settle {
            Settle::Delivery(delivery) => batch.push_rows([delivery.remove()]),
            Settle::Own(own) => {
                loaded
                    .closing
                    .extend(own.rows.iter().filter(|row| row.value.is_none()).map(|row| row.key.clone()));
                batch.push_rows(own.rows.iter().cloned());
            }
            Settle::Caller(_) => {
                if let Sender::Http { key: Some(key) } = letter.from {
                    let used = Used { seq, at, message: *Hash::of(&letter.message).as_bytes() };
                    loaded.keys.insert(key, used);
                    batch.push_rows([put(used_key(&loaded.tip.chain, &key), &used)]);
                }
            }
        }
    }
}
