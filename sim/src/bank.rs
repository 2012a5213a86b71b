//! The course of a simulation: what comes from outside, who is served, how time goes on, and when the node crashes.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use troupe_chain::{Code, Genesis, Hash, Sender, Supervision, Text, Timestamp};
use troupe_runtime::{Actors, Answer, ManualClock, NewActor, Options, SeededEntropy, SendError};
use troupe_store::Store;
use troupe_store::faulty::{Fault, SimDisk, Survivors};

use crate::account::Bank;
use crate::check;
use crate::random::Random;

/// What a seed came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// A name for all chains as they are at the end.
    pub chains: Hash,
    /// Payments that were taken.
    pub taken: u64,
    /// Payments that came back.
    pub returned: u64,
    /// How often the node crashed.
    pub crashes: u64,
    /// How often an actor was served.
    pub steps: u64,
}

/// A message from outside that is not answered yet.
struct Asking {
    to: String,
    key: Hash,
    message: Bytes,
    answer: Waiting,
}

/// An answer that is waited for.
type Waiting = Pin<Box<dyn Future<Output = Result<Answer, SendError>>>>;

struct Simulation {
    random: Random,
    clock: Arc<ManualClock>,
    bank: Bank,
    disk: SimDisk,
    store: Arc<dyn Store>,
    actors: Actors,
    options: Options,
    names: Vec<String>,
    asking: Vec<Asking>,
    /// What was answered: the entry that must be there at the end.
    told: Vec<(Hash, u64, Hash)>,
    /// The operation at which the disk is no more.
    doomed: u64,
    crashes: u64,
    steps: u64,
}

/// Money that each account begins with.
const MONEY: u64 = 100;

/// Simulates a bank.
///
/// # Errors
/// What does not hold.
pub fn run(seed: u64) -> Result<Report, String> {
    let mut random = Random::new(seed);
    let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
    let mut options = Options {
        threads: 0,
        snapshot_every: 1 + random.below(4),
        delivery_timeout: 200,
        clock: Arc::<ManualClock>::clone(&clock),
        entropy: Arc::new(SeededEntropy::new(seed)),
        ..Options::default()
    };
    if random.one_in(4) {
        options.mailbox = 3;
    }
    let bank = Bank([(text("name")?, text("sim")?)].into());
    let disk = SimDisk::new();
    let store: Arc<dyn Store> = Arc::new(disk.open().map_err(|error| error.to_string())?);
    let actors = Actors::open(Arc::clone(&store), bank.clone(), options.clone());
    let actors = actors.map_err(|error| error.to_string())?;
    let names = (0..20 + random.below(31)).map(|n| format!("account-{n}")).collect();
    let mut simulation = Simulation {
        random,
        clock,
        bank,
        disk,
        store,
        actors,
        options,
        names,
        asking: Vec::new(),
        told: Vec::new(),
        doomed: u64::MAX,
        crashes: 0,
        steps: 0,
    };
    simulation.live()?;
    simulation.finish()
}

fn text(text: &str) -> Result<Text, String> {
    Text::new(text).map_err(|error| error.to_string())
}

impl Simulation {
    fn live(&mut self) -> Result<(), String> {
        let payments = 60 + self.random.below(80);
        let mut paid = 0;
        self.open_accounts()?;
        while paid < payments {
            match self.random.below(20) {
                0..6 => {
                    paid += 1;
                    self.pay(paid);
                }
                6..15 => self.step(),
                15 | 16 => self.go_on(),
                17 => self.actors.unload_idle(),
                18 => match self.random.below(8) {
                    0 => self.crash_soon(),
                    1 => self.fill_up(),
                    2 | 3 => self.pause(),
                    _ => self.disk.set_capacity(None),
                },
                _ => {}
            }
            self.hear()?;
            if self.is_over() || self.random.one_in(200) {
                self.restart()?;
            }
        }
        Ok(())
    }

