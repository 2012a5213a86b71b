//! What a message does: the one function that sees all modules.
//!
//! Invariant: a refusal leaves nothing behind, since everything is done to a copy that is dropped.

use serde::{Deserialize, Serialize};
use troupe_chain::{EffectRef, Hash};

use crate::canonical::Id;
use crate::command::{Act, Command, MAX_VALIDITY, Message, Tick};
use crate::jobs::Phase;
use crate::mana::{Arbiter, Hold, Owner};
use crate::mandate::{self, Asked, Mandate};
use crate::members::Status;
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, State, VERSION};
use crate::{governance, jobs, mana, members, trust};

/// When and where a command is done, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The entry's time.
    pub(crate) at: Millis,
    /// The entry's position.
    pub(crate) seq: u64,
    /// Who gave the command.
    pub(crate) by: Id,
    /// The command's name: the hash of its canonical bytes, without the signature.
    pub(crate) name: Id,
    /// The root of the state before.
    pub(crate) root: Id,
}

/// Where and when a message is handled.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The chain.
    pub chain: Hash,
    /// The entry's time.
    pub at: Millis,
    /// The entry's position.
    pub seq: u64,
}

/// What a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The state after it.
    pub state: State,
    /// What its sender is told.
    pub reply: Reply,
    /// What is due later, and when.
    pub due: Vec<(Millis, Tick)>,
}

/// What the sender of a message is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It was done.
    Done {},
    /// The id of the hold that was placed.
    Hold(Id),
    /// The ids of the jobs that were taken in.
    Jobs(Vec<Id>),
    /// The id of the proposal that was made.
    Proposal(Id),
    /// The phase or stage that a job or a proposal is in now.
    Now(String),
}

impl State {
    /// Handles a message.
    ///
    /// # Errors
    /// [`Refusal`]; this state stays as it is, as it does anyway.
    pub fn apply(&self, place: Place, message: &Message) -> Result<Applied, Refusal> {
        match message {
            Message::Due(due) => {
                let mut state = self.clone();
                let (reply, due) = tick(&mut state, place, due.tick)?;
                Ok(Applied { state, reply, due })
            }
            Message::Signed(signed) => {
                let by = self.check(place, &signed.command)?;
                require(signed.is_signed(), Code::Signature, "the key of the command did not sign it")?;
                self.done(place, by, &signed.command)
            }
            Message::Asked(_) => refuse(Code::NotAllowed, "only an actor asks for this, under a mandate"),
        }
    }

    /// Handles what an actor asks for in the name of a member who gave its chain a mandate.
    ///
    /// # Errors
    /// [`Refusal`]; this state stays as it is.
    pub fn apply_asked(&self, place: Place, by: &EffectRef, asked: &Asked) -> Result<Applied, Refusal> {
        let (chain, principal) = (Id(by.chain), asked.principal);
        let mandate = mandate::check(self, chain, asked, place.at)?;
        let member = members::find_active(self, principal)?;
        let allowed = asked.act.is_governance() || !governance::is_frozen(self);
        require(allowed, Code::Frozen, "all but governance is frozen")?;
        let mut state = self.clone();
        let Place { at, seq, .. } = place;
        let now = Moment { at, seq, by: principal, name: mandate::name(by), root: Id(self.root()) };
        let (reply, due) = act(&mut state, place, &now, (&asked.act, member.number))?;
        mandate::charge(self, &mut state, chain, (principal, at), mandate)?;
        Ok(Applied { state, reply, due })
    }

    /// Handles a command whose signature the caller has checked.
    ///
    /// # Errors
    /// [`Refusal`]; this state stays as it is.
    pub fn apply_command(&self, place: Place, command: &Command) -> Result<Applied, Refusal> {
        let by = self.check(place, command)?;
        self.done(place, by, command)
    }

    fn done(&self, place: Place, by: Id, command: &Command) -> Result<Applied, Refusal> {
        let mut state = self.clone();
        let mut member = members::find(&state, by)?;
        member.number = command.number;
        members::put(&mut state, by, &member);
        let Place { at, seq, .. } = place;
        let now = Moment { at, seq, by, name: Id::of(command), root: Id(self.root()) };
        let (reply, due) = act(&mut state, place, &now, (&command.act, command.number))?;
        Ok(Applied { state, reply, due })
    }

