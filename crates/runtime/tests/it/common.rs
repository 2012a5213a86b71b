//! A native machine that does what its messages say, a store whose commits can be held, and senders that can be polled.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe_chain::{
    Abort, Accepted, Code, Context, Engine, Failed, FailureCode, Fuel, Genesis, Hash, Level, LogLine,
    Machine, Machines, Outcome, Outgoing, Rejection, Sender, Step, Text, Timestamp,
};
use troupe_runtime::{Actor, Answer, ManualClock, NewActor, OpenError, Options, SendError, StoreHistory};
use troupe_store::{Append, CommitError, Head, Store, StoreError, Usage};

/// How long a test waits for something that happens at once, before it is called a hang.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

pub(crate) fn engine(version: &str) -> Engine {
    BTreeMap::from([(text("name"), text("native")), (text("version"), text(version))])
}

/// Does what the message's first word says; what comes after it is its argument. The state is text.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// How often a message was applied.
    pub(crate) applied: Arc<AtomicU64>,
    /// What `hold` waits for.
    pub(crate) hold: Gate,
}

impl Machine for Script {
    fn init(&self, _: &Context, config: Option<&[u8]>) -> Result<Step, Abort> {
        let log = vec![line("init")];
        let outcome = match config {
            Some(b"die") => failed(FailureCode::Unreachable),
            Some(b"late") => return Err(Abort::OutOfTime(1)),
            other => accepted(other.unwrap_or_default()),
        };
        Ok(Step { outcome, fuel: Fuel(1), log })
    }

    fn apply(&self, context: &Context, message: &[u8], state: &[u8]) -> Result<Step, Abort> {
        self.applied.fetch_add(1, Ordering::SeqCst);
        let message = std::str::from_utf8(message).unwrap();
        let (verb, rest) = message.split_once(' ').unwrap_or((message, ""));
        let outcome = match verb {
            "add" => {
                let state = [state, rest.as_bytes()].concat();
                Outcome::Accepted(Accepted { reply: Some(state.clone()), state, sends: Vec::new() })
            }
            "time" => accepted(context.at.0.to_string().as_bytes()),
            "keep" => accepted(state),
            "send" => {
                let sends = vec![Outgoing { to: text("observer"), message: rest.into() }];
                Outcome::Accepted(Accepted { state: state.to_vec(), reply: None, sends })
            }
            "no" => Outcome::Rejected(Rejection { reason: rest.to_owned() }),
            "die" => failed(FailureCode::Unreachable),
            "out-of-fuel" => failed(FailureCode::Fuel),
            "hold" => {
                self.hold.enter();
                accepted(state)
            }
            "late" => return Err(Abort::OutOfTime(7)),
            "busy" => return Err(Abort::Busy("no room".into())),
            "panic" => panic!("the machine panics, as it was told"),
            other => panic!("unknown verb {other}"),
        };
        Ok(Step { outcome, fuel: Fuel(message.len() as u64), log: vec![line(message)] })
    }
}

fn accepted(state: &[u8]) -> Outcome {
    Outcome::Accepted(Accepted { state: state.to_vec(), reply: None, sends: Vec::new() })
}

fn failed(code: FailureCode) -> Outcome {
    Outcome::Failed(Failed { code, detail: "as told".into() })
}

fn line(line: &str) -> LogLine {
    LogLine { level: Level::Info, line: line.to_owned() }
}

/// Finds [`Script`] for every genesis, under an engine.
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

    fn machine(&self, _: &Genesis, _: &[u8]) -> Result<Script, String> {
        Ok(self.script.clone())
    }
}

/// What a test sets of an actor, and what it sees of it.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) script: Script,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) lines: Arc<Mutex<Vec<(u64, String)>>>,
    pub(crate) options: Options,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1000)));
        let lines: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
        let sink = Arc::clone(&lines);
        let options = Options {
            mailbox: 1024,
            max_message: 16 << 20,
            snapshot_every: 1,
            engine: engine("1"),
            clock: Arc::<ManualClock>::clone(&clock),
            log: Arc::new(move |records| {
                sink.lock()
                    .unwrap()
                    .extend(records.iter().map(|record| (record.seq, record.line.line.clone())));
            }),
        };
        Self { script: Script::default(), clock, lines, options }
    }

    pub(crate) fn snapshot_every(mut self, entries: u64) -> Self {
        self.options.snapshot_every = entries;
        self
    }

    pub(crate) fn create(&self, store: &Arc<dyn Store>) -> Actor {
        self.try_create(store, None).unwrap()
    }

    pub(crate) fn try_create(
        &self,
        store: &Arc<dyn Store>,
        config: Option<&'static [u8]>,
    ) -> Result<Actor, OpenError> {
        let genesis = Genesis {
            code: Code::Native(text("script@1")),
            world: text("native"),
            config: config.map(Hash::of),
            limits: BTreeMap::from([(text("fuel"), 1000)]),
            engine: self.options.engine.clone(),
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes([7; 32]),
        };
        let new = NewActor { genesis, code: Bytes::new(), config: config.map(Bytes::from_static) };
        Actor::create(Arc::clone(store), Arc::new(self.script.clone()), new, self.options.clone())
    }

    /// Goes on with the only chain of a store.
    pub(crate) fn resume(&self, store: &Arc<dyn Store>) -> Result<Actor, OpenError> {
        let machines = Scripts { engine: self.options.engine.clone(), script: self.script.clone() };
        Actor::resume(Arc::clone(store), only_chain(store), &machines, |_| self.options.clone())
    }

    pub(crate) fn lines(&self) -> Vec<(u64, String)> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until so many messages were applied in all.
    pub(crate) fn wait_applied(&self, count: u64) {
        until(|| self.script.applied.load(Ordering::SeqCst) >= count);
    }
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

