//! The rows that a node keeps beside its chains: what is under way, what is due, what a name stands for.
//!
//! Invariant: a row changes in the same append as the entry that changes it, so that a crash leaves both or neither.
//! Each kind of row has a letter; `docs/spec/rows.md` lists them.
//!
//! Deliberately absent: anything that a chain needs to be verified.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use troupe_chain::{EffectId, Hash, Notice, OnFailure, Supervision, Text};
use troupe_store::{Row, Store, StoreError};

/// An effect that is still to be done.
pub(crate) const OUTBOX: u8 = b'o';
/// A reply or a notice that is still to be brought to another actor.
pub(crate) const ANSWER: u8 = b'r';
/// A request that waits for its reply.
pub(crate) const REQUEST: u8 = b'q';
/// A timer that has not gone off.
pub(crate) const TIMER: u8 = b't';
/// A name.
pub(crate) const NAME: u8 = b'n';
/// An actor.
pub(crate) const ACTOR: u8 = b'a';
/// An actor that rests after it was started again.
pub(crate) const REST: u8 = b'p';
/// An `Idempotency-Key` that was used.
pub(crate) const KEY: u8 = b'k';
/// A blob that was erased or is withheld.
pub(crate) const REDACTION: u8 = b'x';
/// A leaf of a state that names more than it holds.
pub(crate) const LEAF: u8 = b'm';

/// What is to be done about an effect; its key names the chain, the entry's seq and the effect's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pending {
    /// Bring it to this actor; nobody if the name is not known.
    Send([u8; 32]),
    /// The receiver is not known.
    Unknown,
    /// Begin this actor.
    Spawn([u8; 32]),
    /// End this child.
    Stop([u8; 32]),
    /// End the actor itself.
    Exit,
    /// It cannot be done: tell the actor.
    Refused,
    /// Take the actor back, as its supervision says; the number of the effect is [`FORK`].
    Recover { restart: bool },
    /// Begin this fork from the state at a seq; the number of the effect is [`FORK`].
    Fork { to: [u8; 32], at: u64, failed: bool },
    /// End the actor, as its supervision says; the number of the effect is [`FORK`].
    GiveUp,
    /// Let its parent's supervision decide; the number of the effect is [`FORK`].
    Escalate([u8; 32]),
}

/// In the place of an effect's number: what a node does after a failure or a rewind.
pub(crate) const FORK: u32 = u32::MAX;

/// A reply or a notice under way; its key names the chain it comes from and its entry's seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answering {
    pub(crate) to: [u8; 32],
    pub(crate) seq: u64,
    pub(crate) n: u32,
    /// The notice by its place in the list; none for a reply.
    about: Option<u8>,
}

impl Answering {
    pub(crate) fn new(to: Hash, of: EffectId, about: Option<Notice>) -> Self {
        let about = about.and_then(|about| Notice::ALL.iter().position(|one| *one == about));
        Self { to: *to.as_bytes(), seq: of.seq, n: number(of.n), about: about.map(|at| at as u8) }
    }

    pub(crate) fn of(&self) -> EffectId {
        EffectId { seq: self.seq, n: self.n.into() }
    }

    pub(crate) fn about(&self) -> Option<Notice> {
        self.about.and_then(|at| Notice::ALL.get(usize::from(at)).copied())
    }
}

/// When a timer or a request is due, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) at: u64,
}

/// The answer that was given to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) seq: u64,
    pub(crate) at: u64,
    pub(crate) message: [u8; 32],
}

/// What a node knows of an actor beside its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub(crate) status: Status,
    pub(crate) name: Option<String>,
    pub(crate) parent: Option<([u8; 32], u64, u32)>,
    supervision: Policy,
    /// When it failed, as far as it counts.
    pub(crate) failures: Vec<u64>,
    /// When it was started again, as far as it counts.
    pub(crate) restarts: Vec<u64>,
    /// The fork that took its place.
    pub(crate) successor: Option<[u8; 32]>,
    /// Whether it only waits to be ended or taken back, for which there is a row.
    pub(crate) ending: bool,
}

