//! Governance: proposals, ballots, and what a proposal that passed brings about.
//!
//! A proposal fixes, when it opens, who may vote, the quorum, the threshold and its times; later changes of parameters do not
//! touch it. Invariant: the tally in a proposal is what [`recount`] makes of its ballots, after every entry.

mod effect;
mod tally;
mod vote;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use effect::execute;
pub use effect::permits_upgrade;
pub use tally::{Tally, instant_runoff, passes, recount};
pub use vote::{Ballot, MAX_DELEGATORS};
pub(crate) use vote::{ballot, close, delegate, veto};

use crate::canonical::Id;
use crate::parameters::{
    PROPOSAL_FEE, Parameter, QUORUM_FLOOR, SPONSORS, THRESHOLD_FLOOR, TIMELOCK, VOTING_MAX, VOTING_MIN,
};
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Mana, Millionths, Millis, Record, State, WHOLE};
use crate::trust::{Context, Level};
use crate::{Moment, mana, members};

/// The most options of a proposal: every ranking of them is counted on its own.
pub const MAX_OPTIONS: usize = 5;
/// What an ordinary ballot may say.
pub const ORDINARY: [&str; 3] = ["abstain", "no", "yes"];
/// The most characters of a federation's name.
pub const MAX_FEDERATION: usize = 32;

/// What a proposal brings about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "`docs/spec/commons.md` says what each field is")]
pub enum Action {
    /// Somebody is invited to become a member.
    Admit { did: String },
    /// New jobs cannot run a component any more.
    Ban { component: Id },
    /// Members of one federation trust those of another.
    Bridge { context: Context, from: String, level: Level, to: String },
    /// A member may credit so much to others.
    Budget { amount: Mana, to: Id },
    /// A member joins a federation.
    Federate { federation: String, member: Id },
    /// Members of a federation trust each other.
    Federation { context: Context, federation: String, level: Level },
    /// Nothing but governance is done until thawed.
    Freeze {},
    /// A parameter has another value, from now or from a later time on.
    Parameter {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective: Option<Millis>,
        name: String,
        value: u64,
    },
    /// A member may do nothing until resumed.
    Pause { member: Id },
    /// A member is one no more.
    Remove { member: Id },
    /// A member who was paused is active again.
    Resume { member: Id },
    /// A dispute ends: that result is right, or none.
    Ruling {
        job: Id,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Id>,
    },
    /// A text is adopted, or an option chosen.
    Text {},
    /// The end of a freeze.
    Thaw {},
    /// New jobs can run a component again.
    Unban { component: Id },
    /// A member leaves a federation.
    Unfederate { federation: String, member: Id },
    /// An actor, or the commons itself, may be upgraded to that code, once.
    Upgrade { code: String, target: Id },
}

/// What a member proposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Motion {
    /// What it brings about.
    pub action: Action,
    /// For how long it is open.
    pub duration: Millis,
    /// What can be chosen, where that is not yes or no; only of a text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The least part of the electorate that must vote.
    pub quorum: Millionths,
    /// What people read about it, a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Id>,
    /// More than this part of yes and no must be yes.
    pub threshold: Millionths,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What is proposed.
    pub motion: Motion,
    /// Who proposes it.
    pub proposer: Id,
    /// Who supports it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sponsors: Vec<Id>,
    /// Where it stands.
    pub stage: Stage,
    /// How often each choice was made; rankings are joined by `>`.
    pub tally: Tally,
}

impl Record for Proposal {
    const SECTION: &'static str = "proposal";
}

/// What a proposal fixes when it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// When ballots end.
    pub closes: Millis,
    /// How many may vote.
    pub electorate: u64,
    /// The entry that opened it: who was active before that may vote.
    pub opened: u64,
    /// The root of the state in which it was opened: the electorate as it was.
    pub root: Id,
    /// How long after `closes` it may be executed.
    pub timelock: Millis,
    /// The part of the electorate that may veto it; 0 for none.
    pub veto: Millionths,
}

