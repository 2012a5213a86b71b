//! What was verified before, in the user's cache folder: up to where a chain was replayed, and the entries of chains of
//! nodes, so that a later run goes on from there, and a node that shows another history is found.
//!
//! Invariant: what is kept convinces this user alone. Entries that are read again are checked to be a chain, and a record
//! only ever moves forward.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use troupe_chain::note::{PublicKey, SignedCheckpoint};
use troupe_chain::{Engine, Hash, Report, Timestamp, Tip};

use crate::cli::code::user_cache;
use crate::cli::parse::now;

/// The version of the record.
const VERSION: u32 = 1;

/// Where it is kept.
pub(in crate::cli) struct Memory {
    folder: PathBuf,
}

/// Up to where a chain was verified, and what its node had signed by then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct Record {
    v: u32,
    chain: String,
    pub(in crate::cli) seq: u64,
    head: String,
    /// When, in milliseconds since 1970.
    at: u64,
    messages: u64,
    failures: u64,
    on_trust: u64,
    provenance_not_checked: u64,
    fuel: u64,
    /// What replayed it: another engine's word is not taken.
    engine: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

impl Memory {
    /// This user's; nothing if the environment names no folder.
    pub(in crate::cli) fn of_user() -> Option<Self> {
        Some(Self { folder: user_cache()?.join("troupe").join("verified") })
    }

    /// The file of a chain's record.
    pub(in crate::cli) fn path(&self, chain: &Hash) -> PathBuf {
        self.folder.join(format!("{chain}.json"))
    }

    /// What is known of a chain. A record that cannot be read is none.
    pub(in crate::cli) fn read(&self, chain: &Hash) -> Option<Record> {
        let record: Record = serde_json::from_slice(&std::fs::read(self.path(chain)).ok()?).ok()?;
        (record.v == VERSION && record.chain == chain.to_string() && record.head().is_some())
            .then_some(record)
    }

    /// Keeps a record, unless one is there that goes further. What was signed before is not forgotten.
    pub(in crate::cli) fn keep(&self, mut record: Record) -> io::Result<()> {
        let chain: Hash = record.chain.parse().map_err(io::Error::other)?;
        if let Some(known) = self.read(&chain) {
            if known.seq > record.seq {
                return Ok(());
            }
            if record.checkpoint.is_none() {
                (record.key, record.checkpoint) = (known.key, known.checkpoint);
            }
        }
        std::fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, &record)?;
        file.persist(self.path(&chain)).map_err(|error| error.error)?;
        Ok(())
    }

    /// The entries of a chain that were fetched before, and the file to add to; `None` while another process has it.
    pub(in crate::cli) fn entries(&self, chain: &Hash) -> io::Result<Option<(KeptEntries, Vec<Bytes>)>> {
        std::fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{chain}.entries"));
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let entries = whole_entries(chain, &Bytes::from(bytes));
        // What is left of an interrupted write goes.
        let length = entries.iter().map(|entry| entry.len() as u64 + 1).sum();
        file.set_len(length)?;
        Ok(Some((KeptEntries { file }, entries)))
    }
}

/// The lines that are entries of the chain, from genesis on.
fn whole_entries(chain: &Hash, bytes: &Bytes) -> Vec<Bytes> {
    let (mut entries, mut tip, mut from) = (Vec::new(), None::<Tip>, 0);
    while let Some(length) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let line = bytes.slice(from..from + length);
        let fits = match &mut tip {
            None => Tip::check_genesis(&line).is_ok_and(|(begun, _)| tip.insert(begun).chain == *chain),
            Some(tip) => tip.check(&line).is_ok(),
        };
        if !fits {
            break;
        }
        entries.push(line);
        from += length + 1;
    }
    entries
}

/// The file of a chain's entries, which this process alone writes.
#[derive(Debug)]
pub(in crate::cli) struct KeptEntries {
    file: File,
}

impl KeptEntries {
    /// Adds entries at the end.
    pub(in crate::cli) fn append(&mut self, entries: &[Bytes]) -> io::Result<()> {
        let mut out = Vec::with_capacity(entries.iter().map(|entry| entry.len() + 1).sum());
        for entry in entries {
            out.extend_from_slice(entry);
            out.push(b'\n');
        }
        self.file.write_all(&out)
    }

    /// Forgets all of it: the node no longer has these.
    pub(in crate::cli) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }
}

