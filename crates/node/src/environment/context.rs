//! A commons for tests: members with mana, a clock that the test owns, and a network that only writes down what was said.
//!
//! It is a node as any other, in memory and without threads: nothing happens but what the test does, in the order in which
//! it does it. [`TestingContext::advance`] lets time pass, and whatever is due by then is done.
//!
//! ```
//! use std::time::Duration;
//! use troupe::environment::TestingContext;
//! use troupe_commons::Act;
//!
//! let commons = TestingContext::new(&[1000, 0], &[("mana-rate", 0)])?;
//! commons.act(1, Act::Transfer { amount: 300, to: commons.member(2) })?;
//! assert_eq!((commons.mana(1)?, commons.mana(2)?), (700, 300));
//! commons.advance(Duration::from_secs(3600))?;
//! # Ok::<(), troupe::environment::TestingError>(())
//! ```

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use troupe_chain::{Sender, Timestamp};
use troupe_commons::governance::Motion;
use troupe_commons::jobs::{JobSpec, Offer};
use troupe_commons::mana::{self, Owner};
use troupe_commons::{Act, Charter, Command, Founder, Id, Mana, Reply, members};
use troupe_identity::Signer as _;
use troupe_runtime::{Actor, Clock as _, ManualClock, SendError};

use super::Testing;
use crate::commons::Committed;
use crate::host::{Host, SetupError};

/// How long a command of a test counts, in milliseconds.
const VALID: u64 = 60_000;

/// What a machine has, as a test says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedSystemInfo {
    /// Its cores.
    pub cores: u32,
    /// Its memory in MiB.
    pub memory_mib: u64,
}

impl Default for FixedSystemInfo {
    fn default() -> Self {
        Self { cores: 4, memory_mib: 8192 }
    }
}

impl FixedSystemInfo {
    /// What an executor on this machine bids for a job.
    pub fn offer(&self, job: Id, price: Mana) -> Offer {
        let capabilities = vec![format!("cores-{}", self.cores)];
        Offer { capabilities, job, latency: 1, memory: self.memory_mib << 20, price }
    }
}

/// A network that reaches nobody, and writes down what would have been told to all.
#[derive(Debug, Default)]
pub struct NetworkDouble {
    said: Mutex<Said>,
}

/// What was said to a [`NetworkDouble`], each with the number of the member who said it, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// Jobs that were announced.
    pub announced: Vec<(u8, JobSpec)>,
    /// Motions that were proposed.
    pub proposed: Vec<(u8, Motion)>,
    /// Votes that were cast: the proposal, and the choice.
    pub voted: Vec<(u8, Id, Vec<String>)>,
}

impl NetworkDouble {
    /// All that was said so far.
    pub fn said(&self) -> Said {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes down what others would be told of an act that was taken.
    fn tell(&self, by: u8, act: &Act) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match act {
            Act::Submit { jobs } => said.announced.extend(jobs.iter().map(|job| (by, job.clone()))),
            Act::Propose(motion) => said.proposed.push((by, motion.clone())),
            Act::Ballot { choice, proposal, .. } => said.voted.push((by, *proposal, choice.clone())),
            _ => {}
        }
    }
}

/// A test could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TestingError {
    /// The commons could not be begun.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The commons refused, or the node did.
    #[error(transparent)]
    Send(#[from] SendError),
    /// There is no such member.
    #[error("the commons has no member {0}")]
    NoMember(u8),
    /// The commons answered with what is no reply.
    #[error("the commons answered with what is no reply")]
    NoReply,
}

/// A commons in a test's hands.
pub struct TestingContext {
    testing: Testing,
    host: Host,
    commons: Actor,
    /// The machine that members run jobs on.
    pub system: FixedSystemInfo,
    /// What was announced, proposed and voted.
    pub network: NetworkDouble,
}

