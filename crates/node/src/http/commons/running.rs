//! The runs of a job on this node, as far as a reader was told of them.
//!
//! Invariant: what is told of a run is what its chain has committed. An output is told once, of the chain that has its entry; so
//! are the lines of entries that were there before the reader came, as far as the node still has them in its log.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use troupe_chain::{Cid, Hash, RedactionKind};
use troupe_commons::Id;
use troupe_commons::jobs::{Job, JobSpec};
use troupe_component::Stream;
use troupe_runtime::{Actor, Watch, redaction_of};

use crate::executor::course::{Came, Course, Handled};
use crate::executor::run;
use crate::host::Host;
use crate::http::problem::Refusal;
use crate::http::site::blocking;
use crate::live::{Line, MAX_BYTES};
use crate::logs::LoggedLine;

/// The most bytes of an output that are told as they are; a larger one is told by its CID.
pub(super) const MAX_OUTPUT: usize = 8 << 10;

/// The most lines of entries that were there before that are told of a run, of [`MAX_BYTES`] together.
const MAX_LOGGED: usize = 1000;

/// An executor's run.
pub(super) struct Run {
    pub(super) executor: Id,
    pub(super) actor: Actor,
    pub(super) watch: Watch,
    /// The last entry that was looked at.
    pub(super) known: u64,
    /// How many inputs were told to be handled; `None` before anything was told.
    told: Option<usize>,
}

/// How far a run has come.
#[derive(Debug, Serialize)]
pub(super) struct ProgressEvent {
    executor: Id,
    chain: Id,
    done: usize,
    of: usize,
}

/// What came of an input.
#[derive(Debug, Serialize)]
pub(super) struct OutputEvent {
    executor: Id,
    chain: Id,
    pub(super) seq: u64,
    input: usize,
    of: usize,
    fuel: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl OutputEvent {
    /// Whether it is of this chain.
    pub(super) fn is_of(&self, chain: &Hash) -> bool {
        self.chain.0 == *chain
    }
}

/// What is new of a run.
pub(super) struct News {
    pub(super) outputs: Vec<OutputEvent>,
    pub(super) progress: ProgressEvent,
}

impl Run {
    /// The runs that there are on this node of those that had a job, and that are not among those that are known.
    pub(super) async fn find(host: &Host, id: Id, job: &Job, known: &[Self]) -> Result<Vec<Self>, Refusal> {
        let mut executors = run::executors(job);
        executors.retain(|executor| known.iter().all(|run| run.executor != *executor));
        if executors.is_empty() {
            return Ok(Vec::new());
        }
        let host = host.clone();
        let find = move || {
            let found = executors.into_iter().filter_map(|executor| {
                let actor = host.actors.find(&run::name(id, executor)).ok()?;
                Some(Self { executor, watch: actor.watch(0), actor, known: 0, told: None })
            });
            Ok::<_, Refusal>(found.collect())
        };
        blocking(find).await
    }

    /// What is new, if anything is. `all` looks also where nothing was told of.
    pub(super) async fn look(&mut self, spec: &Arc<JobSpec>, all: bool) -> Result<Option<News>, Refusal> {
        if !all && self.told.is_some() && self.watch.seq() <= self.known {
            return Ok(None);
        }
        let (actor, spec, executor) = (self.actor.clone(), Arc::clone(spec), self.executor);
        let (known, told) = (self.told.map(|_| self.known), self.told.unwrap_or(0));
        let look = move || read(&actor, &spec, executor, known, told);
        let Some(Look { last, news }) = blocking(look).await? else { return Ok(None) };
        self.known = last;
        let news = news.filter(|news| self.told != Some(news.progress.done));
        self.told = news.as_ref().map(|news| news.progress.done).or(self.told);
        Ok(news)
    }
}

impl Run {
    /// Whether nothing was told of it yet.
    pub(super) fn is_new(&self) -> bool {
        self.told.is_none()
    }