/// Where a proposal stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the terms are what the proposal was opened on")]
pub enum Stage {
    /// Not open yet.
    Draft {},
    /// Ballots are taken.
    Open { terms: Terms },
    /// It passed, and waits for its timelock.
    Passed {
        terms: Terms,
        /// How many have objected.
        vetoes: u64,
        /// The option that was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        winner: Option<String>,
    },
    /// It did not pass.
    Rejected { terms: Terms },
    /// It took effect.
    Executed {
        terms: Terms,
        /// The option that was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        winner: Option<String>,
    },
    /// It passed, and could not take effect any more.
    Failed {
        /// Why not.
        reason: String,
        terms: Terms,
    },
    /// Enough of the electorate objected.
    Vetoed { terms: Terms },
}

impl Stage {
    /// Every stage as written.
    pub const NAMES: [&str; 7] = ["draft", "executed", "failed", "open", "passed", "rejected", "vetoed"];

    /// The terms that it was opened on; none of a draft.
    pub fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Draft {} => None,
            Self::Open { terms }
            | Self::Passed { terms, .. }
            | Self::Rejected { terms }
            | Self::Executed { terms, .. }
            | Self::Failed { terms, .. }
            | Self::Vetoed { terms } => Some(terms),
        }
    }

    /// The stage as written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft {} => "draft",
            Self::Open { .. } => "open",
            Self::Passed { .. } => "passed",
            Self::Rejected { .. } => "rejected",
            Self::Executed { .. } => "executed",
            Self::Failed { .. } => "failed",
            Self::Vetoed { .. } => "vetoed",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Frozen {}

impl Record for Frozen {
    const SECTION: &'static str = "frozen";
}

/// The name of the one record of a freeze.
const FROZEN: &str = "commons";

/// Whether all but governance is frozen.
pub fn is_frozen(state: &State) -> bool {
    state.get::<Frozen>(FROZEN).is_some()
}

/// A proposal.
pub fn proposal(state: &State, id: Id) -> Option<Proposal> {
    state.get(id)
}

/// Every proposal with its id.
pub fn proposals(state: &State) -> Vec<(String, Proposal)> {
    state.all()
}

/// The first proposals after an id, in the order of their ids.
pub fn page(state: &State, after: Option<&str>, limit: usize) -> Vec<(String, Proposal)> {
    state.page("", after, limit)
}

/// The first ballots on a proposal after that of a voter, in the order of the voters' ids.
pub fn page_of_ballots(
    state: &State,
    proposal: Id,
    after: Option<&str>,
    limit: usize,
) -> Vec<(String, Ballot)> {
    state.page(&format!("{proposal}-"), after, limit)
}

/// Every ballot on a proposal, by voter: what a tally is recounted from.
pub fn ballots(state: &State, id: Id) -> BTreeMap<String, Ballot> {
    let prefix = format!("{id}-");
    let of_it = |(name, ballot): (String, Ballot)| Some((name.strip_prefix(&prefix)?.to_owned(), ballot));
    state.all().into_iter().filter_map(of_it).collect()
}

fn find(state: &State, id: Id) -> Result<Proposal, Refusal> {
    state.get(id).ok_or_else(|| Refusal { code: Code::NotFound, what: format!("there is no proposal {id}") })
}

fn wrong_stage<T>(stage: &Stage) -> Result<T, Refusal> {
    refuse(Code::Phase, format!("the proposal is {}", stage.name()))
}

/// Makes a draft of a proposal; its id is the command's name.
pub(crate) fn propose(state: &mut State, now: &Moment, motion: &Motion) -> Result<Id, Refusal> {
    let bounds = |condition, what: &str| require(condition, Code::Bounds, what);
    let at = now.at;
    let quorum = QUORUM_FLOOR.at(state, at)..=WHOLE;
    bounds(quorum.contains(&motion.quorum), "the quorum is `quorum-floor` to 1000000")?;
    let threshold = THRESHOLD_FLOOR.at(state, at)..WHOLE;
    bounds(threshold.contains(&motion.threshold), "the threshold is `threshold-floor` to 999999")?;
    let duration = VOTING_MIN.at(state, at)..=VOTING_MAX.at(state, at);
    bounds(duration.contains(&motion.duration), "the duration is `voting-min` to `voting-max`")?;
    check_options(motion)?;
    check_action(state, at, &motion.action)?;
    mana::charge(state, now.by, at, PROPOSAL_FEE)?;
    let proposal = Proposal {
        motion: motion.clone(),
        proposer: now.by,
        sponsors: Vec::new(),
        stage: Stage::Draft {},
        tally: Tally::new(),
    };
    state.put(now.name, &proposal);
    Ok(now.name)
}