impl TestingContext {
    /// A commons of members 1, 2 and so on with so much mana each, and parameters that are not to have their defaults.
    ///
    /// # Errors
    /// [`TestingError`] if a value is beyond its bounds, or there are no members or more than 255.
    pub fn new(mana: &[Mana], parameters: &[(&str, u64)]) -> Result<Self, TestingError> {
        let testing = Testing::default();
        let mut environment = testing.environment();
        environment.settings.options.threads = 0;
        let host = environment.open()?;
        let founder = |(number, mana): (u8, &Mana)| Founder {
            did: Testing::key(number).did().to_string(),
            mana: *mana,
        };
        let charter = Charter {
            founders: (1..=u8::MAX).zip(mana).map(founder).collect(),
            name: "Testing".to_owned(),
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            v: 1,
        };
        let new = host.prepare_commons(&charter)?;
        let commons = run(&host, host.actors.start(new))?;
        Ok(Self {
            testing,
            host,
            commons,
            system: FixedSystemInfo::default(),
            network: NetworkDouble::default(),
        })
    }

    /// With another machine than one of 4 cores and 8 GiB.
    #[must_use]
    pub fn with_system(mut self, system: FixedSystemInfo) -> Self {
        self.system = system;
        self
    }

    /// The clock, which stands still but for [`TestingContext::advance`].
    pub fn clock(&self) -> &ManualClock {
        self.testing.clock()
    }

    /// The node.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The commons.
    pub fn commons(&self) -> &Actor {
        &self.commons
    }

    /// The id of a member.
    pub fn member(&self, number: u8) -> Id {
        members::id_of(Testing::key(number).did())
    }

    /// Lets a member do something; what the commons replied.
    ///
    /// # Errors
    /// [`TestingError::Send`] with the refusal, if it was refused; nothing is written down then.
    pub fn act(&self, by: u8, act: Act) -> Result<Reply, TestingError> {
        let key = Testing::key(by);
        let state = self.committed()?.state;
        let number = members::member(&state, self.member(by)).ok_or(TestingError::NoMember(by))?.number + 1;
        let expires = self.testing.clock().now().0 + VALID;
        let command = Command::new(key.did(), self.commons.id(), number, expires, act.clone());
        let Ok(signature) = key.sign(&command.text()) else { unreachable!("a key in memory signs") };
        let message = command.signed(signature).to_bytes();
        let answer = run(&self.host, self.commons.send(Sender::Http { key: None }, message.into()))?;
        self.network.tell(by, &act);
        let reply = answer.reply.and_then(|reply| serde_json::from_slice(&reply).ok());
        reply.ok_or(TestingError::NoReply)
    }

    /// Lets time pass, and does whatever is due on the way, each at its time.
    ///
    /// # Errors
    /// [`TestingError`].
    pub fn advance(&self, time: Duration) -> Result<(), TestingError> {
        let clock = self.testing.clock();
        let until = clock.now().0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        settle(&self.host);
        while let Some(due) = self.host.actors.next_due().filter(|due| *due <= until) {
            clock.set(Timestamp(due.max(clock.now().0)));
            settle(&self.host);
        }
        clock.set(Timestamp(until));
        Ok(())
    }

    /// What mana a member has now.
    ///
    /// # Errors
    /// [`TestingError`].
    pub fn mana(&self, of: u8) -> Result<Mana, TestingError> {
        let (state, at) = (self.committed()?.state, self.testing.clock().now().0);
        Ok(mana::account(&state, Owner::Member(self.member(of)), at).balance)
    }

    /// All that the commons has committed.
    ///
    /// # Errors
    /// [`TestingError`].
    pub fn committed(&self) -> Result<Committed, TestingError> {
        let view = self.commons.view()?;
        Committed::of(view).ok_or(TestingError::NoReply)
    }
}

/// Does all that there is to do at this time; whether there was anything.
fn settle(host: &Host) -> bool {
    let mut did = false;
    while host.actors.tick() | host.actors.step(&mut |_| 0) {
        did = true;
    }
    did
}

/// Serves the node until something is answered.
fn run<T>(host: &Host, asked: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
    let mut asked = pin!(asked);
    let mut context = std::task::Context::from_waker(Waker::noop());
    loop {
        let answer = asked.as_mut().poll(&mut context);
        let did = settle(host);
        match answer {
            Poll::Ready(answer) => return answer,
            // Nobody is left who could answer.
            Poll::Pending if !did => return Err(SendError::Stopped),
            Poll::Pending => {}
        }
    }
}
