//! Redaction of an exported history: a new one takes its place, and the bytes of the old one are overwritten.
//!
//! Invariant: at every moment the whole old or the whole new history is there, under its name or with `.old` after it;
//! the next call goes on from there.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use troupe_api::{ListedRedaction, RedactActor, RedactedActor, RedactedPart};
use troupe_chain::{Entry, Hash, History, Redaction, RedactionKind, Text, Unreadable};
use troupe_runtime::{Clock, REDACTABLE, SystemClock};
use troupe_store::bundle::Bundle;

use crate::cli::export::{Form, write};
use crate::cli::failure::Failure;
use crate::cli::place::open_bundle;

/// Overwritten with one call.
const PIECE: usize = 1 << 20;

/// A bundle without some of its blobs.
struct Without {
    bundle: Bundle,
    names: BTreeMap<Hash, Redaction>,
}

impl History for Without {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.bundle.head()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        self.bundle.entries().map(|entry| entry.map(Bytes::from))
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        if self.names.contains_key(name) {
            return Ok(None);
        }
        Ok(self.bundle.blob(name)?.map(Bytes::from))
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        match self.names.get(name) {
            Some(redaction) => Ok(Some(redaction.clone())),
            None => self.bundle.redaction(name),
        }
    }
}

pub(super) fn erase(path: &Path, asked: &RedactActor) -> Result<RedactedActor, Failure> {
    let old = beside(path, ".old");
    settle(path, &old)?;
    let bundle = open_bundle(path).map_err(|error| error.into_failure(&path.display().to_string()))?;
    let reason = Text::new(asked.reason.clone().unwrap_or_default()).map_err(Failure::cannot)?;
    let redaction = Redaction { kind: RedactionKind::Erased, at: SystemClock.now(), reason };
    let (from, to) = (asked.from, asked.to.unwrap_or(asked.from));
    let mut blobs = Vec::new();
    let mut names = BTreeMap::new();
    let mut bytes = 0;
    for (seq, entry) in (0..).zip(bundle.entries()).skip(from as usize).take_while(|(seq, _)| *seq <= to) {
        let entry = Entry::decode(&entry.map_err(Failure::cannot)?).map_err(Failure::cannot)?;
        for (field, name) in entry.blobs() {
            let is_meant = REDACTABLE.contains(&field)
                && (asked.fields.is_empty() || asked.fields.iter().any(|one| one == field));
            if !is_meant || names.contains_key(&name) {
                continue;
            }
            let Some(blob) = bundle.blob(&name).map_err(Failure::cannot)? else { continue };
            bytes += blob.len() as u64;
            blobs.push(RedactedPart { name: name.to_string(), seq: Some(seq), field: field.to_owned() });
            names.insert(name, redaction.clone());
        }
    }
    if blobs.is_empty() {
        let what = format!("entries {from} to {to} of {} have no such payload", path.display());
        return Err(Failure::cannot(what)
            .help("`troupe log` shows the entries, `troupe redact list` what was redacted"));
    }
    let form = if path.is_dir() { Form::Folder } else { Form::Car };
    let new = beside(path, ".new");
    scrub(&new).map_err(|error| cannot(&new, &error))?;
    write(&Without { bundle, names }, &new, form)?;
    let swap = || -> io::Result<()> {
        sync(&new)?;
        fs::rename(path, &old)?;
        fs::rename(&new, path)?;
        sync_parent(path)
    };
    swap().map_err(|error| cannot(path, &error))?;
    scrub(&old).map_err(|error| cannot(&old, &error))?;
    let copies = blobs.len() as u64;
    Ok(RedactedActor { done: "erased".to_owned(), blobs, copies, bytes, ..RedactedActor::default() })
}

/// What a bundle says of blobs that are not in it.
pub(super) fn list(bundle: &Bundle) -> Result<Vec<ListedRedaction>, Failure> {
    let mut listed = BTreeMap::new();
    for (seq, entry) in (0..).zip(bundle.entries()) {
        let entry = Entry::decode(&entry.map_err(Failure::cannot)?).map_err(Failure::cannot)?;
        for (field, name) in entry.blobs() {
            if listed.contains_key(&name) {
                continue;
            }
            if let Some(redaction) = bundle.redaction(&name).map_err(Failure::cannot)? {
                let part = RedactedPart { name: name.to_string(), seq: Some(seq), field: field.to_owned() };
                let one = ListedRedaction {
                    part,
                    kind: redaction.kind.to_string(),
                    at: redaction.at.0,
                    reason: redaction.reason.to_string(),
                    by: String::new(),
                };
                listed.insert(name, one);
            }
        }
    }
    Ok(listed.into_values().collect())
}

/// Finishes what an earlier call left half done.
fn settle(path: &Path, old: &Path) -> Result<(), Failure> {
    let settle = || match (path.exists(), old.exists()) {
        // The new one never got the name.
        (false, true) => fs::rename(old, path),
        (true, true) => scrub(old),
        _ => Ok(()),
    };
    settle().map_err(|error| cannot(old, &error))
}

/// Overwrites a file or all files of a folder, and removes them.
fn scrub(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            scrub(&entry?.path())?;
        }
        fs::remove_dir(path)?;
    } else {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let mut left = file.metadata()?.len();
        let zeros = vec![0; PIECE];
        while left > 0 {
            let piece = left.min(PIECE as u64);
            file.write_all(&zeros[..piece as usize])?;
            left -= piece;
        }
        file.sync_all()?;
        fs::remove_file(path)?;
    }
    sync_parent(path)
}

fn sync(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// The path with something after its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.components().as_path().as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::cannot(format_args!("cannot replace {}: {error}", path.display()))
        .help("what was there is there still, under its name or with .old after it; the same command goes on")
}