    /// Starts those accounts that there are not.
    fn open_accounts(&mut self) -> Result<(), String> {
        for name in self.names.clone() {
            while self.actors.find(&name).and_then(|actor| actor.view()).is_err() {
                let config = Bytes::from(MONEY.to_string());
                let genesis = Genesis {
                    code: Code::Native(text("account@1")?),
                    world: text("native")?,
                    config: Some(Hash::of(&config)),
                    limits: [(text("fuel")?, 1000)].into(),
                    engine: self.bank.0.clone(),
                    grants: Vec::new(),
                    owner: None,
                    nonce: Hash::of(name.as_bytes()),
                    fork: None,
                    started_by: None,
                };
                let new = NewActor {
                    genesis,
                    code: None,
                    config: Some(config),
                    name: Some(text(&name)?),
                    supervision: Supervision::default(),
                };
                match self.actors.start_blocking(new) {
                    Ok(_) => {}
                    Err(_) if self.is_over() => self.restart()?,
                    Err(error) => return Err(format!("{name} cannot be opened: {error}")),
                }
            }
        }
        Ok(())
    }

    fn any_name(&mut self) -> String {
        if self.random.one_in(15) {
            return "nobody".to_owned();
        }
        let at = self.random.below(self.names.len() as u64) as usize;
        self.names[at].clone()
    }

    fn pay(&mut self, number: u64) {
        let at = self.random.below(self.names.len() as u64) as usize;
        let (from, to) = (self.names[at].clone(), self.any_name());
        let how = if self.random.one_in(3) { "give" } else { "pay" };
        let payment = format!("{how} {to} {} {number}", self.random.below(MONEY));
        let message = match self.random.below(10) {
            0 => "fail".to_owned(),
            1 | 2 => format!("later {} {payment}", self.random.below(2000)),
            _ => payment,
        };
        let key = Hash::of(format!("key {number}").as_bytes());
        let message = Bytes::from(message);
        let answer = self.ask(&from, key, message.clone());
        self.asking.push(Asking { to: from, key, message, answer });
    }

