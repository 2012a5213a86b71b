//! From effects to what is done about them: the rows that go with the entry, and the letters that leave after the commit.
//!
//! Invariant: a row is made here in the same breath as what follows from it, and a start makes the same letters from the
//! rows that it finds; so there is one way to perform an effect, before a crash and after.

use bytes::Bytes;
use troupe_chain::{
    Code, Effect, EffectId, EffectRef, Genesis, Hash, Linked, Notice, Sender, Spawn, Timestamp,
};
use troupe_store::Row;

use crate::agenda::{Item, What};
use crate::batch::{After, Batch};
use crate::cell::Cell;
use crate::core::Core;
use crate::cron;
use crate::job::{Begin, Delivery, Job, Letter, Own, Settle, StopOrder};
use crate::rows::{ACTOR, Due, OUTBOX, Pending, REQUEST, TIMER, actor_key, effect_key, number, put};
use crate::sequencer::Loaded;
use crate::trace::Trace;

/// In the place of an effect's number, for the answer to a request.
pub(crate) const REPLY: u32 = 0;
/// In the place of an effect's number, for what a parent is told.
pub(crate) const TO_PARENT: u32 = 1;
/// In the place of an effect's number, for a parent that is told that its child is paused.
pub(crate) const PAUSED: u32 = 2;
/// In the place of an effect's number, the first for what a fork is told of lapsed effects.
pub(crate) const LAPSED: u32 = 16;

impl Delivery {
    /// What settles it.
    pub(crate) fn remove(&self) -> Row {
        Row::remove(effect_key(OUTBOX, &self.sender, self.of.seq, number(self.of.n)))
    }
}

/// What a sender is told about a letter that was not delivered or not handled.
pub(crate) fn undelivered(
    delivery: &Delivery,
    about: Notice,
    chain: Option<Hash>,
    entry: Option<Hash>,
    reason: &str,
) -> Letter {
    let row = delivery.remove();
    let mut own = Own { needs: Some(row.key.clone()), rows: vec![row] };
    if delivery.reply_by.is_some() {
        let open = effect_key(REQUEST, &delivery.sender, delivery.of.seq, number(delivery.of.n));
        own.rows.push(Row::remove(open.clone()));
        own.needs = Some(open);
    }
    Letter::notice(delivery.of, about, (chain, entry), reason, own)
}

/// What an actor is told about an effect that is not a message.
pub(crate) fn not_done(
    chain: &Hash,
    of: EffectId,
    about: Notice,
    other: Option<Hash>,
    reason: &str,
) -> Letter {
    let key = effect_key(OUTBOX, chain, of.seq, number(of.n));
    let own = Own { needs: Some(key.clone()), rows: vec![Row::remove(key)] };
    Letter::notice(of, about, (other, None), reason, own)
}

/// The entry whose effects are performed.
pub(crate) struct Origin<'a> {
    pub(crate) chain: Hash,
    pub(crate) entry: Hash,
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) effects: &'a [Effect],
}

impl Origin<'_> {
    fn id(&self, n: usize) -> EffectId {
        EffectId { seq: self.seq, n: n as u64 }
    }

    fn reference(&self, n: usize) -> EffectRef {
        EffectRef { chain: self.chain, entry: self.entry, n: n as u64 }
    }
}

impl Core {
    /// Puts the rows of an entry's effects into the batch, and what is done about them into `after`.
    #[allow(clippy::too_many_arguments, reason = "all of it is of one entry")]
    pub(crate) fn ask(
        &self,
        cell: &Cell,
        loaded: &mut Loaded,
        batch: &mut Batch,
        linked: &Linked,
        payloads: Vec<Option<Bytes>>,
        trace: Trace,
        after: &mut Vec<After>,
    ) {
        let effects = linked.entry.body.effects();
        if effects.is_empty() {
            return;
        }
        crate::Metrics::add(&self.metrics.effects, effects.len() as u64);
        let origin = Origin {
            chain: loaded.tip.chain,
            entry: linked.name,
            seq: linked.entry.seq,
            at: linked.entry.at,
            effects,
        };
        for (n, (effect, payload)) in effects.iter().zip(payloads).enumerate() {
            if let (Some((_, name)), Some(payload)) = (effect.blobs().next(), &payload) {
                batch.push_blob(name, payload.clone());
            }
            self.ask_one(loaded, batch, &origin, n, payload, trace, after);
        }
        cell.hold(loaded.hold());
    }

