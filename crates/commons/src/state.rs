//! The state of a commons: records under keys in an authenticated map.
//!
//! A key is `SECTION/NAME`; a value is the record's canonical JSON. Each module has sections of its own and keeps to
//! them. Invariant: every value in the map was written by [`State::put`], so that it can be read again.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use troupe_chain::Hash;

use crate::canonical::{Id, NotCanonical, from_bytes, to_bytes};
use crate::map::{Map, MapProof};

/// Mana, in units that are not divided.
pub type Mana = u64;
/// A time in milliseconds since 1970, or a time between two.
pub type Millis = u64;
/// A part of a whole, in millionths.
pub type Millionths = u64;

/// The whole, in millionths.
pub const WHOLE: Millionths = 1_000_000;

/// What a chain's entries name as `state`: the map's root, as canonical JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRecord {
    /// The map's root.
    pub root: Id,
    /// The version of this format, 1.
    pub v: u64,
}

impl StateRecord {
    /// Reads a state's bytes.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn read(bytes: &[u8]) -> Result<Self, NotCanonical> {
        let record: Self = from_bytes(bytes)?;
        if record.v == VERSION { Ok(record) } else { Err(NotCanonical("expected version 1".into())) }
    }
}

/// The version of states and commands.
pub(crate) const VERSION: u64 = 1;

/// Something kept in the map.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The part of the key before the slash.
    const SECTION: &'static str;
}

/// All records of a commons at one time. A clone is a snapshot and costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    map: Map,
}

impl State {
    /// Takes a map whose values are records.
    pub(crate) fn of(map: Map) -> Self {
        Self { map }
    }

    /// The map.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The map's root.
    pub fn root(&self) -> Hash {
        self.map.root()
    }

    /// The bytes that an entry names as `state`.
    pub fn record(&self) -> Vec<u8> {
        to_bytes(&StateRecord { root: Id(self.root()), v: VERSION })
    }

    /// Proves what is under a key, for whoever has the root.
    pub fn prove(&self, key: &str) -> MapProof {
        self.map.prove(key.as_bytes())
    }

    pub(crate) fn get<R: Record>(&self, name: impl Display) -> Option<R> {
        let key = key::<R>(name);
        self.map.get(key.as_bytes()).map(|value| read(&key, value))
    }

    pub(crate) fn put<R: Record>(&mut self, name: impl Display, record: &R) {
        self.map.insert(key::<R>(name).as_bytes(), to_bytes(record));
    }

    pub(crate) fn take<R: Record>(&mut self, name: impl Display) {
        self.map.remove(key::<R>(name).as_bytes());
    }

    /// The first records of a section, in ascending order of the rest of their keys, which comes after `after` and begins with
    /// `prefix`: a walk through all keys, for views.
    pub(crate) fn page<R: Record>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<(String, R)> {
        let mut first: BTreeMap<&str, &[u8]> = BTreeMap::new();
        for (key, value) in self.map.iter() {
            let name = std::str::from_utf8(key).ok();
            let name =
                name.and_then(|key| key.strip_prefix(R::SECTION)?.strip_prefix('/')?.strip_prefix(prefix));
            let Some(name) = name.filter(|name| after.is_none_or(|after| *name > after)) else { continue };
            first.insert(name, value);
            if first.len() > limit {
                first.pop_last();
            }
        }
        let read = |(name, value): (&str, &[u8])| {
            (name.to_owned(), read(&format!("{}/{prefix}{name}", R::SECTION), value))
        };
        first.into_iter().map(read).collect()
    }

    /// Every record of a section with the rest of its key, in ascending order: a walk through the whole map, for views.
    pub(crate) fn all<R: Record>(&self) -> Vec<(String, R)> {
        let in_section = |(key, value): (&[u8], &[u8])| {
            let key = std::str::from_utf8(key).ok()?;
            let name = key.strip_prefix(R::SECTION)?.strip_prefix('/')?;
            Some((name.to_owned(), read(key, value)))
        };
        let mut found: Vec<(String, R)> = self.map.iter().filter_map(in_section).collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }
}

/// The key of a record.
pub(crate) fn key<R: Record>(name: impl Display) -> String {
    format!("{}/{name}", R::SECTION)
}

fn read<R: Record>(key: &str, value: &[u8]) -> R {
    match serde_json::from_slice(value) {
        Ok(record) => record,
        Err(error) => unreachable!("{key} was written by `put`: {error}"),
    }
}
