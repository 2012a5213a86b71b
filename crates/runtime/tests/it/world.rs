//! A node without threads whose time the test owns, and the same scenario with a crash at every commit.
//!
//! Invariant: whatever is checked with [`World::check`] holds after every scenario: all chains verify, every sender is
//! found at the other end, and no row says that anything is left to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use troupe_chain::{
    Entry, Hash, OnFailure, Origin, Sender, Supervision, Timestamp, Unreadable, check_origin,
};
use troupe_runtime::{Actor, Actors, Answer, NewActor, SendError, Status, StoreHistory};
use troupe_store::{Append, CommitError, MemoryStore, Store, all_but_commit};

use crate::common::{Scripts, Stage, text};

/// A node and what it stands on.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) store: Arc<CrashStore>,
    pub(crate) actors: Actors,
    /// How many messages came from outside: each has its own key.
    told: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Stage)) -> Self {
        let mut stage = Stage::new();
        stage.options.threads = 0;
        set(&mut stage);
        let store = Arc::new(CrashStore::default());
        let actors = open(&stage, &store);
        Self { stage, store, actors, told: 0 }
    }

    /// Starts the node again on what is committed.
    pub(crate) fn restart(&mut self) {
        *self.store.crash_at.lock().unwrap() = None;
        *self.store.crashed.lock().unwrap() = false;
        self.actors = open(&self.stage, &self.store);
    }

    pub(crate) fn start(&self, name: &str, config: &'static str) -> Actor {
        self.start_with(name, config, Supervision::default()).unwrap()
    }

    pub(crate) fn start_with(
        &self,
        name: &str,
        config: &'static str,
        supervision: Supervision,
    ) -> Result<Actor, SendError> {
        let mut new = self.new_actor(name, config);
        new.supervision = supervision;
        self.actors.start_blocking(new)
    }

    pub(crate) fn new_actor(&self, name: &str, config: &'static str) -> NewActor {
        let config = (!config.is_empty()).then_some(config.as_bytes());
        let mut new = self.stage.new_actor(0, config);
        new.genesis.nonce = Hash::of(name.as_bytes());
        new.name = Some(text(name));
        new
    }

    /// Sends a message from outside, and does all that follows from it now.
    pub(crate) fn tell(&mut self, name: &str, message: &str) -> Result<Answer, SendError> {
        self.told += 1;
        let key = Hash::of(self.told.to_string().as_bytes());
        self.tell_with(name, message, key)
    }

    pub(crate) fn tell_with(&self, name: &str, message: &str, key: Hash) -> Result<Answer, SendError> {
        let actor = self.actors.find(name)?;
        let message = Bytes::copy_from_slice(message.as_bytes());
        let answer = actor.send_blocking(Sender::Http { key: Some(key) }, message);
        self.settle();
        answer
    }

    /// Does all that can be done without time going on.
    pub(crate) fn settle(&self) {
        for _ in 0..100_000 {
            if !self.actors.step(&mut |_| 0) && !self.actors.tick() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Lets time go on, and does what is due on the way.
    pub(crate) fn until(&self, at: u64) {
        while let Some(due) = self.actors.next_due().filter(|due| *due <= at) {
            let now = self.stage.options.clock.now().0;
            self.stage.clock.set(Timestamp(due.max(now)));
            self.settle();
            if self.actors.is_halted() {
                return;
            }
        }
        let now = self.stage.options.clock.now().0;
        self.stage.clock.set(Timestamp(at.max(now)));
        self.settle();
    }

    pub(crate) fn state(&self, name: &str) -> String {
        let view = self.actors.find(name).unwrap().view().unwrap();
        String::from_utf8(view.state.to_vec()).unwrap()
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        self.actors.find(name).unwrap().record().unwrap().status()
    }

    pub(crate) fn id(&self, name: &str) -> Hash {
        self.actors.find(name).unwrap().id()
    }

    pub(crate) fn entries(&self, chain: &Hash) -> Vec<Entry> {
        let entry = |seq| self.store.entry(chain, seq).unwrap();
        (0..).map_while(entry).map(|bytes| Entry::decode(&bytes).unwrap()).collect()
    }

    pub(crate) fn store_find(&self, chain: &Hash, name: &Hash) -> Option<u64> {
        self.store.find(chain, name).unwrap()
    }

    /// The keys of the rows of these kinds.
    pub(crate) fn rows(&self, kinds: &str) -> Vec<String> {
        let of_kind = |kind: u8| self.store.rows(&[kind], None, 10_000).unwrap();
        let rows = kinds.bytes().flat_map(of_kind);
        rows.map(|(key, value)| format!("{}: {value:?}", key.escape_ascii())).collect()
    }

    /// What must hold whatever happened.
    pub(crate) fn check(&self) {
        self.check_chains();
        // Nothing is under way, nor waits for its time.
        assert_eq!(self.rows("or"), Vec::<String>::new());
    }

    pub(crate) fn check_chains(&self) {
        let store: Arc<dyn Store> = self.store.clone();
        for (chain, _) in store.chains().unwrap() {
            let history = StoreHistory::new(store.clone(), chain).unwrap().unwrap();
            troupe_chain::verify(&history, &Scripts::new("1"), |_| {})
                .unwrap_or_else(|error| panic!("{chain}: {error}"));
            for entry in self.entries(&chain) {
                let origin = check_origin(&chain, &entry, &Known(self));
                let fits = matches!(origin, Origin::Resolved | Origin::Nobody);
                assert!(fits, "{chain} at seq {}: {origin:?}, {:?}", entry.seq, entry.body);
            }
        }
    }

    /// What became of all actors, apart from the order in which things came to them.
    fn result(&self, names: &[&str]) -> BTreeMap<String, String> {
        let mut result = BTreeMap::new();
        for name in names {
            let Ok(actor) = self.actors.find(name) else {
                result.insert((*name).to_owned(), "unknown".to_owned());
                continue;
            };
            let state = self.state(name);
            let mut records: Vec<_> = state.split_inclusive(')').collect();
            records.sort_unstable();
            let status = actor.record().unwrap().status().as_str();
            result.insert((*name).to_owned(), format!("{status}: {}", records.concat()));
        }
        result
    }
}

fn open(stage: &Stage, store: &Arc<CrashStore>) -> Actors {
    let store: Arc<dyn Store> = store.clone();
    stage.open(&store).unwrap()
}

struct Known<'a>(&'a World);