/// An engine as it stands in a record.
pub(in crate::cli) fn engine_text(engine: &Engine) -> String {
    engine.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

impl Record {
    /// Makes a record of what was verified now.
    pub(in crate::cli) fn new(report: &Report, engine: &Engine) -> Self {
        Self {
            v: VERSION,
            chain: report.chain.to_string(),
            seq: report.seq,
            head: report.head.to_string(),
            at: now(),
            messages: report.messages,
            failures: report.failures,
            on_trust: report.on_trust,
            provenance_not_checked: report.provenance_not_checked,
            fuel: report.fuel.0,
            engine: engine_text(engine),
            key: None,
            checkpoint: None,
        }
    }

    /// Adds what the node had signed.
    pub(in crate::cli) fn signed(mut self, signed: Option<(&PublicKey, &SignedCheckpoint)>) -> Self {
        self.key = signed.map(|(key, _)| key.to_string());
        self.checkpoint = signed.map(|(_, checkpoint)| checkpoint.to_string());
        self
    }

    /// The name of the last entry that was verified.
    pub(in crate::cli) fn head(&self) -> Option<Hash> {
        self.head.parse().ok()
    }

    /// When it was.
    pub(in crate::cli) fn at(&self) -> Timestamp {
        Timestamp(self.at)
    }

    /// Whether this engine replayed it.
    pub(in crate::cli) fn is_of(&self, engine: &Engine) -> bool {
        self.engine == engine_text(engine)
    }

    /// The key that had signed it.
    pub(in crate::cli) fn key(&self) -> Option<PublicKey> {
        self.key.as_ref()?.parse().ok()
    }

    /// The checkpoint that the history was compared with.
    pub(in crate::cli) fn checkpoint(&self) -> Option<SignedCheckpoint> {
        SignedCheckpoint::parse(self.checkpoint.as_ref()?.as_bytes()).ok()
    }

    /// A report of what was verified then and now.
    pub(in crate::cli) fn and(&self, later: &Report) -> Report {
        Report {
            messages: self.messages + later.messages,
            failures: self.failures + later.failures,
            on_trust: self.on_trust + later.on_trust,
            provenance_not_checked: self.provenance_not_checked + later.provenance_not_checked,
            fuel: troupe_chain::Fuel(self.fuel.saturating_add(later.fuel.0)),
            ..later.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use troupe_chain::{Code, Fuel, Genesis, Text};

    use super::*;

    fn genesis(nonce: u8) -> (Tip, Bytes) {
        let text = |text: &str| Text::new(text).unwrap();
        let genesis = Genesis {
            code: Code::Native(text("none@1")),
            world: text("none"),
            config: None,
            limits: [(text("fuel"), 1)].into(),
            engine: [(text("name"), text("none"))].into(),
            grants: Vec::new(),
            owner: None,
            nonce: Hash::from_bytes([nonce; 32]),
            fork: None,
            started_by: None,
        };
        let (tip, linked) = Tip::start(genesis, Timestamp(1));
        (tip, linked.bytes.into())
    }

    fn memory(folder: &Path) -> Memory {
        Memory { folder: folder.join("verified") }
    }

    fn record(chain: Hash, seq: u64) -> Record {
        let report = Report {
            chain,
            head: Hash::of(&seq.to_le_bytes()),
            seq,
            messages: seq,
            failures: 0,
            on_trust: 0,
            provenance_not_checked: 0,
            fuel: Fuel(seq),
            not_replayed: 0,
            gaps: Vec::new(),
        };
        Record::new(&report, &Engine::new())
    }

    #[test]
    fn a_record_only_moves_forward_and_a_checkpoint_in_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (memory, chain) = (memory(folder.path()), Hash::of(b"chain"));
        assert!(memory.read(&chain).is_none());
        let signed = Record { checkpoint: Some("as it was".into()), ..record(chain, 5) };
        memory.keep(signed).unwrap();
        memory.keep(record(chain, 3)).unwrap();
        assert_eq!(memory.read(&chain).unwrap().seq, 5);
        memory.keep(record(chain, 9)).unwrap();
        let known = memory.read(&chain).unwrap();
        assert_eq!((known.seq, known.checkpoint.as_deref()), (9, Some("as it was")));
        assert_eq!(known.and(&Report { seq: 12, ..report_of(&known) }).messages, 18);
        std::fs::write(memory.path(&chain), "{}").unwrap();
        assert!(memory.read(&chain).is_none());
    }

    fn report_of(record: &Record) -> Report {
        Report {
            chain: record.chain.parse().unwrap(),
            head: record.head().unwrap(),
            seq: record.seq,
            messages: record.messages,
            failures: 0,
            on_trust: 0,
            provenance_not_checked: 0,
            fuel: Fuel(0),
            not_replayed: 0,
            gaps: Vec::new(),
        }
    }

    #[test]
    fn what_is_left_of_an_interrupted_write_or_is_another_chain_s_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let memory = memory(folder.path());
        let (tip, first) = genesis(1);
        let (mut kept, entries) = memory.entries(&tip.chain).unwrap().unwrap();
        assert!(entries.is_empty());
        // While one process has it, another does without.
        assert!(memory.entries(&tip.chain).unwrap().is_none());
        kept.append(&[first.clone(), genesis(2).1]).unwrap();
        kept.file.write_all(b"{\"data\":{\"at\"").unwrap();
        drop(kept);
        for _ in 0..2 {
            let (_, entries) = memory.entries(&tip.chain).unwrap().unwrap();
            assert_eq!(entries, std::slice::from_ref(&first));
        }
        let (mut kept, _) = memory.entries(&tip.chain).unwrap().unwrap();
        kept.clear().unwrap();
        kept.append(std::slice::from_ref(&first)).unwrap();
        drop(kept);
        assert_eq!(memory.entries(&tip.chain).unwrap().unwrap().1, [first]);
        assert!(memory.entries(&genesis(2).0.chain).unwrap().unwrap().1.is_empty());
    }
}