    #[allow(clippy::too_many_arguments, reason = "all of it is of one effect")]
    fn ask_one(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        origin: &Origin<'_>,
        n: usize,
        payload: Option<Bytes>,
        trace: Trace,
        after: &mut Vec<After>,
    ) {
        let key = |kind| effect_key(kind, &origin.chain, origin.seq, n as u32);
        let of = origin.id(n);
        let pending = match &origin.effects[n] {
            Effect::Send { to, .. } | Effect::Request { to, .. } => match self.resolve(to.as_str()) {
                Some(id) => Pending::Send(*id.as_bytes()),
                None => Pending::Unknown,
            },
            Effect::Timer { after: later, .. } => {
                let at = origin.at.0.saturating_add(*later);
                batch.push_rows([put(key(TIMER), &Due { at })]);
                after.push(After::Remind(Item { at, chain: origin.chain, what: What::Timer(of) }));
                return;
            }
            Effect::Cron { cron, .. } => match cron::next(cron.as_str(), origin.at.0) {
                Ok(at) => {
                    batch.push_rows([put(key(TIMER), &Due { at })]);
                    after.push(After::Remind(Item { at, chain: origin.chain, what: What::Timer(of) }));
                    return;
                }
                Err(_) => Pending::Refused,
            },
            Effect::Cancel(id) => {
                let timer = effect_key(TIMER, &origin.chain, id.seq, number(id.n));
                loaded.closing.insert(timer.clone());
                batch.push_rows([Row::remove(timer)]);
                return;
            }
            Effect::Spawn(spawn) => self.spawn(loaded, origin, n, spawn),
            Effect::Stop { child } => match self.resolve(child.as_str()) {
                Some(id) => Pending::Stop(*id.as_bytes()),
                None => Pending::Unknown,
            },
            Effect::Exit { .. } => {
                loaded.record.ending = true;
                batch.push_rows([put(actor_key(ACTOR, &origin.chain), &loaded.record)]);
                Pending::Exit
            }
        };
        batch.push_rows([put(key(OUTBOX), &pending)]);
        if let Effect::Request { timeout, .. } = &origin.effects[n] {
            let at = origin.at.0.saturating_add(*timeout);
            batch.push_rows([put(key(REQUEST), &Due { at })]);
            after.push(After::Remind(Item { at, chain: origin.chain, what: What::Request(of) }));
        }
        let performed = self.perform(origin, n, pending, payload, trace, &loaded.tip.rules);
        if let (Pending::Spawn(id), Effect::Spawn(spawn)) = (pending, &origin.effects[n])
            && let Some(name) = &spawn.name
        {
            after.push(After::Reserved(name.to_string(), Hash::from_bytes(id)));
        }
        after.push(performed);
    }

    /// What is done about an effect that has a row in the outbox.
    pub(crate) fn perform(
        &self,
        origin: &Origin<'_>,
        n: usize,
        pending: Pending,
        payload: Option<Bytes>,
        trace: Trace,
        rules: &troupe_chain::Rules,
    ) -> After {
        let of = origin.id(n);
        let chain = origin.chain;
        let delivery = || {
            let reply_by = match origin.effects.get(n) {
                Some(Effect::Request { timeout, .. }) => Some(origin.at.0.saturating_add(*timeout)),
                _ => None,
            };
            let wait_until = self.options.clock.now().0.saturating_add(self.options.delivery_timeout);
            Delivery { sender: chain, of, reply_by, wait_until }
        };
        match (pending, origin.effects.get(n)) {
            (Pending::Send(to), _) => {
                let from = Sender::Actor(origin.reference(n));
                let message = payload.unwrap_or_default();
                let settle = Settle::Delivery(delivery());
                After::Post(
                    Hash::from_bytes(to),
                    Job::Letter(Letter { from, message, settle, attempts: 0, trace }),
                )
            }
            (Pending::Unknown, Some(Effect::Stop { child })) => {
                let reason = format!("there is no actor `{child}`");
                After::Post(chain, Job::Letter(not_done(&chain, of, Notice::Unknown, None, &reason)))
            }
            (Pending::Unknown, effect) => {
                let to = match effect {
                    Some(Effect::Send { to, .. } | Effect::Request { to, .. }) => to.as_str(),
                    _ => "",
                };
                let reason = format!("there is no actor `{to}`");
                let told = undelivered(&delivery(), Notice::Unknown, None, None, &reason);
                After::Post(chain, Job::Letter(told))
            }
            (Pending::Spawn(id), Some(Effect::Spawn(spawn))) => {
                let genesis = self.child(rules, origin, n, spawn);
                match genesis {
                    Ok(genesis) => {
                        let begin = Begin {
                            genesis,
                            at: origin.at,
                            code: None,
                            config: payload,
                            name: spawn.name.clone(),
                            supervision: spawn.supervision,
                            row: Some((chain, of)),
                            heir: None,
                        };
                        After::Post(Hash::from_bytes(id), Job::Begin(Box::new(begin), None))
                    }
                    Err(reason) => {
                        After::Post(chain, Job::Letter(not_done(&chain, of, Notice::Refused, None, &reason)))
                    }
                }
            }
            (Pending::Stop(child), _) => {
                let from = Sender::Actor(origin.reference(n));
                let order =
                    StopOrder { from, reason: stopped_by("parent"), row: Some((chain, of)), remove: false };
                After::Post(Hash::from_bytes(child), Job::Stop(Box::new(order), None))
            }
            (Pending::Exit, Some(Effect::Exit { reason })) => {
                let from = Sender::Notice { of, about: Notice::Stopped, chain: None, entry: None };
                let order = StopOrder { from, reason: reason.clone(), row: Some((chain, of)), remove: false };
                After::Post(chain, Job::Stop(Box::new(order), None))
            }
            (_, effect) => {
                let reason = self.why_refused(rules, origin, n, effect);
                After::Post(chain, Job::Letter(not_done(&chain, of, Notice::Refused, None, &reason)))
            }
        }
    }