impl troupe_chain::Entries for Known<'_> {
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable> {
        let seq = self.0.store.find(chain, name).unwrap();
        Ok(seq.and_then(|seq| self.at(chain, seq).unwrap()).map(|(_, entry)| entry))
    }

    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        let bytes = self.0.store.entry(chain, seq).unwrap();
        Ok(bytes.map(|bytes| (Hash::of(&bytes), Entry::decode(&bytes).unwrap())))
    }
}

/// What happens from outside, one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// An actor is started, with a configuration and a policy.
    Start(&'static str, &'static str, OnFailure),
    /// A message comes in.
    Tell(&'static str, &'static str),
    /// Time goes on until this.
    Until(u64),
    /// An actor goes back to an earlier state.
    Rewind(&'static str, u64),
    /// An actor is ended.
    Stop(&'static str),
}

impl Act {
    /// Does it, or does it again after a crash; `false` if the node crashed on the way.
    fn done(self, world: &World, number: usize) -> bool {
        let waits = |answer: Result<(), SendError>| match answer {
            Err(SendError::OutcomeUnknown(_) | SendError::Halted(_) | SendError::Stopped) => false,
            // Nothing is left to do, since nothing is written any more.
            Err(SendError::Host(_)) if world.actors.is_halted() => false,
            _ => true,
        };
        let done = match self {
            Self::Start(name, ..) if world.actors.find(name).is_ok() => true,
            Self::Start(name, config, on_failure) => {
                let supervision = Supervision { on_failure, backoff: 0, ..Supervision::default() };
                waits(world.start_with(name, config, supervision).map(drop))
            }
            Self::Tell(name, message) => {
                let key = Hash::of(format!("act {number}").as_bytes());
                waits(world.tell_with(name, message, key).map(drop))
            }
            Self::Until(at) => {
                world.until(at);
                true
            }
            Self::Rewind(name, seq) => match world.actors.find(name) {
                Ok(actor) if actor.genesis().unwrap().fork.is_none() => {
                    waits(block(world, actor.rewind(seq, text("as told"))).map(drop))
                }
                _ => true,
            },
            Self::Stop(name) => match world.actors.find(name) {
                Ok(actor) => waits(block(world, actor.stop(text("as told")))),
                Err(_) => true,
            },
        };
        world.settle();
        done && !world.actors.is_halted()
    }
}

/// Waits for a future while serving actors here.
pub(crate) fn block<T>(
    world: &World,
    future: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..100 {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        world.settle();
    }
    Err(SendError::Stopped)
}

/// Plays a scenario without a crash, then with one at every commit, before it and after it, and compares what became of
/// the actors.
pub(crate) fn at_every_crash_point(acts: &[Act], names: &[&str]) -> BTreeMap<String, String> {
    let world = World::new();
    for (number, act) in acts.iter().enumerate() {
        assert!(act.done(&world, number), "{act:?}");
    }
    world.check();
    let expected = world.result(names);
    let commits = *world.store.commits.lock().unwrap();
    assert!(commits > 2);
    for crash in 0..commits {
        for kept in [false, true] {
            let case = format!("a crash at commit {crash} of {commits}, kept: {kept}");
            let mut world = World::new();
            *world.store.crash_at.lock().unwrap() = Some((crash, kept));
            let mut crashed = false;
            for (number, act) in acts.iter().enumerate() {
                while !act.done(&world, number) {
                    assert!(!crashed, "{case}: crashed twice");
                    crashed = true;
                    world.restart();
                    world.settle();
                }
            }
            assert!(crashed, "{case}: no crash");
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.check()));
            assert!(result.is_ok(), "{case}");
            assert_eq!(world.result(names), expected, "{case}");
        }
    }
    expected
}

/// Keeps everything in memory, and nothing more from one commit on.
#[derive(Default)]
pub(crate) struct CrashStore {
    inner: MemoryStore,
    pub(crate) commits: Mutex<u64>,
    /// The commit at which it crashes, and whether that commit is kept.
    crash_at: Mutex<Option<(u64, bool)>>,
    crashed: Mutex<bool>,
}

impl Store for CrashStore {
    fn commit(&self, batch: &[Append]) -> Result<(), CommitError> {
        let mut crashed = self.crashed.lock().unwrap();
        if *crashed {
            return Err(CommitError::Halted("crashed".into()));
        }
        let mut commits = self.commits.lock().unwrap();
        *commits += 1;
        match *self.crash_at.lock().unwrap() {
            Some((at, kept)) if at + 1 == *commits => {
                *crashed = true;
                if kept {
                    self.inner.commit(batch)?;
                }
                Err(CommitError::OutcomeUnknown(std::io::Error::other("crashed")))
            }
            _ => self.inner.commit(batch),
        }
    }

    all_but_commit!(inner);
}
