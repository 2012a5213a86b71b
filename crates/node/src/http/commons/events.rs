//! `GET /commons/jobs/{job}/events`: what becomes of a job, as server-sent events.
//!
//! A stream first says how the job stands: its phase, how far each run has come, what came of each input. Then it says what
//! is new, until the job has ended. It is woken by entries of the commons and of the runs, by lines that a run writes, and by
//! what the executor says; nothing is asked for again and again.
//!
//! Invariant: the job waits for nobody. All but `line` events is of committed entries; the lines of an entry come before its
//! output, a phase that a run is in before what the run does, and one that a run led to after it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use troupe_commons::Id;
use troupe_commons::jobs::{self, Job, JobSpec, Phase};
use troupe_component::Stream;
use troupe_runtime::{Actor, Watch};

use super::read::{id, missing};
use super::running::{News, Run};
use super::{find, not_at_hand};
use crate::commons::{Committed, JobPhase};
use crate::http::problem::Refusal;
use crate::http::read::{Answer, Key, key};
use crate::http::server::Serving;
use crate::http::site::{Site, view};
use crate::http::sse;
use crate::live::{Line, Lines, Read};

/// Why a stream breaks off at the end of the server.
const STOPPING: &str = "the node is stopping";
/// The id of the last event: a reader that says it has had it is told that there is no more.
const END: &str = "end";

pub(super) async fn events(State(site): State<Arc<Site>>, path: Key, request: Request<Body>) -> Answer {
    let name = key(path)?;
    let id = id("job", &name)?;
    let commons = find(&site).await?;
    // Watched first: an entry between the two looks is told of.
    let watch = commons.watch(0);
    let committed = Committed::of(view(&commons).await?).ok_or_else(not_at_hand)?;
    let job = jobs::job(&committed.state, id).ok_or_else(|| missing("job", &name))?;
    if request.headers().get("last-event-id").is_some_and(|last| last == END) {
        return Ok(sse::over());
    }
    let room = site.streams.enter()?;
    let lines = site.host.live.lines(id);
    let notes = site.executors.notes();
    let events = JobEvents {
        id,
        spec: Arc::new(job.spec),
        commons: (commons, watch),
        seen: 0,
        said: None,
        runs: Vec::new(),
        written: lines.watch(),
        lines,
        next_line: 0,
        notes,
        serving: Serving::of(request.extensions()),
        begun: false,
        over: false,
        site,
        _room: room,
    };
    Ok(sse::answer(events))
}

/// What is still to be said to a reader.
struct JobEvents {
    site: Arc<Site>,
    id: Id,
    spec: Arc<JobSpec>,
    commons: (Actor, Watch),
    /// The entry of the commons that was looked at last.
    seen: u64,
    /// What was said last of the phase.
    said: Option<JobPhase>,
    runs: Vec<Run>,
    lines: Arc<Lines>,
    written: watch::Receiver<()>,
    next_line: u64,
    notes: Vec<watch::Receiver<()>>,
    serving: Serving,
    begun: bool,
    over: bool,
    _room: OwnedSemaphorePermit,
}

/// A line, as it is told.
#[derive(Serialize)]
struct LineEvent<'a> {
    executor: Id,
    chain: Id,
    seq: u64,
    n: u64,
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    stream: &'static str,
    line: &'a str,
    committed: bool,
}

/// Lines that a reader was too late for.
#[derive(Serialize)]
struct MissedEvent {
    lines: u64,
}

impl sse::Source for JobEvents {
    async fn next(mut self) -> (Self, Option<Bytes>) {
        if self.over {
            return (self, None);
        }
        let mut heartbeat = false;
        loop {
            // Lines may come as fast as they are read.
            if *self.serving.stopping.borrow() {
                return self.broken(STOPPING);
            }
            match self.look(heartbeat).await {
                Ok(part) if !part.is_empty() => return (self, Some(part.into())),
                Ok(_) if heartbeat => return (self, Some(Bytes::from_static(sse::STILL_HERE))),
                Ok(_) => {}
                Err(refusal) => return self.broken(&refusal.problem().detail),
            }
            let mut serving = self.serving.clone();
            heartbeat = tokio::select! {
                () = serving.stopped() => return self.broken(STOPPING),
                changed = tokio::time::timeout(sse::HEARTBEAT, self.changed()) => changed.is_err(),
            };
        }
    }
}

impl JobEvents {
    fn broken(mut self, reason: &str) -> (Self, Option<Bytes>) {
        self.over = true;
        (self, Some(sse::dropped(reason)))
    }

