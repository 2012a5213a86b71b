//! What is shown of a commons: records with their ids, and what follows from them at a time.
//!
//! Nothing in it is proved; a record is by [`RecordProof`](crate::RecordProof), and all of it by whoever replays the chain.

use crate::governance::{self, Ballot, Proposal};
use crate::jobs::{self, Job};
use crate::mana::{self, Account, Hold, Owner};
use crate::members::{self, Member};
use crate::parameters::{PARAMETERS, Parameter, Value};
use crate::trust::{self, Context, Level};
use crate::{Id, Millis, State, reputation};
use serde::{Deserialize, Serialize};

/// Some records of a kind, and where to go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The records, in the order of their ids.
    pub items: Vec<T>,
    /// The `after` with which to go on; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` out of records of which one more was read.
    pub fn of<R>(
        mut records: Vec<(String, R)>,
        limit: usize,
        mut show: impl FnMut(String, R) -> Option<T>,
    ) -> Self {
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|(name, _)| name.clone());
        Self { items: records.into_iter().filter_map(|(name, record)| show(name, record)).collect(), next }
    }
}

/// `GET /commons`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Overview {
    /// The chain's id.
    pub chain: String,
    /// What the charter calls it.
    pub name: String,
    /// The machine.
    pub machine: String,
    /// The name of the last entry.
    pub head: String,
    /// Its position.
    pub seq: u64,
    /// Its time, in milliseconds since 1970.
    pub at: Millis,
    /// The root of the map.
    pub root: String,
    /// How many members are active.
    pub active: u64,
    /// Whether all but voting and keys is frozen.
    pub frozen: bool,
    /// What was issued in all.
    pub issued: u64,
    /// What was paid to the commons.
    pub fees: u64,
    /// What is held.
    pub escrow: u64,
    /// The members for whom the node that was asked runs jobs.
    #[serde(default)]
    pub executors: Vec<String>,
}

/// A member.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberView {
    /// The member's id.
    pub id: String,
    /// The record.
    #[serde(flatten)]
    pub member: Member,
    /// The number that the member's next command has.
    pub next: u64,
    /// What is on the member's account.
    pub balance: u64,
    /// What is left of the member's budget.
    pub budget: u64,
    /// The member's reputation, in points.
    pub reputation: u64,
}

impl MemberView {
    /// A member at a time.
    pub fn new(state: &State, id: Id, member: Member, at: Millis) -> Self {
        Self {
            id: id.to_string(),
            next: member.number + 1,
            member,
            balance: mana::account(state, Owner::Member(id), at).balance,
            budget: mana::account(state, Owner::Budget(id), at).balance,
            reputation: reputation::score(state, id, at),
        }
    }
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountView {
    /// Whose it is: `member-ID`, `budget-ID`, `fees`, `escrow` or `issuance`.
    pub account: String,
    /// What is on it at `at`; of issuance, what it has given.
    pub balance: u64,
    /// When that is.
    pub at: Millis,
    /// The record, as something last touched it: that is what a proof shows.
    pub record: Account,
}

impl AccountView {
    /// An account at a time.
    pub fn new(state: &State, owner: Owner, record: Account, at: Millis) -> Self {
        let balance = mana::account(state, owner, at).balance;
        Self { account: owner.to_string(), balance, at, record }
    }
}

/// A hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldView {
    /// Its id.
    pub id: String,
    /// The record.
    #[serde(flatten)]
    pub hold: Hold,
}

/// A proposal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProposalView {
    /// Its id.
    pub id: String,
    /// The record, with the tally as it is now.
    #[serde(flatten)]
    pub proposal: Proposal,
}

/// A ballot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BallotView {
    /// Whose it is.
    pub voter: String,
    /// The record.
    #[serde(flatten)]
    pub ballot: Ballot,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// The record.
    #[serde(flatten)]
    pub job: Job,
    /// How far its runs have come on the node that was asked; of one job alone, and of none in a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub progress: Vec<Progress>,
}

/// How far an executor's run of a job has come, as a node sees it that has its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The chain.
    pub chain: String,
    /// How many inputs were handled, those on the chains that it went on from among them.
    pub done: u64,
    /// The executor.
    pub executor: String,
}

