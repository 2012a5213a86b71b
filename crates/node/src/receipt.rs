//! A receipt of a job as a file: what an executor signed, and what it is about; and what it takes to believe it.
//!
//! Invariant: a receipt that [`Receipt::check_signed`] and [`Receipt::check_run`] find nothing wrong with, of a chain that
//! was replayed, says what anybody who runs the job gets.

use serde::{Deserialize, Serialize};
use troupe_chain::{Code, Genesis};
use troupe_commons::jobs::{JobResult, JobSpec};
use troupe_commons::{Act, Id, Signed};

use crate::executor::course::Course;
use crate::executor::{fit, run};

/// The version.
pub const VERSION: u64 = 1;
/// The most bytes of a receipt's file.
pub const MAX_BYTES: usize = 256 << 10;

/// A receipt with what it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The chain of the commons.
    pub commons: Id,
    /// The member who ran the job.
    pub executor: Id,
    /// The job.
    pub job: Id,
    /// The command with the result, as the executor signed it.
    pub signed: Signed,
    /// What was to be run.
    pub spec: JobSpec,
    /// The version, 1.
    pub v: u64,
}

/// What is wrong with a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

fn wrong<T>(what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(what.into()))
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, says: T, is: T) -> Result<(), Wrong> {
    if says == is { Ok(()) } else { wrong(format!("{what}: the receipt says {says}, the run has {is}")) }
}

impl Receipt {
    /// Whether these bytes may be meant as a receipt.
    pub fn is_meant(bytes: &[u8]) -> bool {
        bytes.len() <= MAX_BYTES && bytes.starts_with(b"{\"commons\":")
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`Wrong`] if they are not a receipt's.
    pub fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let receipt: Self = match serde_json::from_slice(bytes) {
            Ok(receipt) => receipt,
            Err(error) => return wrong(format!("it is no receipt: {error}")),
        };
        if receipt.v == VERSION { Ok(receipt) } else { wrong(format!("it is of version {}", receipt.v)) }
    }

    /// The result that the executor signed.
    ///
    /// # Errors
    /// [`Wrong`] if the signature does not hold, or it is over something else.
    pub fn check_signed(&self) -> Result<&JobResult, Wrong> {
        if !self.signed.is_signed() {
            return wrong(format!("the signature is not that of {}", self.signed.command.by));
        }
        let command = &self.signed.command;
        match &command.act {
            Act::Receipt { job, result, .. } if *job == self.job && command.chain == self.commons => {
                Ok(result)
            }
            _ => wrong("what was signed is not a receipt of this job"),
        }
    }

    /// Compares what was signed with the run, all of whose chains somebody replayed, each up to what is told of it here.
    ///
    /// # Errors
    /// [`Wrong`] with the first difference.
    pub fn check_run(&self, course: &Course) -> Result<(), Wrong> {
        let result = self.check_signed()?;
        for part in &course.parts {
            self.check_rules(&part.genesis)?;
        }
        let (Some(first), Some(last)) = (course.parts.first(), course.parts.last()) else {
            return wrong("the run has no chain");
        };
        if last.genesis.nonce != run::nonce(self.job, self.executor) {
            return wrong("the run was made for another job, or by another executor");
        }
        if first.genesis.fork.map(|fork| Id(fork.entry)) != self.spec.resume {
            return wrong("the run goes on from another entry than the job says");
        }
        for (before, part) in course.parts.iter().zip(course.parts.iter().skip(1)) {
            let after = before.handled.last().and_then(|handled| handled.fork());
            if part.genesis.fork != after {
                return wrong("the run goes on from where another's run did not come");
            }
        }
        course.check_inputs(&self.spec).map_err(|unclear| Wrong(unclear.to_string()))?;
        let Some(found) = course.result(&self.spec) else {
            return wrong(format!("the run has {} of {} inputs", course.done(), self.spec.inputs.len()));
        };
        same("chain", result.chain, found.chain)?;
        same("entry", result.entry, found.entry)?;
        same("size", result.size, found.size)?;
        same("fuel", result.fuel, found.fuel)?;
        let from = |result: &JobResult| {
            result.from.map_or("no run before it".to_owned(), |from| format!("the entry {from}"))
        };
        same("going on", from(result), from(&found))?;
        let shown = |result: &JobResult| match (&result.error, result.output) {
            (Some(error), _) => format!("the failure {error}"),
            (None, Some(output)) => format!("the output {output}"),
            (None, None) => "nothing".to_owned(),
        };
        same("result", shown(result), shown(&found))
    }

    /// What every chain of the run must begin with.
    fn check_rules(&self, genesis: &Genesis) -> Result<(), Wrong> {
        let Code::Component(code) = &genesis.code else { return wrong("the run is of no component") };
        same("component", self.spec.component.0, *code)?;
        let limits = fit::limits_of(&self.spec).map_err(|error| Wrong(error.to_string()))?;
        if genesis.limits != limits.to_entry() {
            return wrong("the run has other limits than the job");
        }
        if !genesis.grants.is_empty() || genesis.config.is_some() {
            return wrong("the run was granted something, or configured");
        }
        Ok(())
    }
}