/// Whether an actor takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It does.
    Running,
    /// It does not, until it is resumed.
    Paused,
    /// It never will again.
    Stopped,
    /// It never will again, and is not listed.
    Removed,
}

impl Status {
    /// The status as a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Removed => "removed",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Policy(u8, u64, u64, u64, u64, u64);

impl Default for Record {
    fn default() -> Self {
        Self::new(None, None, Supervision::default())
    }
}

impl Record {
    pub(crate) fn new(
        name: Option<&Text>,
        parent: Option<(Hash, EffectId)>,
        supervision: Supervision,
    ) -> Self {
        let policy = OnFailure::ALL.iter().position(|one| *one == supervision.on_failure).unwrap_or(0) as u8;
        let Supervision { failures, within, backoff, max_backoff, max_restarts, .. } = supervision;
        Self {
            status: Status::Running,
            name: name.map(ToString::to_string),
            parent: parent.map(|(chain, of)| (*chain.as_bytes(), of.seq, number(of.n))),
            supervision: Policy(policy, failures, within, backoff, max_backoff, max_restarts),
            failures: Vec::new(),
            restarts: Vec::new(),
            successor: None,
            ending: false,
        }
    }

    /// Whether it takes messages.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The actor that started it, and the effect that did.
    pub fn parent(&self) -> Option<(Hash, EffectId)> {
        self.parent.map(|(chain, seq, n)| (Hash::from_bytes(chain), EffectId { seq, n: n.into() }))
    }

    /// What is done about its failures.
    pub fn supervision(&self) -> Supervision {
        let Policy(policy, failures, within, backoff, max_backoff, max_restarts) = self.supervision;
        let on_failure = OnFailure::ALL.get(usize::from(policy)).copied().unwrap_or(OnFailure::GoOn);
        Supervision { on_failure, failures, within, backoff, max_backoff, max_restarts }
    }

    /// The fork that took its place.
    pub fn successor(&self) -> Option<Hash> {
        self.successor.map(Hash::from_bytes)
    }

    /// How often it was started again of late.
    pub fn restarts(&self) -> usize {
        self.restarts.len()
    }
}

/// An effect's number as keys have it.
pub(crate) fn number(n: u64) -> u32 {
    // An entry has at most 10,000 effects.
    u32::try_from(n).unwrap_or(FORK)
}

/// The key of a row about an effect.
pub(crate) fn effect_key(kind: u8, chain: &Hash, seq: u64, n: u32) -> Bytes {
    let mut key = [0; 45];
    key[0] = kind;
    key[1..33].copy_from_slice(chain.as_bytes());
    key[33..41].copy_from_slice(&seq.to_be_bytes());
    key[41..].copy_from_slice(&n.to_be_bytes());
    Bytes::copy_from_slice(&key)
}

/// Reads [`effect_key`].
pub(crate) fn read_effect_key(key: &[u8]) -> Option<(Hash, u64, u32)> {
    let (chain, rest) = key.get(1..)?.split_first_chunk::<32>()?;
    let (seq, n) = rest.split_first_chunk::<8>()?;
    Some((Hash::from_bytes(*chain), u64::from_be_bytes(*seq), u32::from_be_bytes(n.try_into().ok()?)))
}

/// The key of a row about an actor.
pub(crate) fn actor_key(kind: u8, chain: &Hash) -> Bytes {
    [&[kind][..], chain.as_bytes()].concat().into()
}

pub(crate) fn name_key(name: &str) -> Bytes {
    // A name of the format has up to 256 characters, a key 128 bytes.
    if name.len() < 96 {
        return [&[NAME][..], name.as_bytes()].concat().into();
    }
    [&[NAME][..], &name.as_bytes()[..60], Hash::of(name.as_bytes()).as_bytes()].concat().into()
}

pub(crate) fn used_key(chain: &Hash, key: &Hash) -> Bytes {
    [&[KEY][..], chain.as_bytes(), key.as_bytes()].concat().into()
}

/// The chain and the key that a row of [`used_key`] is about.
pub(crate) fn read_used_key(row: &[u8]) -> Option<(Hash, Hash)> {
    let (chain, key) = row.strip_prefix(&[KEY])?.split_first_chunk::<32>()?;
    Some((Hash::from_bytes(*chain), Hash::from_bytes(key.try_into().ok()?)))
}

/// A row with a value of the types above.
pub(crate) fn put(key: Bytes, value: &impl Serialize) -> Row {
    // Writing to a vector cannot fail.
    Row { key, value: Some(postcard::to_allocvec(value).unwrap_or_default().into()) }
}

pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(value).map_err(|error| StoreError::Index {
        action: "reading a row",
        source: format!("the row {} is malformed: {error}", key.escape_ascii()).into(),
    })
}