    /// The last lines in the node's log of committed entries before those whose lines are `kept` as they were written.
    pub(super) fn logged(&self, host: &Host, kept: &[Line]) -> Vec<Line> {
        let (executor, chain, mut bytes) = (self.executor, self.actor.id(), 0);
        let before = kept.iter().find(|line| line.chain == chain).map_or(u64::MAX, |line| line.seq);
        let lines = host.logs.read(&chain, None, MAX_LOGGED);
        let lines = lines.into_iter().filter(|line| line.seq <= self.known && line.seq < before);
        let last = lines.rev().take_while(|line| {
            bytes += line.line.len();
            bytes <= MAX_BYTES
        });
        let mut last: Vec<_> = last.collect();
        last.reverse();
        let (mut seq, mut n) = (0, 0);
        let line = |LoggedLine { seq: of, at, level, line, .. }: LoggedLine| {
            n = if of == seq { n + 1 } else { 1 };
            seq = of;
            Line { executor, chain, seq, n, at, stream: Stream::Log(level), text: line }
        };
        last.into_iter().map(line).collect()
    }
}

/// A look at a chain.
struct Look {
    /// Its end.
    last: u64,
    /// How far the run has come; `None` if what is there is no run of the job.
    news: Option<News>,
}

/// Looks at a chain, if it has grown, for what is new after the inputs that were told.
fn read(
    actor: &Actor,
    spec: &JobSpec,
    executor: Id,
    known: Option<u64>,
    told: usize,
) -> Result<Option<Look>, Refusal> {
    let (chain, of) = (actor.id(), spec.inputs.len());
    let Some(head) = actor.store().head(&chain)?.filter(|head| known != Some(head.seq)) else {
        return Ok(None);
    };
    let last = head.seq;
    let Ok(course) = Course::of_store(&**actor.store(), &chain, last, spec) else {
        return Ok(Some(Look { last, news: None }));
    };
    let done = course.done();
    // What it went on from is told of the chain that has it.
    let new = course.handled().enumerate().skip(told).filter(|(_, handled)| handled.chain == chain);
    let outputs =
        new.map(|(n, handled)| output(actor, executor, (n + 1, of), handled)).collect::<Result<_, _>>()?;
    let progress = ProgressEvent { executor, chain: Id(chain), done, of };
    Ok(Some(Look { last, news: Some(News { outputs, progress }) }))
}

fn output(
    actor: &Actor,
    executor: Id,
    (input, of): (usize, usize),
    handled: &Handled,
) -> Result<OutputEvent, Refusal> {
    let (chain, seq, fuel) = (Id(handled.chain), handled.seq, handled.fuel);
    let (failure, output) = match handled.came {
        Came::Failure(code) => (Some(code.to_string()), None),
        Came::Output { output, .. } => (None, Some(output)),
    };
    let found = output.map(|name| open(actor, &name)).transpose()?.flatten();
    let bytes = found.as_ref().map(Vec::len);
    let (text, base64) = match found.filter(|found| found.len() <= MAX_OUTPUT).map(String::from_utf8) {
        Some(Ok(text)) => (Some(text), None),
        Some(Err(error)) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
        None => (None, None),
    };
    let output = output.map(|name| Cid(name).to_string());
    Ok(OutputEvent { executor, chain, seq, input, of, fuel, failure, output, bytes, text, base64 })
}

/// The bytes of an output; `None` if they are gone, or withheld from some.
fn open(actor: &Actor, name: &Hash) -> Result<Option<Vec<u8>>, Refusal> {
    let (store, chain) = (actor.store(), actor.id());
    if *name == Hash::of(b"") {
        return Ok(Some(Vec::new()));
    }
    let redaction = redaction_of(&**store, &chain, name)?;
    if redaction.is_some_and(|redaction| redaction.kind == RedactionKind::Withheld) {
        return Ok(None);
    }
    Ok(store.blob(&chain, name)?.map(|bytes| bytes.to_vec()))
}