    /// Checks all that needs no knowledge of the act: what is cheap comes first.
    fn check(&self, place: Place, command: &Command) -> Result<Id, Refusal> {
        require(command.v == VERSION, Code::Malformed, "expected version 1")?;
        require(command.chain.0 == place.chain, Code::WrongChain, "the command is for another chain")?;
        require(place.at <= command.expires, Code::Expired, "the command has expired")?;
        let near = command.expires <= place.at.saturating_add(MAX_VALIDITY);
        require(near, Code::Expired, "the command's expiry is more than 7 days ahead")?;
        let Some(by) = members::of_key(self, &command.by) else {
            return refuse(Code::UnknownKey, "no member has this key");
        };
        let member = members::find(self, by)?;
        require(member.did == command.by, Code::UnknownKey, "the member has another key by now")?;
        let expected = member.number + 1;
        if command.number != expected {
            return refuse(Code::Number, format!("expected number {expected}, found {}", command.number));
        }
        let joins = member.status == Status::Invited && command.act == Act::Join {};
        require(member.status == Status::Active || joins, Code::NotActive, "the member is not active")?;
        let allowed = command.act.is_governance() || !governance::is_frozen(self);
        require(allowed, Code::Frozen, "all but governance is frozen")?;
        Ok(by)
    }
}

type Done = (Reply, Vec<(Millis, Tick)>);

fn act(state: &mut State, place: Place, now: &Moment, (act, number): (&Act, u64)) -> Result<Done, Refusal> {
    let (at, by) = (now.at, now.by);
    let status = |state: &mut State, from, to| members::set_status(state, by, (now.seq, at), &[from], to);
    match act {
        Act::Join {} => status(state, Status::Invited, Status::Active).map(|()| done()),
        Act::Leave {} => status(state, Status::Active, Status::Removed).map(|()| done()),
        Act::Rotate { did, proof } => members::rotate(state, place.chain, by, did, proof).map(|()| done()),
        Act::Recovery { members, quorum } => {
            members::set_recovery(state, by, members, *quorum).map(|()| done())
        }
        Act::Recover { did, member } => {
            let replaced = members::recover(state, by, *member, did)?;
            Ok((Reply::Now(if replaced { "replaced" } else { "asked" }.into()), Vec::new()))
        }
        Act::Transfer { amount, to } => {
            members::find_active(state, *to)?;
            mana::transfer(state, at, (Owner::Member(by), Owner::Member(*to)), *amount).map(|()| done())
        }
        Act::Credit { amount, to } => {
            members::find_active(state, *to)?;
            mana::transfer(state, at, (Owner::Budget(by), Owner::Member(*to)), *amount).map(|()| done())
        }
        Act::Spend { amount } => {
            mana::transfer(state, at, (Owner::Member(by), Owner::Fees), *amount).map(|()| done())
        }
        Act::Mandate { acts, chain, mana, until } => {
            let mandate = Mandate { acts: acts.clone(), left: *mana, until: *until };
            mandate::give(state, (by, at), *chain, mandate).map(|()| done())
        }
        Act::Hold { amount, arbiter, to, until } => {
            let hold = Hold {
                amount: *amount,
                arbiter: Arbiter::Member(*arbiter),
                from: by,
                to: Some(*to),
                until: *until,
            };
            place_hold(state, now, &hold)
        }
        Act::Post { amount, hold } => post(state, now, *hold, *amount).map(|()| done()),
        Act::Void { hold } => mana::void(state, at, *hold, Arbiter::Member(by)).map(|()| done()),
        Act::Trust { context, level, to } => {
            members::find(state, *to)?;
            trust::grant(state, *context, (by, *to), *level);
            Ok(done())
        }
        act => act_on_job(state, now, act)
            .or_else(|| act_on_proposal(state, now, number, act))
            .unwrap_or_else(|| refuse(Code::Malformed, "nothing does this")),
    }
}

fn act_on_job(state: &mut State, now: &Moment, act: &Act) -> Option<Result<Done, Refusal>> {
    let (job, result) = match act {
        Act::Submit { jobs } => return Some(submit(state, now, jobs)),
        Act::Bid(offer) => (offer.job, jobs::bid(state, now, offer)),
        Act::Cancel { job } => (*job, jobs::cancel(state, now, *job)),
        Act::Commit { digest, job } => (*job, jobs::commit(state, now, *job, *digest)),
        Act::Receipt { job, result, salt } => (*job, jobs::receipt(state, now, *job, result, *salt)),
        Act::Abandon { fault, job } => (*job, jobs::abandon(state, now, *job, *fault)),
        Act::Accept { job } => (*job, jobs::accept(state, now, *job)),
        Act::Dispute { job } => (*job, jobs::dispute(state, now, *job)),
        _ => return None,
    };
    Some(result.map(|()| job_now(state, now.at, job)))
}

