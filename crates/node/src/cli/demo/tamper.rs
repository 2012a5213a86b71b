//! What one changed byte does: in a file, and in the hands of somebody who makes every hash fit again.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use troupe_chain::{Body, Entry, Hash, History, NotVerified, Unreadable};
use troupe_store::bundle::Bundle;

use super::{false_word, write};
use crate::cli::failure::{Done, Failure};
use crate::cli::place::Source;
use crate::cli::screen::{BOLD, DIM, Screen, count, excerpt, short};
use crate::cli::verify;

/// What was changed, and what came of it.
pub(super) struct Tampered {
    seq: u64,
    offset: usize,
    bytes: usize,
    from: char,
    to: char,
    place: String,
    /// What is said of the changed file.
    in_file: String,
    /// What is said of the history whose hashes were all made anew.
    relinked: NotVerified,
}

/// Makes the strongest earthquake weaker by one digit: in a copy of the bundle, and in a forged history.
pub(super) fn tamper(
    screen: &Screen,
    source: &Source,
    bundle: &Path,
    strongest: &Value,
) -> Result<Tampered, Failure> {
    let missing = || Failure::cannot("the strongest earthquake is not in the history");
    let id = strongest[2].as_str().ok_or_else(missing)?;
    let place = strongest[3].as_str().unwrap_or_default().to_owned();
    let (seq, message) = find(source, &format!("\"id\":\"{id}\""))?.ok_or_else(missing)?;
    let digit = position(&message, b"\"mag\":").ok_or_else(missing)? + b"\"mag\":".len();

    let cannot =
        |error: std::io::Error| Failure::cannot(format_args!("cannot read {}: {error}", bundle.display()));
    let mut file = std::fs::read(bundle).map_err(cannot)?;
    let offset = position(&file, &message).ok_or_else(missing)? + digit;
    let from = file[offset];
    let to = if from == b'0' { b'1' } else { from - 1 };
    file[offset] = to;
    let changed = bundle.with_file_name("tampered.car");
    write(&changed, &file)?;
    let in_file = match Bundle::open(&changed) {
        Err(error) if error.is_false() => error.to_string(),
        Err(error) => return Err(Failure::cannot(error)),
        Ok(_) => return Err(Failure::is_false("a changed byte was not noticed")),
    };

    let mut forged = message.to_vec();
    forged[digit] = to;
    let history = Forged::new(source, seq, forged.into())?;
    let Err(relinked) = verify::replay(screen, &verify::machines(screen), &history, source.seq()) else {
        return Err(Failure::is_false("a forged history was not noticed"));
    };
    let (from, to) = (char::from(from), char::from(to));
    Ok(Tampered { seq, offset, bytes: file.len(), from, to, place, in_file, relinked })
}

/// The first message that has `text` in it, and its position.
fn find(source: &Source, text: &str) -> Result<Option<(u64, Bytes)>, Failure> {
    for bytes in source.entries() {
        let entry = Entry::decode(&bytes.map_err(Failure::cannot)?).map_err(Failure::cannot)?;
        let Body::Message(body) = &entry.body else { continue };
        let Some(message) = source.blob(&body.message).map_err(Failure::cannot)? else { continue };
        if position(&message, text.as_bytes()).is_some() {
            return Ok(Some((entry.seq, message)));
        }
    }
    Ok(None)
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// A history in which one message was exchanged, and every hash from there on made anew.
struct Forged<'a> {
    source: &'a Source,
    entries: Vec<Bytes>,
    blobs: HashMap<Hash, Bytes>,
}

impl<'a> Forged<'a> {
    fn new(source: &'a Source, seq: u64, message: Bytes) -> Result<Self, Failure> {
        let name = Hash::of(&message);
        let mut entries: Vec<Bytes> = Vec::new();
        for bytes in source.entries() {
            let mut entry = Entry::decode(&bytes.map_err(Failure::cannot)?).map_err(Failure::cannot)?;
            entry.parent = entries.last().map(|parent| Hash::of(parent));
            if let Body::Message(body) = &mut entry.body
                && entry.seq == seq
            {
                body.message = name;
            }
            entries.push(entry.encode().into());
        }
        Ok(Self { source, entries, blobs: HashMap::from([(name, message)]) })
    }
}

impl History for Forged<'_> {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        Hash::of(self.entries.last().map_or(&[][..], AsRef::as_ref))
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        self.entries.iter().cloned().map(Ok)
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        match self.blobs.get(name) {
            Some(blob) => Ok(Some(blob.clone())),
            None => self.source.blob(name),
        }
    }
}

impl Tampered {
    /// Prints what was changed and who noticed.
    pub(super) fn print(&self, screen: &Screen) -> Done {
        let Self { from, to, .. } = self;
        screen.line("")?;
        screen.line(format_args!("{BOLD}Now somebody makes the strongest one weaker by a digit{BOLD:#}"))?;
        screen.field("quake", &self.place)?;
        let (offset, bytes) = (count(self.offset as u64), count(self.bytes as u64));
        screen
            .field("change", format_args!("byte {offset} of {bytes} in a copy of the file: {from} → {to}"))?;
        screen.field("verify", format_args!("{} at seq {BOLD}{}{BOLD:#}", false_word(), self.seq))?;
        screen.field(
            "",
            format_args!(
                "{DIM}{}{DIM:#}",
                shorten(self.in_file.split_once(", ").map_or(&self.in_file, |(_, what)| what))
            ),
        )?;
        screen.line("")?;
        screen.line(format_args!("{BOLD}… and makes every hash from there on fit again{BOLD:#}"))?;
        let NotVerified::Diverged(divergence) = &self.relinked else {
            return Ok(screen.field("verify", format_args!("{}: {}", false_word(), self.relinked))?);
        };
        let field = divergence.field;
        screen.field(
            "verify",
            format_args!(
                "{} at seq {BOLD}{}{BOLD:#}: the replay got another {field}",
                false_word(),
                divergence.seq
            ),
        )?;
        let (says, got) = (short(&divergence.says), short(&divergence.got));
        Ok(screen.field("", format_args!("{DIM}chain says {says}…, replay got {got}…{DIM:#}"))?)
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "seq": self.seq, "offset": self.offset, "in_file": self.in_file,
            "relinked": { "seq": self.relinked.seq(), "reason": self.relinked.to_string() },
        })
    }
}

/// An explanation with its names cut short, to fit a line.
fn shorten(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.parse::<Hash>() {
        Ok(name) => format!("{}…", short(name)),
        Err(_) => word.to_owned(),
    });
    excerpt(&words.collect::<Vec<_>>().join(" "), 160)
}
