//! How far a log has grown, in a signed note: C2SP tlog-checkpoint, and the cosignatures of tlog-cosignature.

use std::fmt::{self, Write as _};

use super::lines::{Lines, number};
use super::{BadNote, KeyName, MAX_NOTE_BYTES, NoteSignature, PublicKey, SecretKey, SignedNote};
use crate::tree::TreeHead;

/// The most lines after the root.
pub const MAX_EXTENSIONS: usize = 16;

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the first line.
    pub origin: KeyName,
    /// How large it is, and the hash over it.
    pub head: TreeHead,
    /// Further lines, none of them empty. Troupe writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without further lines.
    pub fn new(origin: KeyName, head: TreeHead) -> Self {
        Self { origin, head, extensions: Vec::new() }
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse(text: &str) -> Result<Self, BadNote> {
        let mut lines = Lines::new(text.as_bytes(), MAX_NOTE_BYTES)?;
        let origin = lines.next("the origin of a log")?.parse().map_err(|error| lines.bad_name(error))?;
        let size =
            number(lines.next("the size of the tree")?).ok_or_else(|| lines.bad("the size of the tree"))?;
        let root =
            lines.next("the root, in base64")?.parse().map_err(|_| lines.bad("the root, in base64"))?;
        let mut extensions = Vec::new();
        while !lines.rest().is_empty() {
            let line = lines.next("a line that is not empty")?;
            if line.is_empty() || extensions.len() == MAX_EXTENSIONS {
                return Err(lines.bad("at most 16 further lines, none of them empty"));
            }
            extensions.push(line.to_owned());
        }
        Ok(Self { origin, head: TreeHead { size, root }, extensions })
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.head.size, self.head.root);
        for line in &self.extensions {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Signs it.
    pub fn sign(self, key: &SecretKey) -> SignedCheckpoint {
        let text = self.text();
        let signatures = vec![key.sign(&text, 0)];
        SignedCheckpoint { checkpoint: self, note: SignedNote { text, signatures } }
    }
}

/// A checkpoint with its signatures. Nothing of it counts before a key has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl SignedCheckpoint {
    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// [`BadNote`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let note = SignedNote::parse(bytes)?;
        Ok(Self { checkpoint: Checkpoint::parse(&note.text)?, note })
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The tree that it is of.
    pub fn head(&self) -> &TreeHead {
        &self.checkpoint.head
    }

    /// The note that it is.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Whether a log's key signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.note.verified_by(key).is_some()
    }

    /// When a witness cosigned it, in seconds since 1970; `None` if it did not, or its signature does not verify.
    pub fn cosigned_by(&self, witness: &PublicKey) -> Option<u64> {
        self.note.verified_by(witness)
    }

    /// Adds a signature that a key verified before, in place of the one it had of the same key.
    pub fn add(&mut self, signature: NoteSignature) {
        let same = |other: &NoteSignature| other.name == signature.name && other.id == signature.id;
        self.note.signatures.retain(|other| !same(other));
        self.note.signatures.push(signature);
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
