//! Whether an entry was led to by what it says: the other end of its causal link, looked up and compared.
//!
//! Invariant: "not at hand" is never "false". Deliberately absent: signatures of DIDs; whether a receiver's name stood for
//! the actor; whether a time of a `cron` is one of its times; whether an effect led to more than it may, or was cancelled,
//! for which all of a chain must be seen.

use crate::effect::{Effect, EffectId, EffectRef, Sender};
use crate::entry::{Body, Entry, Fork, Genesis, Stop, Timestamp};
use crate::history::Unreadable;
use crate::{Hash, Notice};

/// Entries of this chain and of others, of histories that were checked: what is handed out under a name has it.
pub trait Entries {
    /// The entry of that name, if it is one of that chain; `None` if it is not at hand.
    ///
    /// # Errors
    /// [`Unreadable`] if whether there is one cannot be told.
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable>;

    /// The entry at that position of that chain, and its name; `None` if it is not at hand.
    ///
    /// # Errors
    /// [`Unreadable`] if whether there is one cannot be told.
    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable>;
}

/// What became of the question where an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// What it names is there, and fits.
    Resolved,
    /// What it names is not at hand, or cannot be read.
    NotAtHand,
    /// It names nobody's effect: it came from outside, by HTTP or from a DID, or nobody asked for it.
    Nobody,
    /// What it names is there, and does not fit; why, for a person to read.
    False(String),
}

/// Why an origin is not resolved.
enum Doubt {
    NotAtHand,
    False(String),
}

type Checked = Result<(), Doubt>;

impl From<Unreadable> for Doubt {
    fn from(_: Unreadable) -> Self {
        Self::NotAtHand
    }
}

/// Checks what an entry of `chain` says of where it comes from, by the rules of `docs/spec/chain.md`.
///
/// Of a `cron` it is checked only that its message is this one and that the time it was due has come. `entry` is taken
/// as one of `chain`; whether it is, is the business of [`verify`](crate::verify).
pub fn check_origin(chain: &Hash, entry: &Entry, others: &impl Entries) -> Origin {
    let asked = Asking { chain, entry, others };
    let checked = match &entry.body {
        Body::Genesis(genesis) => match asked.genesis(genesis) {
            Some(checked) => checked,
            None => return Origin::Nobody,
        },
        Body::Init(_) | Body::Engine(_) => return Origin::Nobody,
        body if matches!(body.from(), Some(Sender::Http { .. } | Sender::Did { .. })) => {
            return Origin::Nobody;
        }
        Body::Message(message) => asked.message(&message.from, message.message),
        Body::Failure(failure) => asked.message(&failure.from, failure.message),
        Body::Upgrade(_) => wrong("no effect and no notice asks for an upgrade"),
        Body::Stop(stop) => asked.stop(stop),
    };
    match checked {
        Ok(()) => Origin::Resolved,
        Err(Doubt::NotAtHand) => Origin::NotAtHand,
        Err(Doubt::False(why)) => Origin::False(why),
    }
}

/// An entry in question, and where to look.
struct Asking<'a, E> {
    chain: &'a Hash,
    entry: &'a Entry,
    others: &'a E,
}

