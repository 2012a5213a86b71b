//! What one chain alone shows of delivery: that nothing was taken twice, and that timers and replies are the actor's own.
//!
//! Invariant: an effect of another actor is taken at most once; a timer goes off only if it was set, not cancelled, and is
//! due; a request has one end, the reply or a notice. Whether another chain really sent what is taken is for
//! [`check_origin`](crate::check_origin), with that chain at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Timestamp;
use crate::{Body, Effect, EffectId, Entry, Hash, Notice, Sender};

/// What a chain has taken, and what it still waits for.
#[derive(Debug, Default)]
pub struct Once {
    taken: BTreeSet<(Hash, Hash, u64)>,
    /// Answers of other actors, which end nothing of this one's.
    told: BTreeSet<(Hash, Hash, u8)>,
    open: BTreeMap<EffectId, Open>,
    /// Whether the chain goes on from another, whose effects it may hear of.
    forked: bool,
}

/// An effect of the chain that something comes back from.
#[derive(Debug, Clone, Copy)]
enum Open {
    Timer { due: Timestamp, message: Hash },
    Cron { message: Hash },
    Request,
    Child,
    Other,
}

impl Once {
    /// Checks the next entry, and takes in what it asks for.
    ///
    /// # Errors
    /// What is wrong with where its message comes from.
    pub fn check(&mut self, entry: &Entry) -> Result<(), String> {
        if let Body::Genesis(genesis) = &entry.body {
            self.forked = genesis.fork.is_some();
        }
        if let Some(from) = entry.body.from() {
            self.check_sender(entry, from)?;
        }
        for (n, effect) in (0..).zip(entry.body.effects()) {
            let id = EffectId { seq: entry.seq, n };
            let open = match effect {
                Effect::Timer { after, message } => {
                    let due = Timestamp(entry.at.0.saturating_add(*after));
                    Open::Timer { due, message: *message }
                }
                Effect::Cron { message, .. } => Open::Cron { message: *message },
                Effect::Request { .. } => Open::Request,
                Effect::Send { .. } | Effect::Exit { .. } => Open::Other,
                Effect::Spawn(_) | Effect::Stop { .. } => Open::Child,
                Effect::Cancel(timer) => {
                    if matches!(self.open.get(timer), Some(Open::Timer { .. } | Open::Cron { .. })) {
                        self.open.remove(timer);
                    }
                    continue;
                }
            };
            self.open.insert(id, open);
        }
        Ok(())
    }

    fn check_sender(&mut self, entry: &Entry, from: &Sender) -> Result<(), String> {
        match from {
            Sender::Http { .. } | Sender::Did { .. } | Sender::Parent(_) => Ok(()),
            Sender::Actor(by) => {
                if self.taken.insert((by.chain, by.entry, by.n)) {
                    return Ok(());
                }
                Err(format!("effect {} of entry {} was taken before", by.n, by.entry))
            }
            Sender::Timer { set, due } => self.check_timer(entry, *set, *due),
            Sender::Reply { to, .. } => match self.open.remove(to) {
                Some(Open::Request) => Ok(()),
                _ => Err(format!("effect {} of seq {} is no request that waits", to.n, to.seq)),
            },
            Sender::Notice { of, about, chain, entry: other } => {
                self.check_notice(*of, *about, (*chain, *other))
            }
        }
    }

    fn check_timer(&mut self, entry: &Entry, set: EffectId, due: Timestamp) -> Result<(), String> {
        let message = match &entry.body {
            Body::Message(message) => message.message,
            Body::Failure(failure) => failure.message,
            _ => return Err("a timer brings a message".into()),
        };
        let at = format!("effect {} of seq {}", set.n, set.seq);
        let expected = match self.open.get(&set).copied() {
            Some(Open::Timer { due: set_for, message }) => {
                self.open.remove(&set);
                if set_for != due {
                    return Err(format!("the timer of {at} is due at {}, not at {}", set_for.0, due.0));
                }
                message
            }
            Some(Open::Cron { message }) => message,
            _ => return Err(format!("{at} is no timer that waits")),
        };
        if expected != message {
            return Err(format!("the timer of {at} brings {expected}, not {message}"));
        }
        if due > entry.at {
            return Err(format!("the timer of {at} is due at {}, after the entry", due.0));
        }
        Ok(())
    }

    fn check_notice(
        &mut self,
        of: EffectId,
        about: Notice,
        (chain, other): (Option<Hash>, Option<Hash>),
    ) -> Result<(), String> {
        let at = format!("effect {} of seq {}", of.n, of.seq);
        match (about, self.open.get(&of)) {
            // A fork hears of what the chain that it goes on from had asked for.
            (Notice::Lapsed, _) if self.forked => Ok(()),
            // What becomes of a child may be told more than once, but each entry of it once.
            (
                Notice::Started | Notice::Failed | Notice::Stopped | Notice::Paused | Notice::Restarted,
                Some(Open::Child),
            ) => match (chain, other) {
                (Some(chain), Some(other)) if !self.told.insert((chain, other, about as u8)) => {
                    Err(format!("the notice about entry {other} was taken before"))
                }
                _ => Ok(()),
            },
            // A fork has no open effects of before, but a child may have been begun by them.
            (_, None) if self.forked => Ok(()),
            (_, Some(_)) => {
                self.open.remove(&of);
                Ok(())
            }
            (_, None) => Err(format!("{at} has ended before, or was never asked for")),
        }
    }
}
