//! A witness: cosigns checkpoints of logs that it was told of, as long as each goes on from the last.
//!
//! Invariant: what is cosigned is durable before the cosignature leaves, and of one log only one submission is looked at
//! at a time. So no crash and no race makes a witness cosign two histories.

mod state;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use troupe_chain::note::{BadNote, KeyName, NoteSignature, PublicKey, SecretKey, Submission};
use troupe_chain::tree::{NotProved, TreeHead, check_consistency};

use self::state::States;
use crate::{KeyFileError, Passphrase};

/// The file of a witness's folder that holds its key.
pub const WITNESS_KEY_FILE: &str = "witness.key";

/// Why a submission was not cosigned. The HTTP status of each is what tlog-witness says.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// 400: the body is no submission.
    #[error("the submission: {0}")]
    Malformed(#[from] BadNote),
    /// 400: the older tree is larger than the newer.
    #[error("the old size, {old}, is beyond the checkpoint's, {size}")]
    Backwards {
        /// As given.
        old: u64,
        /// Of the checkpoint.
        size: u64,
    },
    /// 403: no key of the log signed it.
    #[error("no key of `{0}` has signed the checkpoint")]
    NotSigned(String),
    /// 404: the log is none of those that the witness was told of.
    #[error("`{0}` is no log of this witness")]
    UnknownLog(String),
    /// 409: the witness knows the log at another size, or at this size with another root.
    #[error("the last checkpoint that was cosigned has {0} leaves")]
    Conflict(u64),
    /// 422: the proof does not show that the log goes on from there.
    #[error("the checkpoint does not go on from the last one: {0}")]
    Inconsistent(#[from] NotProved),
    /// 500: what is to be cosigned could not be made durable.
    #[error(transparent)]
    State(#[from] WitnessError),
}

impl Refused {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Backwards { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Conflict(_) => 409,
            Self::Inconsistent(_) => 422,
            Self::State(_) => 500,
        }
    }
}

/// Why a witness cannot work.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Its folder could not be used.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was done.
        action: &'static str,
        /// Where.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// Another process has the folder.
    #[error("{0} is in use by another witness: two with one memory each would cosign two histories")]
    InUse(String),
    /// A file of its memory holds something else.
    #[error("{path} is not what a witness writes: {what}")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// No log.
    #[error("a witness needs at least one log, and no two keys of one name and id")]
    NoLog,
}

/// A witness with its memory.
pub struct Witness {
    key: SecretKey,
    /// The keys of each log, by its origin, and the tree that was cosigned last.
    logs: BTreeMap<KeyName, Log>,
    states: States,
}

struct Log {
    keys: Vec<PublicKey>,
    last: Mutex<TreeHead>,
}

impl Witness {
    /// Opens a witness's folder, or makes one; `logs` are the keys of the logs to cosign. A key is made if there is none,
    /// with the name given, or one of its own, encrypted if there is a passphrase.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(
        folder: &Path,
        name: Option<&KeyName>,
        logs: Vec<PublicKey>,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, WitnessError> {
        let states = States::open(folder)?;
        let kind = troupe_chain::note::KeyKind::Witness;
        let key = crate::load_or_create_key(
            &folder.join(WITNESS_KEY_FILE),
            kind,
            "troupe.witness",
            name,
            passphrase,
        )?;
        let mut known: BTreeMap<KeyName, Log> = BTreeMap::new();
        for log in logs {
            let origin = log.name().clone();
            match known.get_mut(&origin) {
                Some(known) => known.keys.push(log),
                None => {
                    let last = Mutex::new(states.load(&origin)?);
                    known.insert(origin, Log { keys: vec![log], last });
                }
            }
        }
        if known.is_empty() {
            return Err(WitnessError::NoLog);
        }
        Ok(Self { key, logs: known, states })
    }

    /// Its key, for the logs and for whoever trusts it.
    pub fn key(&self) -> &PublicKey {
        self.key.public()
    }

    /// The logs, and the size of each that was cosigned last.
    pub fn logs(&self) -> Vec<(KeyName, u64)> {
        let size = |log: &Log| log.last.lock().unwrap_or_else(PoisonError::into_inner).size;
        self.logs.iter().map(|(origin, log)| (origin.clone(), size(log))).collect()
    }

    /// Looks at the body of an `add-checkpoint` and cosigns it. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn add_checkpoint(&self, body: &[u8], now: u64) -> Result<NoteSignature, Refused> {
        let Submission { old, proof, checkpoint } = Submission::parse(body)?;
        let (origin, head) = (&checkpoint.checkpoint().origin, *checkpoint.head());
        let log = self.logs.get(origin).ok_or_else(|| Refused::UnknownLog(origin.to_string()))?;
        if !log.keys.iter().any(|key| checkpoint.is_signed_by(key)) {
            return Err(Refused::NotSigned(origin.to_string()));
        }
        if old > head.size {
            return Err(Refused::Backwards { old, size: head.size });
        }
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        if old != last.size || (old == head.size && last.root != head.root) {
            return Err(Refused::Conflict(last.size));
        }
        check_consistency(&last, &head, &proof)?;
        if *last != head {
            self.states.store(origin, &checkpoint)?;
            *last = head;
        }
        Ok(self.key.sign(&checkpoint.note().text, now))
    }
}
