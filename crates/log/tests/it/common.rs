//! Chains in a store, and witnesses at the end of a call.

use std::sync::Arc;

use troupe_chain::note::{KeyKind, KeyName, PublicKey, SecretKey, Trust};
use troupe_chain::{Code, Engine, Fork, Genesis, Hash, Linked, Text, Timestamp, Tip};
use troupe_log::{NodeLog, PushError, Submit, Submitted, Witness, WitnessAt};
use troupe_store::{Append, MemoryStore, NewEntry, Store};

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).expect("printable")
}

pub(crate) fn name(text: &str) -> KeyName {
    text.parse().expect("a name")
}

fn engine(version: u64) -> Engine {
    [(text("engine"), text("none")), (text("version"), text(&version.to_string()))].into()
}

/// A chain that grows by entries of kind `engine`: real ones, that need no machine.
pub(crate) struct Chain {
    pub(crate) id: Hash,
    tip: Tip,
    version: u64,
    store: Arc<dyn Store>,
}

impl Chain {
    /// Begins a chain of two entries.
    pub(crate) fn begin(store: &Arc<dyn Store>, nonce: u8) -> Self {
        let fork = Fork { chain: Hash::of(b"a"), entry: Hash::of(b"b"), seq: 1, state: Hash::of(b"c") };
        let genesis = Genesis {
            code: Code::Native(text("none@1")),
            world: text("none"),
            config: None,
            limits: [(text("fuel"), 1)].into(),
            engine: engine(0),
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes([nonce; 32]),
            fork: Some(fork),
            started_by: None,
        };
        let (mut tip, first) = Tip::start(genesis, Timestamp(1_700_000_000_000));
        let second = tip.fork();
        let chain = Self { id: first.name, tip, version: 0, store: Arc::clone(store) };
        chain.commit(None, &[first, second]);
        chain
    }

    fn commit(&self, expected: Option<Hash>, linked: &[Linked]) {
        let entries = linked.iter().map(|linked| NewEntry::new(linked.entry.seq, linked.bytes.clone()));
        let (entries, blobs, rows) = (entries.collect(), Vec::new(), Vec::new());
        self.store.commit(&[Append { chain: self.id, expected, entries, blobs, rows }]).expect("commits");
    }

    /// Appends entries.
    pub(crate) fn grow(&mut self, entries: u64) {
        let expected = Some(self.tip.entry);
        let mut linked = Vec::new();
        for _ in 0..entries {
            self.version += 1;
            linked.push(self.tip.engine(&engine(self.version)).expect("another engine"));
        }
        self.commit(expected, &linked);
    }

    pub(crate) fn len(&self) -> u64 {
        self.tip.seq + 1
    }
}

pub(crate) fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

pub(crate) fn node_key() -> SecretKey {
    SecretKey::from_seed(name("node.example/log"), KeyKind::Log, &[1; 32])
}

pub(crate) fn log(store: &Arc<dyn Store>, witnesses: Vec<WitnessAt>) -> NodeLog {
    NodeLog::open(Arc::clone(store), node_key(), witnesses).expect("opens")
}

/// Nobody to ask.
pub(crate) struct Alone;

impl Submit for Alone {
    fn submit(&self, url: &str, _: &str) -> Result<Submitted, PushError> {
        Err(PushError(format!("nothing listens at {url}")))
    }
}

/// Witnesses by their URL's host, without a network.
pub(crate) struct Direct(pub(crate) Vec<(&'static str, Arc<Witness>)>);

impl Submit for Direct {
    fn submit(&self, url: &str, body: &str) -> Result<Submitted, PushError> {
        let witness = self.0.iter().find(|(at, _)| url == format!("{at}/add-checkpoint"));
        let (_, witness) = witness.ok_or_else(|| PushError(format!("nothing listens at {url}")))?;
        Ok(match witness.add_checkpoint(body.as_bytes(), 1_700_000_000) {
            Ok(signature) => Submitted { status: 200, body: signature.to_string().into_bytes() },
            Err(troupe_log::Refused::Conflict(size)) => {
                Submitted { status: 409, body: format!("{size}\n").into_bytes() }
            }
            Err(refused) => Submitted { status: refused.status(), body: refused.to_string().into_bytes() },
        })
    }
}

pub(crate) fn witness(folder: &tempfile::TempDir) -> Arc<Witness> {
    let logs = vec![node_key().public().clone()];
    Arc::new(Witness::open(folder.path(), None, logs, None).expect("opens"))
}

pub(crate) fn at(url: &str, witness: &Witness) -> WitnessAt {
    WitnessAt { url: url.to_owned(), key: witness.key().clone() }
}

pub(crate) fn trust(witnesses: Vec<PublicKey>, quorum: usize) -> Trust {
    Trust { node: node_key().public().clone(), witnesses, quorum }
}
