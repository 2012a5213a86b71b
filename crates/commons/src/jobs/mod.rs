//! Jobs: from submission over bids and receipts to payment. Executing them is not done here.
//!
//! A job is in one [`Phase`], and each step takes the phase that it may be taken in, so that no other can be written.
//! Invariant: while a job is in a phase that [`Phase::is_live`], and only then, there is one hold for it, of its price for
//! each replica, whose arbiter is the job.

mod bids;
mod end;
mod run;
mod submit;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bids::{Entrant, MAX_LATENCY, Offer};
pub(crate) use bids::{award, bid};
pub(crate) use end::{accept, cancel, dispute, expire, rule, settle};
pub use run::{Fault, commitment};
pub(crate) use run::{abandon, commit, receipt};
pub(crate) use submit::{set_banned, submit};

use crate::canonical::Id;
use crate::mana::{self, Hold, Owner};
use crate::members;
use crate::refusal::{Code, Refusal, refuse};
use crate::state::{Mana, Millis, Record, State};
use crate::trust::Scope;

/// The most jobs of one submission.
pub const MAX_BATCH: usize = 16;
/// The most inputs of one job.
pub const MAX_INPUTS: usize = 64;
/// How often a job may be awarded, until one executor has finished it.
pub const MAX_TRIES: usize = 8;
/// The most executors of one job.
pub const MAX_REPLICAS: u64 = 7;
/// The most capabilities and limits that a job may name.
pub const MAX_NAMED: usize = 32;
/// How far ahead a deadline may be.
pub const MAX_DEADLINE: Millis = 366 * 86_400_000;

/// What is to be run, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// A chain that has the entry `resume`, as a blob in the form of an export, for an executor who does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Id>,
    /// What an executor must offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The component or core module, a blob.
    pub component: Id,
    /// When the receipt must be there.
    pub deadline: Millis,
    /// The inputs, each a blob and a message of its own, in the order in which the run takes them.
    pub inputs: Vec<Id>,
    /// The limits of the run by name, each for one input; `fuel` is one of them.
    pub limits: BTreeMap<String, u64>,
    /// The most that one executor gets, for all of the fuel.
    pub price: Mana,
    /// How many executors must come to the same.
    pub quorum: u64,
    /// How many executors run it.
    pub replicas: u64,
    /// The least reputation of an executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reputation: Option<u64>,
    /// The entry of an earlier run after which this one goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Id>,
    /// How far the submitter must trust an executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// How long the executor has from the award on, before another may get the job; until the deadline if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Millis>,
}

impl JobSpec {
    /// The most fuel that all inputs may use together.
    pub fn fuel(&self) -> u64 {
        let one = self.limits.get("fuel").copied().unwrap_or_default();
        one.saturating_mul(self.inputs.len() as u64)
    }
}

/// What a run came to: the last entry of its chain, and what is compared among replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobResult {
    /// The chain that the job ran on.
    pub chain: Id,
    /// Its last entry.
    pub entry: Id,
    /// Why it failed, if it did: a failure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The entry of another executor's run of the job that this one went on from, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Id>,
    /// The fuel that all inputs used, those before `from` among them.
    pub fuel: u64,
    /// What came out of the last input, a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Id>,
    /// How many entries the chain has.
    pub size: u64,
}

impl JobResult {
    /// What replicas must agree in: error, fuel and output. Their chains differ in time.
    pub fn digest(&self) -> Id {
        #[derive(Serialize)]
        struct Compared<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a str>,
            fuel: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            output: Option<Id>,
        }
        Id::of(&Compared { error: self.error.as_deref(), fuel: self.fuel, output: self.output })
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// When bids end and the job may be awarded.
    pub closes: Millis,
    /// Where it stands.
    pub phase: Phase,
    /// Until when results are taken: the deadline, or the end of the executor's term; with replicas, as long after the deadline
    /// as the challenge window was.
    pub shown: Millis,
    /// What is to be run.
    pub spec: JobSpec,
    /// Who pays.
    pub submitter: Id,
    /// To whom it was awarded before and who did not finish it, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Id>,
}

impl Record for Job {
    const SECTION: &'static str = "job";
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Bids are taken; the best are kept.
    Open {
        /// The best bids, from the best on, no more than there are replicas.
        bids: Vec<Entrant>,
    },
    /// It was awarded, and receipts are waited for.
    Assigned {
        /// One for each replica.
        slots: Vec<Slot>,
    },
    /// Enough executors agree; the submitter may object.
    Executed {
        /// What they agree in.
        digest: Id,
        /// One for each replica.
        slots: Vec<Slot>,
        /// Until when the submitter may object.
        until: Millis,
    },
    /// The submitter objects, or executors do not agree; a ruling is waited for.
    Disputed {
        /// One for each replica.
        slots: Vec<Slot>,
        /// When the submitter is refunded if there is none.
        until: Millis,
    },
    /// It was paid.
    Settled {
        /// What was held to be right.
        digest: Id,
        /// How much went to executors.
        paid: Mana,
        /// One for each replica.
        slots: Vec<Slot>,
    },
    /// It was taken back by its submitter, who was refunded.
    Cancelled {},
    /// Its time went by, and its submitter was refunded.
    Expired {},
}