    /// Waits until something may be new.
    async fn changed(&mut self) {
        type Wait<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
        let mut waits: Vec<Wait<'_>> = vec![Box::pin(self.commons.1.after(self.seen))];
        waits.push(Box::pin(async { self.written.changed().await.is_ok() }));
        for notes in &mut self.notes {
            waits.push(Box::pin(async { notes.changed().await.is_ok() }));
        }
        for run in &mut self.runs {
            waits.push(Box::pin(run.watch.after(run.known)));
        }
        std::future::poll_fn(|context| {
            let mut changed = false;
            // What tells nothing more is not asked again.
            waits.retain_mut(|wait| match wait.as_mut().poll(context) {
                Poll::Ready(told) => {
                    changed |= told;
                    false
                }
                Poll::Pending => true,
            });
            if changed { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// What is new. `all` looks also where nothing was told of.
    async fn look(&mut self, all: bool) -> Result<Vec<u8>, Refusal> {
        let mut part = Vec::new();
        if !self.begun {
            self.begun = true;
            // So that a client whose job does nothing for a while has the head of the answer.
            part.extend_from_slice(b": the job follows\n\n");
        }
        // The order makes that of the events: the commons, then the runs, then what they write.
        self.written.mark_unchanged();
        let phase = self.phase().await?;
        let is_over = !phase.phase.is_live();
        let said = (self.said.as_ref() != Some(&phase)).then(|| phase.clone());
        let begins = matches!(phase.phase, Phase::Open { .. } | Phase::Assigned { .. });
        if let Some(phase) = said.as_ref().filter(|_| begins) {
            sse::event(&mut part, "phase", phase);
        }
        let (mut news, mut new_runs) = (Vec::new(), Vec::new());
        for (n, run) in self.runs.iter_mut().enumerate() {
            let is_new = run.is_new();
            news.extend(run.look(&self.spec, all).await?);
            if is_new && !run.is_new() {
                new_runs.push(n);
            }
        }
        let Read { mut lines, missed, next } = self.lines.read(self.next_line);
        self.next_line = next;
        for run in new_runs.into_iter().filter_map(|n| self.runs.get(n)) {
            lines.splice(..0, run.logged(&self.site.host, &lines));
        }
        if missed > 0 {
            sse::event(&mut part, "missed", &MissedEvent { lines: missed });
        }
        self.tell(&mut part, news, lines);
        if let Some(phase) = said.filter(|_| !begins) {
            if is_over {
                part.extend_from_slice(format!("id: {END}\n").as_bytes());
            }
            sse::event(&mut part, "phase", &phase);
        }
        self.said = Some(phase);
        self.over = is_over;
        Ok(part)
    }

    /// Where the job stands, by the commons; finds its runs.
    async fn phase(&mut self) -> Result<JobPhase, Refusal> {
        self.notes.iter_mut().for_each(watch::Receiver::mark_unchanged);
        let Committed { view, state } =
            Committed::of(view(&self.commons.0).await?).ok_or_else(not_at_hand)?;
        self.seen = view.tip.seq;
        let name = self.id.to_string();
        let job: Job = jobs::job(&state, self.id).ok_or_else(|| missing("job", &name))?;
        let found = Run::find(&self.site.host, self.id, &job, &self.runs).await?;
        self.runs.extend(found);
        let note = self.site.executors.note(self.id);
        let name = job.phase.name().to_owned();
        let (inputs, replicas) = (self.spec.inputs.len(), self.spec.replicas);
        Ok(JobPhase { name, phase: job.phase, tried: job.tried, inputs, replicas, note })
    }

    /// Says what is new of runs, and what they wrote: the lines of an entry before its output.
    fn tell(&self, part: &mut Vec<u8>, news: Vec<News>, lines: Vec<Line>) {
        let mut lines: Vec<Option<Line>> = lines.into_iter().map(Some).collect();
        for News { outputs, progress } in news {
            for output in outputs {
                for slot in &mut lines {
                    if let Some(line) =
                        slot.take_if(|line| output.is_of(&line.chain) && line.seq <= output.seq)
                    {
                        self.tell_line(part, &line);
                    }
                }
                sse::event(part, "output", &output);
            }
            sse::event(part, "progress", &progress);
        }
        lines.iter().flatten().for_each(|line| self.tell_line(part, line));
    }

    fn tell_line(&self, part: &mut Vec<u8>, line: &Line) {
        let (level, stream) = match line.stream {
            Stream::Log(level) => (Some(level.as_str()), "log"),
            Stream::Output => (None, "output"),
        };
        let committed = self.runs.iter().any(|run| run.actor.id() == line.chain && run.known >= line.seq);
        let Line { executor, chain, seq, n, at, .. } = *line;
        let (chain, line) = (Id(chain), &*line.text);
        sse::event(part, "line", &LineEvent { executor, chain, seq, n, at, level, stream, line, committed });
    }
}
