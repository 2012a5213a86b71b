//! Asking witnesses for cosignatures, and believing what they remember.
//!
//! Invariant: after a start nothing new is signed before one witness, where there are any, has said that it knows no more
//! of this log than the store does, and nothing else.

use troupe_chain::note::{NoteSignature, PublicKey, SignedCheckpoint, Submission};
use troupe_chain::tree::prove_consistency;
use troupe_store::Store;

use crate::trees::Kept;
use crate::{LogError, Tree};

/// A witness, and where it listens.
#[derive(Debug, Clone)]
pub struct WitnessAt {
    /// What `add-checkpoint` is put after.
    pub url: String,
    /// Its key.
    pub key: PublicKey,
}

/// What a witness answered.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most 64 KiB.
    pub body: Vec<u8>,
}

/// Why a witness did not cosign; the next round asks again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PushError(pub String);

/// Brings a submission to a witness. The implementation has a time limit of its own.
pub trait Submit: Send + Sync {
    /// Posts `body` to `url`.
    ///
    /// # Errors
    /// [`PushError`] if there is no answer.
    fn submit(&self, url: &str, body: &str) -> Result<Submitted, PushError>;
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The witness cosigned.
    Cosigned,
    /// The witness knows the log at another size.
    Knows(u64),
}

/// A witness, and the size of the log that it cosigned last, as far as is known.
struct Peer {
    at: WitnessAt,
    known: u64,
}

/// The witnesses of a log.
pub(crate) struct Peers {
    peers: Vec<Peer>,
    compared: bool,
}

impl Peers {
    pub(crate) fn new(witnesses: Vec<WitnessAt>) -> Self {
        let compared = witnesses.is_empty();
        Self { peers: witnesses.into_iter().map(|at| Peer { at, known: 0 }).collect(), compared }
    }

    /// Whether one of them has cosigned a checkpoint, or there are none.
    pub(crate) fn has_cosigned(&self, signed: &SignedCheckpoint) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peer| signed.cosigned_by(&peer.at.key).is_some())
    }

    /// Whether a checkpoint lacks some witness's cosignature.
    pub(crate) fn lacks(&self, signed: &SignedCheckpoint) -> bool {
        self.peers.iter().any(|peer| signed.cosigned_by(&peer.at.key).is_none())
    }

    /// Once after a start: asks the witnesses about the last published checkpoint, until one has answered.
    pub(crate) fn compare(
        &mut self,
        store: &dyn Store,
        published: Option<&SignedCheckpoint>,
        submit: &dyn Submit,
    ) -> Result<Vec<String>, LogError> {
        if self.compared {
            return Ok(Vec::new());
        }
        // Of a log that has not begun there is nothing to compare but that no witness knows it, which the first push says.
        let Some(published) = published else {
            self.compared = true;
            return Ok(Vec::new());
        };
        let mut notes = Vec::new();
        for peer in &mut self.peers {
            match peer.cosign(store, &mut published.clone(), submit)? {
                Ok(()) => self.compared = true,
                Err(why) => notes.push(format!("{}: {why}", peer.at.key.name())),
            }
        }
        if self.compared { Ok(notes) } else { Err(LogError::NotCompared(notes.join("; "))) }
    }

    /// Collects cosignatures; says why where there is none.
    pub(crate) fn push(
        &mut self,
        store: &dyn Store,
        signed: &mut SignedCheckpoint,
        submit: &dyn Submit,
    ) -> Result<Vec<String>, LogError> {
        let mut notes = Vec::new();
        for peer in &mut self.peers {
            if signed.cosigned_by(&peer.at.key).is_none()
                && let Err(why) = peer.cosign(store, signed, submit)?
            {
                notes.push(format!("{} did not cosign: {why}", peer.at.key.name()));
            }
        }
        Ok(notes)
    }
}

impl Peer {
    /// Asks for a cosignature, a second time where the witness knows the log at another size.
    fn cosign(
        &mut self,
        store: &dyn Store,
        signed: &mut SignedCheckpoint,
        submit: &dyn Submit,
    ) -> Result<Result<(), PushError>, LogError> {
        for _ in 0..2 {
            match self.ask(store, signed, submit)? {
                Ok(Pushed::Cosigned) => return Ok(Ok(())),
                Ok(Pushed::Knows(size)) => self.learn(size, signed)?,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Err(PushError(format!(
            "it says that it knows {} leaves, and does not go on from there",
            self.known
        ))))
    }

    /// Takes in what size a witness knows. It cannot know more than was published before it was asked.
    fn learn(&mut self, theirs: u64, signed: &SignedCheckpoint) -> Result<(), LogError> {
        let (ours, witness) = (signed.head().size, self.at.key.name().to_string());
        if theirs > ours {
            return Err(LogError::SetBack { witness, theirs, ours });
        }
        if theirs == self.known && theirs == ours {
            return Err(LogError::Forked { witness, what: format!("another root at size {ours}") });
        }
        self.known = theirs;
        Ok(())
    }

    fn ask(
        &mut self,
        store: &dyn Store,
        signed: &mut SignedCheckpoint,
        submit: &dyn Submit,
    ) -> Result<Result<Pushed, PushError>, LogError> {
        let (old, size) = (self.known.min(signed.head().size), signed.head().size);
        let proof = prove_consistency(&Kept::new(store, Tree::Node), old, size)??;
        let submission = Submission { old, proof, checkpoint: signed.clone() };
        let url = format!("{}/add-checkpoint", self.at.url.trim_end_matches('/'));
        let answer = match submit.submit(&url, &submission.to_string()) {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        match answer.status {
            200 => {
                let Some(signature) = self.verified(&answer.body, signed) else {
                    return Ok(Err(PushError("its answer has no cosignature of its key".into())));
                };
                signed.add(signature);
                self.known = size;
                Ok(Ok(Pushed::Cosigned))
            }
            409 => {
                let size =
                    std::str::from_utf8(&answer.body).ok().and_then(|text| text.trim_end().parse().ok());
                Ok(size.map(Pushed::Knows).ok_or_else(|| PushError("it answered 409 without a size".into())))
            }
            422 => {
                let what = format!("the first {old} of {size} leaves are not those that it cosigned");
                Err(LogError::Forked { witness: self.at.key.name().to_string(), what })
            }
            status => {
                let body: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
                Ok(Err(PushError(format!("status {status}: {}", body.trim_end()))))
            }
        }
    }

    /// The witness's own signature among those that it answered with, if its key verifies it.
    fn verified(&self, body: &[u8], signed: &SignedCheckpoint) -> Option<NoteSignature> {
        let text = &signed.note().text;
        let signatures = NoteSignature::parse_lines(body).ok()?;
        signatures.into_iter().find(|signature| self.at.key.verify(text, signature).is_some())
    }
}