fn check_options(motion: &Motion) -> Result<(), Refusal> {
    let options = &motion.options;
    if options.is_empty() {
        return Ok(());
    }
    let plain = |option: &String| !option.is_empty() && option.len() <= 64 && !option.contains('>');
    let fits = (2..=MAX_OPTIONS).contains(&options.len())
        && options.iter().all(plain)
        && options.is_sorted_by(|a, b| a < b);
    require(
        fits,
        Code::Bounds,
        "there are 2 to 5 options, in ascending order, of 1 to 64 characters but `>`",
    )?;
    require(motion.action == Action::Text {}, Code::Bounds, "only a text has options")
}

/// What can be said of an action before anybody votes on it.
fn check_action(state: &State, at: Millis, action: &Action) -> Result<(), Refusal> {
    let name = |federation: &String| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = (1..=MAX_FEDERATION).contains(&federation.len()) && federation.chars().all(plain);
        require(fits, Code::Bounds, "a federation is named by 1 to 32 of a to z and 0 to 9")
    };
    match action {
        Action::Admit { did } => members::read_did(did).map(drop),
        Action::Parameter { effective, name, value } => {
            let Some(parameter) = Parameter::find(name) else {
                return refuse(Code::NotFound, format!("there is no parameter `{name}`"));
            };
            let in_time = effective.is_none_or(|effective| effective >= at);
            require(in_time, Code::Bounds, "a parameter cannot change in the past")?;
            parameter.check(*value)
        }
        Action::Budget { to, .. } => members::find(state, *to).map(drop),
        Action::Pause { member } | Action::Remove { member } | Action::Resume { member } => {
            members::find(state, *member).map(drop)
        }
        Action::Federate { federation, member } | Action::Unfederate { federation, member } => {
            name(federation)?;
            members::find(state, *member).map(drop)
        }
        Action::Federation { federation, .. } => name(federation),
        Action::Bridge { from, to, .. } => name(from).and_then(|()| name(to)),
        _ => Ok(()),
    }
}

/// Supports a draft.
pub(crate) fn sponsor(state: &mut State, now: &Moment, id: Id) -> Result<(), Refusal> {
    let mut proposal = find(state, id)?;
    let Stage::Draft {} = proposal.stage else { return wrong_stage(&proposal.stage) };
    let new = proposal.proposer != now.by && !proposal.sponsors.contains(&now.by);
    require(new, Code::Exists, "you support it already")?;
    let needed = SPONSORS.at(state, now.at);
    require((proposal.sponsors.len() as u64) < needed, Code::Bounds, "it has as many sponsors as it needs")?;
    proposal.sponsors.push(now.by);
    state.put(id, &proposal);
    Ok(())
}

/// Opens a draft that has enough sponsors, and fixes the terms. When it closes.
pub(crate) fn open(state: &mut State, now: &Moment, id: Id) -> Result<Millis, Refusal> {
    let mut proposal = find(state, id)?;
    let Stage::Draft {} = proposal.stage else { return wrong_stage(&proposal.stage) };
    let enough = proposal.sponsors.len() as u64 >= SPONSORS.at(state, now.at);
    require(enough, Code::TooEarly, "it has too few sponsors")?;
    let terms = Terms {
        closes: now.at.saturating_add(proposal.motion.duration),
        electorate: members::active_members(state),
        opened: now.seq,
        root: now.root,
        timelock: TIMELOCK.at(state, now.at),
        veto: crate::parameters::VETO.at(state, now.at),
    };
    proposal.stage = Stage::Open { terms };
    state.put(id, &proposal);
    Ok(terms.closes)
}