/// A parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParameterView {
    /// What it is called.
    pub name: String,
    /// What its value counts.
    pub unit: String,
    /// The least value.
    pub min: u64,
    /// The greatest value.
    pub max: u64,
    /// What it does.
    pub effect: String,
    /// The value that holds.
    pub value: u64,
    /// What is to come, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coming: Vec<Value>,
    /// Every value that ever held, and since when.
    pub history: Vec<Value>,
}

impl ParameterView {
    /// A parameter at a time.
    pub fn new(state: &State, parameter: &Parameter, at: Millis) -> Self {
        let (history, coming) = parameter.history(state).into_iter().partition(|value| value.from <= at);
        Self {
            name: parameter.name.to_owned(),
            unit: parameter.unit.to_owned(),
            min: parameter.min,
            max: parameter.max,
            effect: parameter.effect.to_owned(),
            value: parameter.at(state, at),
            coming,
            history,
        }
    }

    /// All of them.
    pub fn all(state: &State, at: Millis) -> Vec<Self> {
        PARAMETERS.iter().map(|parameter| Self::new(state, parameter, at)).collect()
    }
}

/// A member's reputation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReputationView {
    /// The member's id.
    pub member: String,
    /// Points at `at`.
    pub score: u64,
    /// When that is.
    pub at: Millis,
}

/// How far one member trusts another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrustView {
    /// Who trusts.
    pub from: String,
    /// Whom.
    pub to: String,
    /// In what.
    pub context: Context,
    /// How far.
    pub level: Level,
}

impl TrustView {
    /// What the rules come to.
    pub fn new(state: &State, context: Context, from: Id, to: Id) -> Self {
        let level = trust::level(state, context, from, to);
        Self { from: from.to_string(), to: to.to_string(), context, level }
    }
}

/// Finds a member by id, or by any key that is or was theirs.
pub fn find_member(state: &State, id_or_did: &str) -> Option<(Id, Member)> {
    let id = match id_or_did.parse::<Id>() {
        Ok(id) => id,
        Err(_) => members::of_key(state, id_or_did)?,
    };
    members::member(state, id).map(|member| (id, member))
}

/// Members after an id.
pub fn members(state: &State, after: Option<&str>, limit: usize, at: Millis) -> Page<MemberView> {
    let page = members::page(state, after, limit.saturating_add(1));
    Page::of(page, limit, |id, member| Some(MemberView::new(state, id.parse().ok()?, member, at)))
}

/// Accounts after one.
pub fn accounts(state: &State, after: Option<&str>, limit: usize, at: Millis) -> Page<AccountView> {
    let page = mana::page(state, after, limit.saturating_add(1));
    Page::of(page, limit, |name, account| Some(AccountView::new(state, name.parse().ok()?, account, at)))
}

/// Holds after an id.
pub fn holds(state: &State, after: Option<&str>, limit: usize) -> Page<HoldView> {
    let page = mana::page_of_holds(state, after, limit.saturating_add(1));
    Page::of(page, limit, |id, hold| Some(HoldView { id, hold }))
}

/// Proposals after an id.
pub fn proposals(state: &State, after: Option<&str>, limit: usize) -> Page<ProposalView> {
    let page = governance::page(state, after, limit.saturating_add(1));
    Page::of(page, limit, |id, proposal| Some(ProposalView { id, proposal }))
}

/// Ballots on a proposal after that of a voter.
pub fn ballots(state: &State, proposal: Id, after: Option<&str>, limit: usize) -> Page<BallotView> {
    let page = governance::page_of_ballots(state, proposal, after, limit.saturating_add(1));
    Page::of(page, limit, |voter, ballot| Some(BallotView { voter, ballot }))
}

/// Jobs after an id.
pub fn jobs(state: &State, after: Option<&str>, limit: usize) -> Page<JobView> {
    let page = jobs::page(state, after, limit.saturating_add(1));
    Page::of(page, limit, |id, job| Some(JobView { id, job, progress: Vec::new() }))
}