    /// Sends a message; it is in the mailbox when this returns.
    fn ask(&self, to: &str, key: Hash, message: Bytes) -> Waiting {
        let from = Sender::Http { key: Some(key) };
        let actor = self.actors.find(to);
        let mut answer: Waiting = Box::pin(async move { actor?.send(from, message).await });
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Box::pin(std::future::ready(answer)),
            Poll::Pending => answer,
        }
    }

    fn step(&mut self) {
        let (actors, random) = (&self.actors, &mut self.random);
        for _ in 0..1 + random.below(6) {
            if actors.step(&mut |ready| random.below(ready as u64) as usize) {
                self.steps += 1;
            }
        }
    }

    /// Lets time go on.
    fn go_on(&mut self) {
        let now = self.options.clock.now().0;
        self.clock.set(Timestamp(now + self.random.below(300)));
        self.actors.tick();
    }

    /// Hears who was answered, and asks again where there was no outcome.
    fn hear(&mut self) -> Result<(), String> {
        for mut asking in std::mem::take(&mut self.asking) {
            let Poll::Ready(answer) = asking.answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            else {
                self.asking.push(asking);
                continue;
            };
            let id = self.actors.find(&asking.to).map(|actor| actor.id());
            match (answer, id) {
                (Ok(Answer { seq, hash, .. }) | Err(SendError::Failed { seq, hash, .. }), Ok(id)) => {
                    self.told.push((id, seq, hash));
                }
                (Err(SendError::Rejected(_)), _) => {}
                (Err(error @ (SendError::KeyReused { .. } | SendError::Ended { .. })), _) => {
                    return Err(format!("{} was told: {error}", asking.to));
                }
                _ => {
                    asking.answer = self.ask(&asking.to, asking.key, asking.message.clone());
                    self.asking.push(asking);
                }
            }
        }
        Ok(())
    }

    /// Leaves the disk hardly any space.
    fn fill_up(&mut self) {
        let used: u64 = self.disk.files().iter().map(|(_, bytes)| bytes).sum();
        self.disk.set_capacity(Some(used + self.random.below(2000)));
    }

    /// Pauses an account, or lets it go on. Nobody waits for it to be done.
    fn pause(&mut self) {
        let at = self.random.below(self.names.len() as u64) as usize;
        let pauses = self.random.one_in(2);
        let Ok(actor) = self.actors.find(&self.names[at]) else { return };
        poll(async {
            let _ = if pauses { actor.pause().await } else { actor.resume().await };
        });
    }

    /// Lets the disk fail at one of its next operations.
    fn crash_soon(&mut self) {
        let fault = match self.random.below(4) {
            0 => Fault::Error,
            1 => Fault::Short,
            _ => Fault::Crash,
        };
        let at = self.disk.operations() + self.random.below(12);
        self.disk.fail_at(at, fault);
        if fault == Fault::Crash {
            self.doomed = self.doomed.min(at);
        }
    }

    /// Whether the node has seen that it cannot go on, or the disk is no more, which it may not have seen yet.
    fn is_over(&self) -> bool {
        self.actors.is_halted() || self.disk.operations() > self.doomed
    }

    /// Ends the node as a crash does, and starts it on what the disk has left.
    fn restart(&mut self) -> Result<(), String> {
        let mut clean = false;
        loop {
            self.crashes += 1;
            let survivors = match self.random.below(3) {
                0 => Survivors::Lost,
                1 => Survivors::Kept,
                _ => Survivors::Some(self.random.next()),
            };
            self.disk = self.disk.after_crash(survivors);
            self.doomed = u64::MAX;
            if !clean && self.random.one_in(5) {
                self.crash_soon();
            }
            clean = true;
            if self.reopen().is_ok() {
                return Ok(());
            }
        }
    }

    /// Starts the node on its disk, and asks again what was not answered.
    fn reopen(&mut self) -> Result<(), String> {
        let store = self.disk.open().map_err(|error| error.to_string())?;
        self.store = Arc::new(store);
        let actors = Actors::open(Arc::clone(&self.store), self.bank.clone(), self.options.clone());
        self.actors = actors.map_err(|error| error.to_string())?;
        for mut asking in std::mem::take(&mut self.asking) {
            asking.answer = self.ask(&asking.to, asking.key, asking.message.clone());
            self.asking.push(asking);
        }
        Ok(())
    }

    /// Does all that is left to do, without more faults, and checks what came of it.
    fn finish(mut self) -> Result<Report, String> {
        self.disk.set_capacity(None);
        // Without a start, nothing that is under way may have been forgotten.
        if self.is_over() || self.random.one_in(2) {
            self.restart()?;
        }
        let mut resumed = false;
        for _ in 0..20_000 {
            if !std::mem::replace(&mut resumed, true) {
                for name in &self.names {
                    let actor = self.actors.find(name).map_err(|error| error.to_string())?;
                    poll(async { _ = actor.resume().await });
                }
            }
            let (actors, random) = (&self.actors, &mut self.random);
            let mut busy = false;
            while actors.step(&mut |ready| random.below(ready as u64) as usize) {
                self.steps += 1;
                busy = true;
            }
            if self.is_over() {
                self.restart()?;
                (busy, resumed) = (true, false);
            }
            self.hear()?;
            if busy || self.actors.tick() || self.actors.ready() > 0 {
                continue;
            }
            match self.actors.next_due() {
                Some(due) => {
                    let now = self.options.clock.now().0;
                    self.clock.set(Timestamp(due.max(now)));
                }
                None if self.asking.is_empty() => return self.check(),
                None => {}
            }
        }
        let waits: BTreeMap<_, _> = self.asking.iter().map(|asking| (&asking.to, &asking.message)).collect();
        Err(format!("it never comes to rest; {waits:?} wait"))
    }

    fn check(&self) -> Result<Report, String> {
        let total = MONEY * self.names.len() as u64;
        let (taken, returned) = check::money(&self.actors, &self.names, total)?;
        check::rows(&*self.store)?;
        for (chain, seq, hash) in &self.told {
            let entry = self.store.entry(chain, *seq).map_err(|error| error.to_string())?;
            if entry.map(|bytes| Hash::of(&bytes)) != Some(*hash) {
                return Err(format!("{chain} at seq {seq}: not what was answered"));
            }
        }
        let chains = check::chains(&self.store, &self.bank)?;
        Ok(Report { chains, taken, returned, crashes: self.crashes, steps: self.steps })
    }
}

/// Begins something without waiting for it.
fn poll(future: impl Future<Output = ()>) {
    let _ = std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}
