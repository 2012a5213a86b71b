//! An executor: follows the commons of its node for one member, bids for jobs that it is fit for, runs those that it was awarded,
//! and sends receipts.
//!
//! Invariant: all that it knows is in two chains, the commons' and the job's own, and each step is taken from what is
//! committed there. So it goes on after a crash at any point: a job has one chain of each executor, found by its name, with one
//! entry for each input; a receipt is sent until the commons has it, which takes it once.
//!
//! [`plan`] says what is next for a job, [`run`] runs one, [`course`] says how far it has come, [`fit`] whether it can be run;
//! [`Executors`] are those of a node, one for each of several members. What a run writes meanwhile, [`crate::live`] keeps.
//! Deliberately absent: payment and reputation, which the commons does by itself.

pub mod bundle;
pub mod course;
pub mod fit;
mod notice;
pub mod plan;
pub mod run;
mod several;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use troupe_chain::Sender as From;
use troupe_commons::jobs::{self, Job};
use troupe_commons::{Act, Command, Id, Millis, State, members};
use troupe_identity::Signer;
use troupe_runtime::{Actor, SendError};

use crate::commons::Committed;
use crate::host::Host;
use notice::Notice;
use plan::{Next, next, room};
use run::Ran;

pub use fit::{ExecutorConfig, Unfit};
pub use notice::Told;
pub use several::{Counts, Executors, NotBegun, Tell, Watched};

/// How often it looks, if nothing wakes it.
const LOOK: Millis = 200;
/// How long it takes at most to begin a job that it was awarded, as its bids say: by then it has looked.
const LATENCY: Millis = LOOK;
/// For how long a command that it signs counts.
const VALID_MS: u64 = 60_000;
/// How long it leaves a job alone after something about it was refused.
const PAUSE_MS: u64 = 2_000;
/// Jobs that it remembers to leave alone; with more, all are looked at again.
const MAX_LEFT_ALONE: usize = 10_000;

/// An executor at work, until it is stopped or dropped.
pub struct Executing {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Executing {
    /// Puts an executor to work on a node, with the key of a member of its commons.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn begin(
        host: Host,
        signer: Box<dyn Signer>,
        config: ExecutorConfig,
        tell: Tell,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Counts::new(signer.did().clone()));
        let (done, runs) = channel();
        let mut executor = Executor {
            host,
            signer,
            config: Arc::new(config),
            tell: Notice::new(tell, Arc::clone(&counts.told)),
            counts: Arc::clone(&counts),
            stop: Arc::clone(&stop),
            done,
            runs,
            live: BTreeSet::new(),
            seen: None,
            running: BTreeSet::new(),
            results: BTreeMap::new(),
            bid: BTreeMap::new(),
            left_alone: BTreeMap::new(),
        };
        let thread =
            std::thread::Builder::new().name("troupe-executor".into()).spawn(move || executor.work())?;
        Ok(Self { stop, counts, thread: Some(thread) })
    }

    /// What it did since it began.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Has it stop, without waiting for that.
    fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        self.stop();
        // Runs that are under way end after the input that they are at, and go on at the next start.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Executor {
    host: Host,
    signer: Box<dyn Signer>,
    config: Arc<ExecutorConfig>,
    tell: Notice,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    done: Sender<(Id, Ran)>,
    runs: Receiver<(Id, Ran)>,
    /// Jobs that something is still to come of.
    live: BTreeSet<Id>,
    /// The state that they were last looked for in.
    seen: Option<State>,
    running: BTreeSet<Id>,
    /// What runs came to, until the commons has it.
    results: BTreeMap<Id, Ran>,
    /// Jobs that it bid for, and how often they had been tried by then: it bids once each time that a job is open.
    bid: BTreeMap<Id, usize>,
    /// Until when jobs are left alone.
    left_alone: BTreeMap<Id, u64>,
}

