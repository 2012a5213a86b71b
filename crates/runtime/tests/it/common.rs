//! What tests share: a node on the scripted machine, and senders that can be polled.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

pub(crate) use crate::script::Script;
use bytes::Bytes;
use troupe_chain::{
    Code, Engine, Files, Genesis, Hash, Machines, Rules, Sender, Supervision, Text, Timestamp,
};
use troupe_runtime::{
    Actor, Actors, Answer, ManualClock, NewActor, OpenError, Options, SeededEntropy, SendError, StoreHistory,
};
use troupe_store::Store;

/// How long a test waits for something that happens at once, before it is called a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn engine(version: &str) -> Engine {
    BTreeMap::from([(text("name"), text("native")), (text("version"), text(version))])
}

/// Finds [`Script`] for all rules, under an engine.
#[derive(Clone)]
pub(crate) struct Scripts {
    pub(crate) engine: Engine,
    pub(crate) script: Script,
}

impl Scripts {
    pub(crate) fn new(version: &str) -> Self {
        Self { engine: engine(version), script: Script::default() }
    }
}

impl Machines for Scripts {
    type Machine = Script;

    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn machine(&self, rules: &Rules, _: &[u8], _: &Files) -> Result<Script, String> {
        let takes_notices = rules.world.as_str() != "deaf";
        let draws = rules.world.as_str() == "drawing";
        let forgets = rules.world.as_str() == "forgetful";
        Ok(Script { takes_notices, draws, forgets, ..self.script.clone() })
    }
}

/// What a test sets of a node, and what it sees of it.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) script: Script,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) lines: Arc<Mutex<Vec<(u64, String)>>>,
    pub(crate) options: Options,
    pub(crate) engine: Engine,
}

impl Stage {
    /// A node with threads.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1000)));
        let lines: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
        let sink = Arc::clone(&lines);
        let options = Options {
            mailbox: 1024,
            max_message: 16 << 20,
            threads: 2,
            clock: Arc::<ManualClock>::clone(&clock),
            entropy: Arc::new(SeededEntropy::new(1)),
            log: Arc::new(move |records| {
                sink.lock()
                    .unwrap()
                    .extend(records.iter().map(|record| (record.seq, record.line.line.clone())));
            }),
            ..Options::default()
        };
        Self { script: Script::default(), clock, lines, options, engine: engine("1") }
    }

    pub(crate) fn snapshot_every(mut self, entries: u64) -> Self {
        self.options.snapshot_every = entries;
        self
    }

    pub(crate) fn open(&self, store: &Arc<dyn Store>) -> Result<Actors, OpenError> {
        let machines = Scripts { engine: self.engine.clone(), script: self.script.clone() };
        Actors::open(Arc::clone(store), machines, self.options.clone())
    }

    pub(crate) fn create(&self, store: &Arc<dyn Store>) -> Actor {
        self.try_create(store, None).unwrap()
    }

    pub(crate) fn try_create(
        &self,
        store: &Arc<dyn Store>,
        config: Option<&'static [u8]>,
    ) -> Result<Actor, SendError> {
        let actors = self.open(store).map_err(|error| SendError::Host(error.to_string()))?;
        actors.start_blocking(self.new_actor(7, config))
    }

    pub(crate) fn new_actor(&self, nonce: u8, config: Option<&'static [u8]>) -> NewActor {
        let genesis = Genesis {
            code: Code::Native(text("script@1")),
            world: text("native"),
            config: config.map(Hash::of),
            limits: BTreeMap::from([(text("fuel"), 1000)]),
            engine: self.engine.clone(),
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes([nonce; 32]),
            fork: None,
            started_by: None,
        };
        let config = config.map(Bytes::from_static);
        NewActor { genesis, code: None, config, name: None, supervision: Supervision::default() }
    }

    /// Goes on with the only chain of a store.
    pub(crate) fn resume(&self, store: &Arc<dyn Store>) -> Result<Actor, SendError> {
        let actors = self.open(store).map_err(|error| SendError::Host(error.to_string()))?;
        actors.get(only_chain(store))
    }

    /// What actors wrote to their logs; not what the node has to say.
    pub(crate) fn lines(&self) -> Vec<(u64, String)> {
        self.lines.lock().unwrap().iter().filter(|(_, line)| !line.starts_with("node: ")).cloned().collect()
    }

    /// Waits until so many messages were applied in all.
    pub(crate) fn wait_applied(&self, count: u64) {
        until(|| self.script.applied.load(Ordering::SeqCst) >= count);
    }
}

pub(crate) fn shut_down(actor: &Actor) {
    actor.actors().shutdown();
}

pub(crate) fn only_chain(store: &Arc<dyn Store>) -> Hash {
    store.chains().unwrap()[0].0
}

/// Verifies the only chain of a store under an engine.
pub(crate) fn verify(
    store: &Arc<dyn Store>,
    version: &str,
) -> Result<troupe_chain::Report, troupe_chain::NotVerified> {
    let history = StoreHistory::new(Arc::clone(store), only_chain(store)).unwrap().unwrap();
    troupe_chain::verify(&history, &Scripts::new(version), |_| {})
}

/// The kinds of a chain's entries.
pub(crate) fn kinds(store: &Arc<dyn Store>) -> Vec<&'static str> {
    let chain = only_chain(store);
    let entry = |seq| store.entry(&chain, seq).unwrap();
    (0..).map_while(entry).map(|bytes| troupe_chain::Entry::decode(&bytes).unwrap().body.kind()).collect()
}

pub(crate) fn anyone() -> Sender {
    Sender::Http { key: None }
}

pub(crate) fn send(actor: &Actor, message: &str) -> Result<Answer, SendError> {
    Pending::post(actor, message).wait()
}

/// Sends a message that must be accepted, and returns the new state.
pub(crate) fn state_after(actor: &Actor, message: &str) -> String {
    String::from_utf8(send(actor, message).unwrap().state.to_vec()).unwrap()
}

/// A message on its way.
pub(crate) struct Pending(Pin<Box<dyn Future<Output = Result<Answer, SendError>>>>);

impl Pending {
    /// Puts a message into the mailbox.
    pub(crate) fn post(actor: &Actor, message: &str) -> Self {
        let (actor, message) = (actor.clone(), Bytes::copy_from_slice(message.as_bytes()));
        // The mailbox takes it at the first poll; an answer of that poll is kept for `wait`.
        let mut future: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(async move { actor.send(anyone(), message).await });
        match future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Self(Box::pin(std::future::ready(answer))),
            Poll::Pending => Self(future),
        }
    }

    pub(crate) fn post_all<'a>(actor: &Actor, messages: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        messages.into_iter().map(|message| Self::post(actor, message)).collect()
    }

    /// Whether there is no answer yet. Only for one that is waited for afterwards.
    pub(crate) fn is_waiting(&mut self) -> bool {
        match self.0.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                self.0 = Box::pin(std::future::ready(answer));
                false
            }
            Poll::Pending => true,
        }
    }

    pub(crate) fn wait(mut self) -> Result<Answer, SendError> {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let end = Instant::now() + PATIENCE;
        loop {
            if let Poll::Ready(answer) = self.0.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                return answer;
            }
            assert!(Instant::now() < end, "no answer came");
            std::thread::park_timeout(PATIENCE);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for what another thread is about to do.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it never happened");
        std::thread::yield_now();
    }
}