    /// Checks a spawn and finds the id that the child will have.
    fn spawn(&self, loaded: &Loaded, origin: &Origin<'_>, n: usize, spawn: &Spawn) -> Pending {
        let Ok(genesis) = self.child(&loaded.tip.rules, origin, n, spawn) else { return Pending::Refused };
        let id = troupe_chain::Tip::start(genesis, origin.at).0.chain;
        if let Some(name) = &spawn.name
            && !self.names.reserve(name.as_str(), id)
        {
            return Pending::Refused;
        }
        Pending::Spawn(*id.as_bytes())
    }

    /// The genesis of a child: all of it follows from the parent's rules and entry.
    fn child(
        &self,
        rules: &troupe_chain::Rules,
        origin: &Origin<'_>,
        n: usize,
        spawn: &Spawn,
    ) -> Result<Genesis, String> {
        if let Some(grant) = spawn.grants.iter().find(|grant| !rules.grants.contains(grant)) {
            return Err(format!("the parent has no grant `{grant}` to give"));
        }
        let mut child = rules.clone();
        child.code = spawn.code.clone();
        child.grants = spawn.grants.clone();
        if child.code != rules.code {
            let code = match &child.code {
                Code::Component(name) => match self.store.shared(name) {
                    Ok(Some(code)) => code,
                    Ok(None) => return Err(format!("the node has no component {name}")),
                    Err(error) => return Err(format!("the component {name} cannot be read: {error}")),
                },
                Code::Native(_) => Bytes::new(),
            };
            child.world = self.machines.world(&child, &code)?;
        }
        Ok(Genesis {
            code: child.code,
            world: child.world,
            config: spawn.config,
            limits: child.limits,
            // That of the parent's entry, which says all of a child: the node's own may be another by now.
            engine: child.engine,
            grants: child.grants,
            owner: None,
            nonce: Hash::of(format!("{} {n}", origin.entry).as_bytes()),
            fork: None,
            started_by: Some(origin.reference(n)),
        })
    }

    fn why_refused(
        &self,
        rules: &troupe_chain::Rules,
        origin: &Origin<'_>,
        n: usize,
        effect: Option<&Effect>,
    ) -> String {
        match effect {
            Some(Effect::Cron { cron, .. }) => {
                cron::next(cron.as_str(), origin.at.0).err().unwrap_or_default()
            }
            Some(Effect::Spawn(spawn)) => match self.child(rules, origin, n, spawn) {
                Err(reason) => reason,
                Ok(_) => {
                    let name = spawn.name.as_ref().map(ToString::to_string).unwrap_or_default();
                    format!("the name `{name}` is taken")
                }
            },
            _ => "it cannot be done".to_owned(),
        }
    }
}

pub(crate) fn stopped_by(whom: &str) -> troupe_chain::Text {
    let reason = format!("stopped by its {whom}");
    troupe_chain::Text::new(reason).unwrap_or_else(|_| unreachable!("printable ASCII"))
}
