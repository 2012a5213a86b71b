//! A text with signatures below it: C2SP signed-note.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::lines::Lines;
use super::{BadNote, KeyName, PublicKey};

/// The most bytes of a note.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// The most signatures of a note; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;
/// The most bytes of one signature. A post-quantum one, which is passed over, has nearly 5,000.
const MAX_SIGNATURE_BYTES: usize = 8 << 10;
/// What a signature's line begins with: an em dash.
const DASH: &str = "\u{2014} ";

/// A signature as it stands in a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key that it says it is of.
    pub name: KeyName,
    /// The id of that key.
    pub id: [u8; 4],
    /// What the key signed, in the key's own form.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads lines of signatures, as a witness answers; there is at least one.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse_lines(bytes: &[u8]) -> Result<Vec<Self>, BadNote> {
        signatures(&mut Lines::new(bytes, MAX_NOTE_BYTES)?)
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id, self.bytes.as_slice()].concat();
        writeln!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A text and what was signed of it. Nothing of it counts before a key has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    /// The text, which ends with a newline.
    pub text: String,
    /// Its signatures.
    pub signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Reads a note.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let mut lines = Lines::new(bytes, MAX_NOTE_BYTES)?;
        // The last empty line is where the text ends.
        let whole = lines.rest();
        let end = whole
            .rfind("\n\n")
            .ok_or(BadNote::Line { line: 1, expected: "text, an empty line, signatures" })?;
        let text = whole[..=end].to_owned();
        lines.skip(end + 2);
        Ok(Self { text, signatures: signatures(&mut lines)? })
    }

    /// The time that a key's signature says (0 for a log's), if there is one and the key verifies it.
    ///
    /// Of a key that signed it and whose signature does not verify, nothing is believed: then there is none, even if
    /// another of its signatures would verify.
    pub fn verified_by(&self, key: &PublicKey) -> Option<u64> {
        let mut times = self.signatures.iter().filter(|signature| key.is_named_by(signature));
        let first = key.verify(&self.text, times.next()?)?;
        times.try_fold(first, |latest, signature| Some(latest.max(key.verify(&self.text, signature)?)))
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

/// Lines of signatures up to the end.
fn signatures(lines: &mut Lines<'_>) -> Result<Vec<NoteSignature>, BadNote> {
    const SIGNATURE: &str = "a signature: an em dash, a key's name, and base64";
    let mut signatures = Vec::new();
    while !lines.rest().is_empty() || signatures.is_empty() {
        let line = lines.next(SIGNATURE)?;
        let parts = line.strip_prefix(DASH).and_then(|line| line.split_once(' '));
        let (name, encoded) = parts.ok_or_else(|| lines.bad(SIGNATURE))?;
        let name = name.parse().map_err(|error| lines.bad_name(error))?;
        let decoded =
            (encoded.len() <= 2 * MAX_SIGNATURE_BYTES).then(|| STANDARD.decode(encoded).ok()).flatten();
        let bytes = decoded.ok_or_else(|| lines.bad(SIGNATURE))?;
        let (id, bytes) = bytes.split_first_chunk().ok_or_else(|| lines.bad(SIGNATURE))?;
        if bytes.is_empty() {
            return Err(lines.bad(SIGNATURE));
        }
        if signatures.len() == MAX_SIGNATURES {
            return Err(lines.bad("no more than 64 signatures"));
        }
        signatures.push(NoteSignature { name, id: *id, bytes: bytes.to_vec() });
    }
    Ok(signatures)
}