pub(crate) fn get<T: DeserializeOwned>(store: &dyn Store, key: &[u8]) -> Result<Option<T>, StoreError> {
    store.row(key)?.map(|value| decode(key, &value)).transpose()
}

/// How many rows are read at once.
const PAGE: usize = 10_000;

/// Shows every row whose key begins with `prefix`.
pub(crate) fn scan<T: DeserializeOwned>(
    store: &dyn Store,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after: Option<Bytes> = None;
    loop {
        let page = store.rows(prefix, after.as_deref(), PAGE)?;
        for (key, value) in &page {
            visit(key, decode(key, value)?)?;
        }
        match page.last() {
            Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
            _ => return Ok(()),
        }
    }
}

/// What a store's node knows of an actor, without opening it as a node; `None` if it knows nothing beside the chain.
///
/// # Errors
/// [`StoreError`] if the row cannot be read.
pub fn stored_record(store: &dyn Store, chain: &Hash) -> Result<Option<Record>, StoreError> {
    get(store, &actor_key(ACTOR, chain))
}

/// The names that a store's node gave to its actors, in order, without opening it as a node.
///
/// # Errors
/// [`StoreError`] if the rows cannot be read.
pub fn stored_names(store: &dyn Store) -> Result<Vec<(String, Hash)>, StoreError> {
    let mut names = Vec::new();
    scan::<(String, [u8; 32])>(store, &[NAME], |_, (name, id)| {
        names.push((name, Hash::from_bytes(id)));
        Ok(())
    })?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_effects_read_back_and_are_ordered_by_chain_seq_and_number() {
        let chain = Hash::of(b"a chain");
        let key = effect_key(OUTBOX, &chain, 258, 7);
        assert_eq!(read_effect_key(&key), Some((chain, 258, 7)));
        assert!(effect_key(OUTBOX, &chain, 2, 300) < effect_key(OUTBOX, &chain, 3, 0));
        assert_eq!(read_effect_key(&key[..44]), None);
    }

    #[test]
    fn names_that_differ_have_keys_that_differ_however_long_they_are() {
        let long = "x".repeat(256);
        let other = format!("{}y", &long[..255]);
        assert_ne!(name_key(&long), name_key(&other));
        assert!(name_key(&long).len() <= troupe_store::MAX_ROW_KEY_BYTES);
    }

    #[test]
    fn a_record_keeps_what_it_was_told() {
        let parent = (Hash::of(b"parent"), EffectId { seq: 9, n: 2 });
        let supervision = Supervision { on_failure: OnFailure::Restore, failures: 3, ..Default::default() };
        let record = Record::new(Text::new("a").ok().as_ref(), Some(parent), supervision);
        let row = put(actor_key(ACTOR, &parent.0), &record);
        let read: Record = decode(&row.key, row.value.as_deref().unwrap()).unwrap();
        assert_eq!((read.parent(), read.supervision()), (Some(parent), supervision));
        assert!(decode::<Record>(&row.key, b"").is_err());
    }
}