fn act_on_proposal(state: &mut State, now: &Moment, number: u64, act: &Act) -> Option<Result<Done, Refusal>> {
    Some(match act {
        Act::Propose(motion) => {
            governance::propose(state, now, motion).map(|id| (Reply::Proposal(id), Vec::new()))
        }
        Act::Sponsor { proposal } => governance::sponsor(state, now, *proposal).map(|()| done()),
        Act::Open { proposal } => governance::open(state, now, *proposal)
            .map(|closes| (Reply::Done {}, vec![(closes, Tick::Close(*proposal))])),
        Act::Ballot { choice, members, proposal } => {
            governance::ballot(state, now, number, *proposal, choice, members).map(|()| done())
        }
        Act::Delegate { to } => governance::delegate(state, now, *to).map(|()| done()),
        Act::Veto { proposal } => governance::veto(state, now, *proposal).map(|()| done()),
        _ => return None,
    })
}

fn done() -> Done {
    (Reply::Done {}, Vec::new())
}

fn submit(state: &mut State, now: &Moment, specs: &[jobs::JobSpec]) -> Result<Done, Refusal> {
    let taken = jobs::submit(state, now, specs)?;
    let due = taken
        .iter()
        .flat_map(|(id, job)| [(job.closes, Tick::Award(*id)), (job.shown + 1, Tick::Expire(*id))]);
    let due = due.collect();
    Ok((Reply::Jobs(taken.into_iter().map(|(id, _)| id).collect()), due))
}

/// What a job's phase is now, and what that makes due.
fn job_now(state: &State, at: Millis, id: Id) -> Done {
    let Some(job) = jobs::job(state, id) else { return done() };
    let due = match &job.phase {
        // It was given back, or not finished in time.
        Phase::Open { bids } if bids.is_empty() => vec![(job.closes, Tick::Award(id))],
        // The award was due and had too few bids.
        Phase::Open { bids } if at >= job.closes && bids.len() as u64 == job.spec.replicas => {
            vec![(at, Tick::Award(id))]
        }
        Phase::Assigned { .. } if job.spec.term.is_some() => vec![(job.shown + 1, Tick::Expire(id))],
        Phase::Executed { until, .. } => vec![(until + 1, Tick::Settle(id))],
        Phase::Disputed { until, .. } => vec![(until + 1, Tick::Expire(id))],
        _ => Vec::new(),
    };
    (Reply::Now(job.phase.name().into()), due)
}

fn place_hold(state: &mut State, now: &Moment, hold: &Hold) -> Result<Done, Refusal> {
    if let (Arbiter::Member(arbiter), Some(to)) = (hold.arbiter, hold.to) {
        members::find_active(state, arbiter)?;
        members::find_active(state, to)?;
        require(arbiter != now.by, Code::NotAllowed, "whoever pays is not the arbiter")?;
    }
    require(hold.until > now.at, Code::Bounds, "the hold would have lapsed already")?;
    require(hold.amount > 0, Code::Bounds, "nothing would be held")?;
    mana::place(state, now.at, now.name, hold)?;
    Ok((Reply::Hold(now.name), vec![(hold.until, Tick::Lapse(now.name))]))
}

fn post(state: &mut State, now: &Moment, id: Id, amount: u64) -> Result<(), Refusal> {
    let Some(hold) = state.get::<Hold>(id) else {
        return refuse(Code::NotFound, "there is no such hold, or it was settled");
    };
    require(now.at < hold.until, Code::TooLate, "the hold has lapsed")?;
    let Some(to) = hold.to else { return refuse(Code::NotAllowed, "a job is the arbiter of this hold") };
    mana::settle(state, now.at, id, Arbiter::Member(now.by), &[(to, amount)])
}

fn tick(state: &mut State, place: Place, tick: Tick) -> Result<Done, Refusal> {
    let Place { at, seq, .. } = place;
    let governs = matches!(tick, Tick::Close(_) | Tick::Execute(_));
    require(governs || !governance::is_frozen(state), Code::Frozen, "all but governance is frozen")?;
    match tick {
        Tick::Award(id) => jobs::award(state, at, id).map(|()| job_now(state, at, id)),
        Tick::Expire(id) => jobs::expire(state, at, id).map(|()| job_now(state, at, id)),
        Tick::Settle(id) => jobs::settle(state, at, id).map(|()| job_now(state, at, id)),
        Tick::Lapse(id) => mana::lapse(state, at, id).map(|()| done()),
        Tick::Close(id) => {
            let executable = governance::close(state, at, id)?;
            let due = executable.map(|at| (at, Tick::Execute(id))).into_iter().collect();
            Ok((stage_now(state, id), due))
        }
        Tick::Execute(id) => {
            governance::execute(state, (seq, at), id)?;
            Ok((stage_now(state, id), Vec::new()))
        }
    }
}

fn stage_now(state: &State, id: Id) -> Reply {
    governance::proposal(state, id)
        .map_or(Reply::Done {}, |proposal| Reply::Now(proposal.stage.name().into()))
}