impl<E: Entries> Asking<'_, E> {
    fn message(&self, from: &Sender, message: Hash) -> Checked {
        match from {
            Sender::Http { .. } | Sender::Did { .. } => Ok(()),
            Sender::Actor(by) => match self.effect_of(by)?.1 {
                Effect::Send { message: sent, .. } | Effect::Request { message: sent, .. } => {
                    same("the message that was sent", sent, message)
                }
                other => wrong(format!("a `{}` sends no message", other.kind())),
            },
            Sender::Timer { set, due } => self.timer(*set, *due, message),
            Sender::Reply { to, chain, entry } => self.reply(*to, chain, entry, message),
            Sender::Notice { of, .. } => self.notice(*of),
            Sender::Parent(_) => wrong("a parent sends messages as any other actor does"),
        }
    }

    fn timer(&self, set: EffectId, due: Timestamp, message: Hash) -> Checked {
        let (_, at, effect) = self.own(set)?;
        match effect {
            Effect::Timer { after, message: sent } => {
                same("the message of the timer", sent, message)?;
                same("when the timer is due", at.0.saturating_add(after), due.0)?;
            }
            Effect::Cron { message: sent, .. } => same("the message of the cron", sent, message)?,
            other => return wrong(format!("a `{}` is no timer", other.kind())),
        }
        require(due <= self.entry.at, || format!("due at {}, it went off at {}", due.0, self.entry.at.0))
    }

    fn reply(&self, to: EffectId, chain: &Hash, name: &Hash, message: Hash) -> Checked {
        let (own, _, effect) = self.own(to)?;
        if !matches!(effect, Effect::Request { .. }) {
            return wrong(format!("a `{}` is not replied to", effect.kind()));
        }
        let Body::Message(replied) = self.others.entry(chain, name)?.ok_or(Doubt::NotAtHand)?.body else {
            return wrong("the entry that is to reply is no message that was handled");
        };
        same(
            "the reply",
            replied.reply.map_or("none".into(), |reply| reply.to_string()),
            message.to_string(),
        )?;
        let request = Sender::Actor(EffectRef { chain: *self.chain, entry: own, n: to.n });
        require(replied.from == request, || "it replies to something else than this request".into())
    }

    /// A fork is told of effects of the chain that it branched off from, too.
    fn notice(&self, of: EffectId) -> Checked {
        let (mut chain, mut missing) = (*self.chain, false);
        loop {
            if chain != *self.chain || of.seq < self.entry.seq {
                match self.others.at(&chain, of.seq)? {
                    Some((_, entry)) if effect(&entry, of.n).is_some() => return Ok(()),
                    found => missing |= found.is_none(),
                }
            }
            match self.genesis_of(&chain)?.fork {
                Some(fork) => chain = fork.chain,
                None if missing => return Err(Doubt::NotAtHand),
                None => return wrong(format!("there is no effect {} of seq {} before it", of.n, of.seq)),
            }
        }
    }

    fn stop(&self, stop: &Stop) -> Checked {
        let effect = match &stop.from {
            Sender::Http { .. } | Sender::Did { .. } => return Ok(()),
            Sender::Notice { of, about: Notice::Stopped, .. } => match self.own(*of)?.2 {
                Effect::Exit { reason } => {
                    return same("the reason of the exit", reason, stop.reason.clone());
                }
                other => other,
            },
            Sender::Actor(by) | Sender::Parent(by) => match self.effect_of(by)?.1 {
                Effect::Stop { .. } => return Ok(()),
                Effect::Spawn(_) if matches!(stop.from, Sender::Parent(_)) => {
                    let spawned = self.genesis_of(self.chain)?.started_by == Some(*by);
                    return require(spawned, || "the `spawn` is another actor's".into());
                }
                other => other,
            },
            Sender::Timer { .. } | Sender::Reply { .. } | Sender::Notice { .. } => {
                return wrong("neither a timer, a reply nor such a notice stops an actor");
            }
        };
        wrong(format!("a `{}` stops nobody", effect.kind()))
    }

    /// `None` if genesis names neither a parent nor another chain.
    fn genesis(&self, genesis: &Genesis) -> Option<Checked> {
        let fork = genesis.fork.as_ref().map(|fork| self.fork(fork));
        let start = genesis.started_by.as_ref().map(|by| self.start(genesis, by));
        match (fork, start) {
            (Some(Err(Doubt::NotAtHand)), Some(Err(why @ Doubt::False(_)))) => Some(Err(why)),
            (Some(Ok(())), Some(start)) => Some(start),
            (fork, start) => fork.or(start),
        }
    }

    fn fork(&self, fork: &Fork) -> Checked {
        let mut at = self.others.entry(&fork.chain, &fork.entry)?.ok_or(Doubt::NotAtHand)?;
        same("the position of the entry that it branches off from", at.seq, fork.seq)?;
        // Not every entry says the state, but one before it does.
        for seq in (0..fork.seq).rev() {
            if at.state().is_some() {
                break;
            }
            at = self.others.at(&fork.chain, seq)?.ok_or(Doubt::NotAtHand)?.1;
        }
        let state = match &at.body {
            Body::Genesis(genesis) => genesis.fork.map(|fork| fork.state),
            _ => at.state(),
        };
        match state {
            Some(state) => same("the state there", state, fork.state),
            None => wrong("there is no state at a genesis"),
        }
    }

    fn start(&self, genesis: &Genesis, by: &EffectRef) -> Checked {
        let (at, effect) = self.effect_of(by)?;
        let Effect::Spawn(spawn) = effect else {
            return wrong(format!("a `{}` starts no actor", effect.kind()));
        };
        if let Some(fork) = &genesis.fork {
            let same = self.genesis_of(&fork.chain)?.started_by.as_ref() == Some(by);
            return require(same, || "the chain that it branches off from was not started so".into());
        }
        require(spawn.code == genesis.code, || "the `spawn` names other code".into())?;
        require(spawn.config == genesis.config, || "the `spawn` names another config".into())?;
        require(spawn.grants == genesis.grants, || "the `spawn` names other grants".into())?;
        same("the nonce of this `spawn`", by.nonce(), genesis.nonce)?;
        same("the time of the `spawn`", at.0, self.entry.at.0)
    }

    fn genesis_of(&self, chain: &Hash) -> Result<Genesis, Doubt> {
        match self.others.at(chain, 0)?.ok_or(Doubt::NotAtHand)?.1.body {
            Body::Genesis(genesis) => Ok(*genesis),
            _ => Err(Doubt::NotAtHand),
        }
    }

    /// An effect of another actor, and its time.
    fn effect_of(&self, by: &EffectRef) -> Result<(Timestamp, Effect), Doubt> {
        let entry = self.others.entry(&by.chain, &by.entry)?.ok_or(Doubt::NotAtHand)?;
        match effect(&entry, by.n) {
            Some(effect) => Ok((entry.at, effect)),
            None => Err(Doubt::False(format!("the entry has no effect {}", by.n))),
        }
    }

    /// An effect of the actor itself, the name of its entry, and its time.
    fn own(&self, id: EffectId) -> Result<(Hash, Timestamp, Effect), Doubt> {
        let EffectId { seq, n } = id;
        if seq >= self.entry.seq {
            return Err(Doubt::False(format!("seq {seq} is not before it")));
        }
        let (name, entry) = self.others.at(self.chain, seq)?.ok_or(Doubt::NotAtHand)?;
        match effect(&entry, n) {
            Some(effect) => Ok((name, entry.at, effect)),
            None => Err(Doubt::False(format!("seq {seq} has no effect {n}"))),
        }
    }
}

impl EffectRef {
    /// The nonce of the genesis that this effect, a spawn, leads to: one spawn starts one actor.
    pub fn nonce(&self) -> Hash {
        Hash::of(format!("{} {}", self.entry, self.n).as_bytes())
    }
}

fn effect(entry: &Entry, n: u64) -> Option<Effect> {
    entry.body.effects().get(usize::try_from(n).ok()?).cloned()
}

fn wrong(why: impl Into<String>) -> Checked {
    Err(Doubt::False(why.into()))
}

fn require(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { wrong(why()) }
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, is: T, says: T) -> Checked {
    require(is == says, || format!("{what} is {is}, but it says {says}"))
}
