//! Ballots, delegation, the close, and vetoes.
//!
//! A voter has one ballot on a proposal. A later one of their own takes the place of an earlier one; a delegate's counts only
//! while they cast none. Delegation goes one hop: a delegate votes for those who named them, and nobody votes for those of others.

use serde::{Deserialize, Serialize};

use super::tally::{has_quorum, instant_runoff, passes, written};
use super::{ORDINARY, Proposal, Stage, Terms, find, wrong_stage};
use crate::Moment;
use crate::canonical::Id;
use crate::mana;
use crate::members::{self, Member};
use crate::parameters::BALLOT_FEE;
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, Record, State, WHOLE};

/// The most members for whom one command votes.
pub const MAX_DELEGATORS: usize = 100;

/// A ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// Who cast it: the voter, or their delegate.
    pub by: Id,
    /// `yes`, `no` or `abstain`; or options, from the best on.
    pub choice: Vec<String>,
    /// The number of the command that cast it.
    pub number: u64,
}

impl Record for Ballot {
    const SECTION: &'static str = "ballot";
}

#[derive(Serialize, Deserialize)]
struct Objection {}

impl Record for Objection {
    const SECTION: &'static str = "veto";
}

/// Whether a member was active when voting opened, and has been ever since.
fn is_elector(member: &Member, terms: &Terms) -> bool {
    member.status == members::Status::Active && member.since < terms.opened
}

/// Casts a member's ballot, and those of members who delegated to them.
pub(crate) fn ballot(
    state: &mut State,
    now: &Moment,
    number: u64,
    id: Id,
    choice: &[String],
    delegators: &[Id],
) -> Result<(), Refusal> {
    let mut proposal = find(state, id)?;
    let Stage::Open { terms } = proposal.stage else { return wrong_stage(&proposal.stage) };
    require(now.at < terms.closes, Code::TooLate, "voting has closed")?;
    check_choice(&proposal, choice)?;
    require(delegators.len() <= MAX_DELEGATORS, Code::Bounds, "a ballot is for 100 others at most")?;
    mana::charge(state, now.by, now.at, BALLOT_FEE)?;
    for (place, voter) in std::iter::once(&now.by).chain(delegators).enumerate() {
        let own = place == 0;
        let member = members::find_active(state, *voter)?;
        require(
            is_elector(&member, &terms),
            Code::NotAllowed,
            "whoever was not active when voting opened has no vote",
        )?;
        let name = format!("{id}-{voter}");
        let before: Option<Ballot> = state.get(&name);
        if !own {
            let allowed = member.delegate == Some(now.by);
            require(allowed, Code::NotAllowed, "the member did not delegate to you")?;
            if before.as_ref().is_some_and(|before| before.by == *voter) {
                return refuse(Code::NotAllowed, format!("{voter} has voted"));
            }
        }
        if let Some(before) = before {
            take_out(&mut proposal, &before);
        }
        *proposal.tally.entry(written(choice)).or_default() += 1;
        state.put(&name, &Ballot { by: now.by, choice: choice.to_vec(), number });
    }
    state.put(id, &proposal);
    Ok(())
}

fn take_out(proposal: &mut Proposal, ballot: &Ballot) {
    let choice = written(&ballot.choice);
    if let Some(count) = proposal.tally.get_mut(&choice) {
        *count -= 1;
        if *count == 0 {
            proposal.tally.remove(&choice);
        }
    }
}

fn check_choice(proposal: &Proposal, choice: &[String]) -> Result<(), Refusal> {
    let options = &proposal.motion.options;
    let fits = match options.is_empty() {
        true => choice.len() == 1 && ORDINARY.contains(&choice[0].as_str()),
        false => {
            let once = |(place, option): (usize, &String)| !choice[..place].contains(option);
            !choice.is_empty()
                && choice.iter().all(|option| options.contains(option))
                && choice.iter().enumerate().all(once)
        }
    };
    require(
        fits,
        Code::Bounds,
        "the choice is `yes`, `no` or `abstain`; or options of the proposal, each once",
    )
}

/// Names who votes in a member's place; nobody if there is none.
pub(crate) fn delegate(state: &mut State, now: &Moment, to: Option<Id>) -> Result<(), Refusal> {
    if let Some(to) = to {
        require(to != now.by, Code::NotAllowed, "nobody delegates to themselves")?;
        members::find_active(state, to)?;
    }
    let mut member = members::find(state, now.by)?;
    member.delegate = to;
    members::put(state, now.by, &member);
    Ok(())
}

/// Ends voting once its time is over. When the proposal may be executed, if it passed.
pub(crate) fn close(state: &mut State, at: Millis, id: Id) -> Result<Option<Millis>, Refusal> {
    let mut proposal = find(state, id)?;
    let Stage::Open { terms } = proposal.stage else { return wrong_stage(&proposal.stage) };
    require(at >= terms.closes, Code::TooEarly, "voting has not closed")?;
    let (motion, tally) = (&proposal.motion, &proposal.tally);
    let (passed, winner) = if motion.options.is_empty() {
        (passes(tally, terms.electorate, motion.quorum, motion.threshold), None)
    } else {
        let winner = instant_runoff(&motion.options, tally);
        (winner.is_some() && has_quorum(tally, terms.electorate, motion.quorum), winner)
    };
    proposal.stage = match passed {
        true => Stage::Passed { terms, vetoes: 0, winner },
        false => Stage::Rejected { terms },
    };
    state.put(id, &proposal);
    Ok(passed.then(|| terms.closes.saturating_add(terms.timelock)))
}

/// Objects to a proposal that passed. Enough objections end it.
pub(crate) fn veto(state: &mut State, now: &Moment, id: Id) -> Result<(), Refusal> {
    let mut proposal = find(state, id)?;
    let Stage::Passed { terms, ref mut vetoes, .. } = proposal.stage else {
        return wrong_stage(&proposal.stage);
    };
    require(terms.veto > 0, Code::NotAllowed, "the proposal was opened without a veto")?;
    let executable = terms.closes.saturating_add(terms.timelock);
    require(now.at < executable, Code::TooLate, "the timelock has ended")?;
    let member = members::find_active(state, now.by)?;
    require(
        is_elector(&member, &terms),
        Code::NotAllowed,
        "whoever was not active when voting opened has no vote",
    )?;
    let name = format!("{id}-{}", now.by);
    require(state.get::<Objection>(&name).is_none(), Code::Exists, "you have objected")?;
    state.put(&name, &Objection {});
    *vetoes += 1;
    if u128::from(*vetoes) * u128::from(WHOLE) >= u128::from(terms.veto) * u128::from(terms.electorate) {
        proposal.stage = Stage::Vetoed { terms };
    }
    state.put(id, &proposal);
    Ok(())
}