impl Executor {
    fn work(&mut self) {
        while !self.stop.load(Ordering::Acquire) {
            match self.runs.recv_timeout(Duration::from_millis(LOOK)) {
                Ok((job, ran)) => self.take(job, ran),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok((job, ran)) = self.runs.try_recv() {
                self.take(job, ran);
            }
            self.look();
        }
    }

    fn take(&mut self, job: Id, ran: Ran) {
        self.running.remove(&job);
        self.counts.running.store(self.running.len() as u64, Ordering::Relaxed);
        match &ran {
            Ran::Came(_) => {
                self.counts.ran.fetch_add(1, Ordering::Relaxed);
                self.tell.over(job);
            }
            Ran::GaveUp(why, _) => self.tell.about(job, format_args!("given back: {why}")),
            Ran::Later(why) => {
                self.tell.about(job, format_args!("not run yet: {why}"));
                let now = self.host.actors.options().clock.now().0;
                self.leave_alone(job, now + PAUSE_MS);
                return;
            }
        }
        // A job that ended meanwhile needs no result, and nothing would remove it any more.
        if self.live.contains(&job) {
            self.results.insert(job, ran);
        }
    }

    /// Looks at every job that something is to come of, and does the next thing for each.
    fn look(&mut self) {
        let Some((commons, committed)) = self.commons() else { return };
        let state = &committed.state;
        self.find_jobs(state);
        let me = match several::member_of(state, self.signer.did()) {
            Ok(me) => me,
            Err(why) => {
                self.tell.once(format!("{why}: nothing is executed"));
                return;
            }
        };
        let now = self.host.actors.options().clock.now().0.max(committed.view.tip.at.0);
        self.left_alone.retain(|_, until| *until > now);
        let live = self.live.iter().filter_map(|id| jobs::job(state, *id));
        let mut room = room(self.config.capacity, live, me, now);
        for id in self.live.clone() {
            if self.left_alone.contains_key(&id) || self.running.contains(&id) {
                continue;
            }
            let Some(job) = jobs::job(state, id) else { continue };
            self.step(&commons, (id, &job), me, now, &mut room);
        }
    }

    fn commons(&mut self) -> Option<(Actor, Committed)> {
        let commons = match self.host.commons() {
            Ok(Some(commons)) => commons,
            Ok(None) => {
                self.tell.once("the node has no commons: nothing is executed".to_owned());
                return None;
            }
            Err(error) => {
                self.tell.once(format!("the commons cannot be found: {error}"));
                return None;
            }
        };
        let committed = match commons.view() {
            Ok(view) => Committed::of(view),
            Err(error) => {
                self.tell.once(format!("the commons cannot be read: {error}"));
                return None;
            }
        };
        if committed.is_none() {
            self.tell.once("the state of the commons is not at hand: nothing is executed".to_owned());
        }
        Some((commons, committed?))
    }

    /// Brings the list of live jobs up to a state, by what has changed.
    fn find_jobs(&mut self, state: &State) {
        const SECTION: &[u8] = b"job/";
        let changed: Vec<Id> = match &self.seen {
            Some(seen) => {
                state.map().since(seen.map()).into_iter().filter_map(|(key, _)| id_of(key)).collect()
            }
            None => state.map().iter().filter_map(|(key, _)| id_of(key)).collect(),
        };
        fn id_of(key: &[u8]) -> Option<Id> {
            std::str::from_utf8(key.strip_prefix(SECTION)?).ok()?.parse().ok()
        }
        for id in changed {
            if jobs::job(state, id).is_some_and(|job| job.phase.is_live()) {
                self.live.insert(id);
            } else {
                self.live.remove(&id);
                self.bid.remove(&id);
                self.results.remove(&id);
            }
        }
        self.seen = Some(state.clone());
    }

    fn step(&mut self, commons: &Actor, (id, job): (Id, &Job), me: Id, now: u64, room: &mut usize) {
        let known = self.results.get(&id);
        let step = next(job, me, now, known);
        match step {
            Next::Nothing => {}
            Next::Bid if *room == 0 || self.bid.get(&id) == Some(&job.tried.len()) => {}
            Next::Bid => match fit::offer(&self.host, &self.config, (id, job)) {
                Ok(offer) => {
                    *room -= 1;
                    if self.act(commons, id, now, Act::Bid(offer)) {
                        self.counts.bids.fetch_add(1, Ordering::Relaxed);
                        // Whether it was among the best shows when it is awarded; a second bid would not differ.
                        self.bid.insert(id, job.tried.len());
                        self.tell.over(id);
                    }
                }
                Err(why) => {
                    self.tell.about(id, format_args!("no bid: {why}"));
                    // What is missing may still come.
                    self.leave_alone(id, if why.may_change() { now + PAUSE_MS } else { job.spec.deadline });
                }
            },
            Next::Run => self.run(id, job, me),
            Next::Commit(result) => {
                let salt = self.salt(id);
                let Some(salt) = salt else { return };
                let digest = jobs::commitment(me, id, &result, salt);
                self.act(commons, id, now, Act::Commit { digest, job: id });
            }
            Next::Show(result) => {
                let salt = match job.spec.replicas {
                    1 => None,
                    _ => self.salt(id),
                };
                if self.act(commons, id, now, Act::Receipt { job: id, result, salt }) {
                    self.counts.receipts.fetch_add(1, Ordering::Relaxed);
                    self.results.remove(&id);
                }
            }
            // That it gave the job back is remembered, so that it does not bid again.
            Next::Abandon(fault) => {
                if self.act(commons, id, now, Act::Abandon { fault, job: id }) {
                    self.counts.abandoned.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Runs a job on a thread of its own, if there is room.
    fn run(&mut self, id: Id, job: &Job, me: Id) {
        if self.running.len() >= self.config.capacity {
            return;
        }
        let award = run::Award { job: id, executor: me, spec: job.spec.clone(), tried: job.tried.clone() };
        let (host, done, stop) = (self.host.clone(), self.done.clone(), Arc::clone(&self.stop));
        let run = move || {
            let ran = run::run(&host, &award, &stop);
            // Nobody listens once the node stops.
            let _ = done.send((id, ran));
        };
        match std::thread::Builder::new().name("troupe-job".into()).spawn(run) {
            Ok(_) => {
                self.running.insert(id);
                self.counts.running.store(self.running.len() as u64, Ordering::Relaxed);
            }
            Err(error) => self.tell.about(id, format_args!("no thread to run it: {error}")),
        }
    }

    /// What hides a result until all have committed: only this key can make it, and it is the same after a crash.
    fn salt(&mut self, job: Id) -> Option<Id> {
        match self.signer.sign(format!("troupe.job-salt/v1\n{job}\n").as_bytes()) {
            Ok(signature) => Some(Id(troupe_chain::Hash::of(&signature))),
            Err(error) => {
                self.tell.about(job, format_args!("{error}"));
                None
            }
        }
    }

    /// Signs a command and sends it; whether it was taken.
    fn act(&mut self, commons: &Actor, id: Id, now: u64, act: Act) -> bool {
        let what = name_of(&act);
        match self.send(commons, now, act) {
            Ok(()) => true,
            Err(why) => {
                self.tell.about(id, format_args!("{what}: {why}"));
                self.leave_alone(id, now + PAUSE_MS);
                false
            }
        }
    }

    fn send(&self, commons: &Actor, now: u64, act: Act) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let view = commons.view().map_err(|error| text(&error))?;
        let committed = Committed::of(view).ok_or("the state of the commons is not at hand")?;
        let did = self.signer.did();
        let me = members::of_key(&committed.state, &did.to_string()).ok_or("the key is nobody's")?;
        let member = members::member(&committed.state, me).ok_or("the member is gone")?;
        let command = Command::new(did, commons.id(), member.number + 1, now + VALID_MS, act);
        let signature = self.signer.sign(&command.text()).map_err(|error| text(&error))?;
        let message = Bytes::from(command.signed(signature).to_bytes());
        match commons.send_blocking(From::Http { key: None }, message) {
            Ok(_) => Ok(()),
            Err(SendError::Rejected(rejection)) => Err(rejection.reason),
            Err(error) => Err(error.to_string()),
        }
    }

    fn leave_alone(&mut self, id: Id, until: u64) {
        if self.left_alone.len() >= MAX_LEFT_ALONE {
            self.left_alone.clear();
        }
        self.left_alone.insert(id, until);
    }
}

fn name_of(act: &Act) -> &'static str {
    match act {
        Act::Bid(_) => "bid",
        Act::Commit { .. } => "commitment",
        Act::Receipt { .. } => "receipt",
        Act::Abandon { .. } => "giving it back",
        _ => "command",
    }
}