/// Lets through, or holds, whoever enters.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    closed: bool,
    entered: u64,
}

impl Gate {
    pub(crate) fn enter(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.entered += 1;
        changed.notify_all();
        while state.closed {
            state = changed.wait(state).unwrap();
        }
    }

    pub(crate) fn close(&self) {
        self.0.0.lock().unwrap().closed = true;
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().closed = false;
        self.0.1.notify_all();
    }

    pub(crate) fn entered(&self) -> u64 {
        self.0.0.lock().unwrap().entered
    }

    pub(crate) fn wait_entered(&self, count: u64) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        let waited = changed.wait_timeout_while(state, PATIENCE, |state| state.entered < count).unwrap();
        assert!(!waited.1.timed_out(), "nobody came to the gate");
    }
}

/// What the next commits come to instead of being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    Full,
    OutcomeUnknown,
    Panics,
}

/// A store behind a gate that every commit passes.
pub(crate) struct HeldStore {
    inner: Arc<dyn Store>,
    pub(crate) gate: Gate,
    /// What each commit held, in bytes.
    pub(crate) sizes: Mutex<Vec<u64>>,
    fails: Mutex<Vec<Fails>>,
    halted: Mutex<bool>,
    slow: Mutex<bool>,
}

impl HeldStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gate: Gate::default(),
            sizes: Mutex::default(),
            fails: Mutex::default(),
            halted: Mutex::default(),
            slow: Mutex::default(),
        })
    }

    pub(crate) fn in_memory() -> Arc<Self> {
        Self::new(Arc::new(troupe_store::MemoryStore::new()))
    }

    pub(crate) fn dynamic(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::<Self>::clone(self)
    }

    /// Lets the next commits that come to the store fail, in this order.
    pub(crate) fn fail_next(&self, fails: &[Fails]) {
        *self.fails.lock().unwrap() = fails.to_vec();
    }

    /// Makes commits so slow that the committer's own thread takes over, then fast again.
    pub(crate) fn move_commits_to_a_thread(&self, actor: &Actor) {
        *self.slow.lock().unwrap() = true;
        send(actor, "keep").unwrap();
        *self.slow.lock().unwrap() = false;
    }
}

impl Store for HeldStore {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        self.sizes.lock().unwrap().push(batch.iter().map(Append::payload_bytes).sum());
        self.gate.enter();
        if *self.slow.lock().unwrap() {
            // Long enough to count as slow for the commits after it; nothing is asserted about time.
            let began = Instant::now();
            until(|| began.elapsed() > Duration::from_millis(40));
        }
        if *self.halted.lock().unwrap() {
            return Err(CommitError::Halted("as told".into()));
        }
        let mut fails = self.fails.lock().unwrap();
        match (!fails.is_empty()).then(|| fails.remove(0)) {
            None => {
                drop(fails);
                self.inner.commit(batch)
            }
            Some(Fails::Full) => Err(CommitError::Full(std::io::ErrorKind::StorageFull.into())),
            Some(Fails::OutcomeUnknown) => {
                *self.halted.lock().unwrap() = true;
                Err(CommitError::OutcomeUnknown(std::io::Error::other("as told")))
            }
            Some(Fails::Panics) => {
                drop(fails);
                panic!("the store panics, as it was told")
            }
        }
    }

    fn head(&self, chain: &Hash) -> Result<Option<Head>, StoreError> {
        self.inner.head(chain)
    }

    fn chains(&self) -> Result<Vec<(Hash, Head)>, StoreError> {
        self.inner.chains()
    }

    fn entry(&self, chain: &Hash, seq: u64) -> Result<Option<Bytes>, StoreError> {
        self.inner.entry(chain, seq)
    }

    fn find(&self, chain: &Hash, name: &Hash) -> Result<Option<u64>, StoreError> {
        self.inner.find(chain, name)
    }

    fn blob(&self, chain: &Hash, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        self.inner.blob(chain, name)
    }

    fn row(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.inner.row(key)
    }

    fn rows(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.inner.rows(prefix, after, limit)
    }

    fn put_shared(&self, name: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        self.inner.put_shared(name, bytes)
    }

    fn shared(&self, name: &Hash) -> Result<Option<Bytes>, StoreError> {
        self.inner.shared(name)
    }

    fn usage(&self) -> Result<Usage, StoreError> {
        self.inner.usage()
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready()
    }
}
