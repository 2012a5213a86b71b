//! An actor on its own: its state, its clock, and what it has asked of the runtime and not got yet.
//!
//! Invariant: what is due goes off as a node would have it: in order of time, timers before requests, each set of them in
//! the order in which they were asked for.

use troupe_chain::{
    Abort, Asked, Context, Effect, EffectId, Hash, Machine, Notice, Outcome, Outside, Sender, Step, Text,
    Timestamp,
};

/// The most timers and requests that may come due in one step: more is an actor that never rests.
pub const MAX_DUE: usize = 10_000;

/// What stands for the id of a chain that is not kept.
const NO_CHAIN: Hash = Hash::from_bytes([0; 32]);

/// An actor that has begun.
pub(crate) struct Stage<'m> {
    machine: &'m dyn Machine,
    pub(crate) state: Vec<u8>,
    /// The position of the last entry.
    pub(crate) seq: u64,
    /// Its time.
    at: u64,
    /// The scenario's clock.
    pub(crate) now: u64,
    pub(crate) timers: Vec<Timer>,
    pub(crate) requests: Vec<Request>,
    /// What all randomness follows from.
    seed: u64,
    /// Why it has stopped, if it has.
    pub(crate) stopped: Option<Text>,
}

/// The seed of an entry, where the machine draws: another one for each, and the same each time.
pub(crate) fn draw(machine: &dyn Machine, seed: u64, seq: u64) -> Option<Hash> {
    machine.draws().then(|| Hash::of(&[seed.to_le_bytes(), seq.to_le_bytes()].concat()))
}

/// A timer that has not gone off, or a cron.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    pub(crate) set: EffectId,
    /// When it goes off; a cron goes off when a step says so.
    pub(crate) due: Option<u64>,
    pub(crate) message: Vec<u8>,
}

/// A request without a reply.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: EffectId,
    pub(crate) to: Text,
    until: u64,
}

/// A message and what it came to.
pub(crate) struct Came {
    pub(crate) step: Step,
    /// What it was, where no step says it.
    pub(crate) what: Option<String>,
}

impl<'m> Stage<'m> {
    /// Runs `init`; there is a stage only if it was accepted.
    pub(crate) fn begin(
        machine: &'m dyn Machine,
        (now, seed): (u64, u64),
        from: Sender,
        config: Option<&[u8]>,
        outside: &mut dyn Outside,
    ) -> Result<(Option<Self>, Came), Abort> {
        let context =
            Context { chain: NO_CHAIN, from, at: Timestamp(now), seq: 1, seed: draw(machine, seed, 1) };
        let step = machine.init(&context, outside, config)?;
        let (timers, requests) = (Vec::new(), Vec::new());
        let mut stage =
            Self { machine, state: Vec::new(), seq: 0, at: now, now, timers, requests, seed, stopped: None };
        let accepted = stage.take(1, &step);
        Ok((accepted.then_some(stage), Came { step, what: None }))
    }

    /// Hands the actor a message now.
    pub(crate) fn deliver(
        &mut self,
        from: Sender,
        message: &[u8],
        outside: &mut dyn Outside,
        what: Option<String>,
    ) -> Result<Came, Abort> {
        let seq = self.seq + 1;
        let context = Context {
            chain: NO_CHAIN,
            from,
            at: Timestamp(self.at.max(self.now)),
            seq,
            seed: draw(self.machine, self.seed, seq),
        };
        let step = self.machine.apply(&context, outside, message, &self.state)?;
        if !matches!(step.outcome, Outcome::Rejected(_)) {
            self.at = context.at.0;
        }
        self.take(seq, &step);
        Ok(Came { step, what })
    }

    /// Moves on to what a step came to; whether it was accepted.
    fn take(&mut self, seq: u64, step: &Step) -> bool {
        match &step.outcome {
            Outcome::Rejected(_) => false,
            Outcome::Failed(_) => {
                self.seq = seq;
                false
            }
            Outcome::Accepted(accepted) => {
                self.seq = seq;
                self.state.clone_from(&accepted.state);
                for (n, asked) in (0..).zip(&accepted.effects) {
                    self.note(EffectId { seq, n }, asked);
                }
                true
            }
        }
    }