impl Phase {
    /// Every phase as written.
    pub const NAMES: [&str; 7] =
        ["assigned", "cancelled", "disputed", "executed", "expired", "open", "settled"];

    /// Whether something is still to come, and its mana is held.
    pub fn is_live(&self) -> bool {
        matches!(
            self,
            Self::Open { .. } | Self::Assigned { .. } | Self::Executed { .. } | Self::Disputed { .. }
        )
    }

    /// Who has the job, or had it when it ended.
    pub fn slots(&self) -> &[Slot] {
        match self {
            Self::Assigned { slots }
            | Self::Executed { slots, .. }
            | Self::Disputed { slots, .. }
            | Self::Settled { slots, .. } => slots,
            Self::Open { .. } | Self::Cancelled {} | Self::Expired {} => &[],
        }
    }

    /// The phase as written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Assigned { .. } => "assigned",
            Self::Executed { .. } => "executed",
            Self::Disputed { .. } => "disputed",
            Self::Settled { .. } => "settled",
            Self::Cancelled {} => "cancelled",
            Self::Expired {} => "expired",
        }
    }
}

/// An executor's part in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When it was given back, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned: Option<Millis>,
    /// What it is bound to, before it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Id>,
    /// Who runs it.
    pub executor: Id,
    /// What all of the fuel would cost.
    pub price: Mana,
    /// What the run came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JobResult>,
}

/// How many live jobs a member has.
#[derive(Default, Serialize, Deserialize)]
struct Load {
    open: u64,
}

impl Record for Load {
    const SECTION: &'static str = "load";
}

/// A job.
pub fn job(state: &State, id: Id) -> Option<Job> {
    state.get(id)
}

/// Every job with its id.
pub fn jobs(state: &State) -> Vec<(String, Job)> {
    state.all()
}

/// The first jobs after an id, in the order of their ids.
pub fn page(state: &State, after: Option<&str>, limit: usize) -> Vec<(String, Job)> {
    state.page("", after, limit)
}

fn find(state: &State, id: Id) -> Result<Job, Refusal> {
    state.get(id).ok_or_else(|| Refusal { code: Code::NotFound, what: format!("there is no job {id}") })
}

fn wrong_phase<T>(phase: &Phase) -> Result<T, Refusal> {
    refuse(Code::Phase, format!("the job is {}", phase.name()))
}

/// Puts a job into a phase in which nothing is to come.
fn finish(state: &mut State, id: Id, job: &Job) {
    let mut load: Load = state.get(job.submitter).unwrap_or_default();
    load.open = load.open.saturating_sub(1);
    state.put(job.submitter, &load);
    state.put(id, job);
}

/// Checks what the module promises of all jobs, for tests and simulations.
///
/// # Errors
/// What does not hold.
pub fn check_invariants(state: &State) -> Result<(), String> {
    let holds: BTreeMap<String, Hold> = state.all::<Hold>().into_iter().collect();
    let escrow = mana::account(state, Owner::Escrow, 0).balance;
    let sum: Mana = holds.values().map(|hold| hold.amount).sum();
    if escrow != sum {
        return Err(format!("escrow has {escrow} mana, and holds have {sum}"));
    }
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    for (id, job) in jobs(state) {
        let held = holds.get(&id).map(|hold| hold.amount);
        let expected = job.phase.is_live().then(|| job.spec.price * job.spec.replicas);
        if held != expected {
            return Err(format!("job {id} is {}, and {held:?} is held for it", job.phase.name()));
        }
        if job.tried.len() >= MAX_TRIES {
            return Err(format!("job {id} was awarded {} times in vain", job.tried.len()));
        }
        *open.entry(job.submitter.to_string()).or_default() += u64::from(job.phase.is_live());
    }
    for (member, Load { open: said }) in state.all::<Load>() {
        let counted = open.get(&member).copied().unwrap_or_default();
        if said != counted {
            return Err(format!("member {member} has {counted} live jobs, and {said} are counted"));
        }
    }
    match members::members(state)
        .iter()
        .filter(|(_, member)| member.status == members::Status::Active)
        .count()
    {
        active if active as u64 == members::active_members(state) => Ok(()),
        active => Err(format!("{active} members are active, and another number is counted")),
    }
}