    fn note(&mut self, id: EffectId, asked: &Asked) {
        let message = || asked.payload.clone().unwrap_or_default();
        match &asked.effect {
            Effect::Timer { after, .. } => {
                let due = Some(self.at.saturating_add(*after));
                self.timers.push(Timer { set: id, due, message: message() });
            }
            Effect::Cron { .. } => self.timers.push(Timer { set: id, due: None, message: message() }),
            Effect::Request { to, timeout, .. } => {
                let until = self.at.saturating_add(*timeout);
                self.requests.push(Request { id, to: to.clone(), until });
            }
            Effect::Cancel(timer) => self.timers.retain(|one| one.set != *timer),
            Effect::Exit { reason } => self.stopped = Some(reason.clone()),
            Effect::Send { .. } | Effect::Spawn(_) | Effect::Stop { .. } => {}
        }
    }

    /// Moves the clock to `to`, and lets everything go off that is due until then.
    pub(crate) fn pass(
        &mut self,
        to: u64,
        outside: &mut dyn Outside,
        came: &mut Vec<Came>,
    ) -> Result<(), String> {
        for _ in 0..MAX_DUE {
            match self.next_due().filter(|(due, ..)| *due <= to) {
                Some(next) => came.extend(self.go_off(next, outside)?),
                None => {
                    self.now = self.now.max(to);
                    return Ok(());
                }
            }
        }
        Err(never_ends())
    }

    /// Lets everything go off up to and with a timer, moving the clock as far as that takes.
    pub(crate) fn pass_until(
        &mut self,
        set: EffectId,
        outside: &mut dyn Outside,
        came: &mut Vec<Came>,
    ) -> Result<(), String> {
        for _ in 0..MAX_DUE {
            let Some(next) = self.next_due() else {
                return Err("the timer was cancelled before it went off".to_owned());
            };
            came.extend(self.go_off(next, outside)?);
            if next == (next.0, false, set) {
                return Ok(());
            }
        }
        Err(never_ends())
    }

    fn go_off(
        &mut self,
        (due, is_request, id): (u64, bool, EffectId),
        outside: &mut dyn Outside,
    ) -> Result<Option<Came>, String> {
        self.now = self.now.max(due);
        let came = if is_request { self.end_request(id, outside) } else { self.ring(id, outside) };
        came.map_err(|abort| abort.to_string())
    }

    /// When the next timer or request is due, whether it is a request, and which.
    fn next_due(&self) -> Option<(u64, bool, EffectId)> {
        if self.stopped.is_some() {
            return None;
        }
        let timers = self.timers.iter().filter_map(|timer| Some((timer.due?, false, timer.set)));
        let requests = self.requests.iter().map(|request| (request.until, true, request.id));
        timers.chain(requests).min()
    }

    /// Lets a timer go off now. A cron stays.
    pub(crate) fn ring(&mut self, set: EffectId, outside: &mut dyn Outside) -> Result<Option<Came>, Abort> {
        let Some(at) = self.timers.iter().position(|timer| timer.set == set) else { return Ok(None) };
        let timer = self.timers[at].clone();
        if timer.due.is_some() {
            self.timers.remove(at);
        }
        let due = timer.due.unwrap_or(self.now);
        let what = format!("the timer [{}, {}]", set.seq, set.n);
        let from = Sender::Timer { set, due: Timestamp(due) };
        self.deliver(from, &timer.message, outside, Some(what)).map(Some)
    }

    /// Tells the actor that no reply came in time.
    fn end_request(&mut self, id: EffectId, outside: &mut dyn Outside) -> Result<Option<Came>, Abort> {
        self.requests.retain(|request| request.id != id);
        if !self.machine.takes_notices() {
            return Ok(None);
        }
        let what = format!("the end of the request [{}, {}]", id.seq, id.n);
        let from = Sender::Notice { of: id, about: Notice::Late, chain: None, entry: None };
        let message = notice_body(Notice::Late, "no reply came in time");
        self.deliver(from, &message, outside, Some(what)).map(Some)
    }
}

fn never_ends() -> String {
    format!("{MAX_DUE} timers and requests came due, and there are more: this never ends")
}

/// The message of a notice, as a node writes it.
pub(crate) fn notice_body(about: Notice, reason: &str) -> Vec<u8> {
    let mut body = format!("{{\"notice\":\"{}\"", about.as_str());
    if !reason.is_empty() {
        body.push_str(",\"reason\":");
        body.push_str(&serde_json::Value::from(reason).to_string());
    }
    body.push('}');
    body.into_bytes()
}
