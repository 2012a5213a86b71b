//! The log stage of a verification: what the node signed about the history, and who cosigned it.
//!
//! Invariant: a checkpoint is compared with the tree over all entries at hand, not with a proof that somebody gives.

use std::path::PathBuf;

use serde_json::{Value, json};
use troupe_api::{Client, ClientError, ErrorCode};
use troupe_chain::note::{KeyName, PublicKey, SignedCheckpoint, Trust};
use troupe_chain::tree::{Leaves, TreeHash};
use troupe_chain::{Hash, History, Unreadable};

use crate::cli::did::Did;
use crate::cli::failure::Failure;
use crate::cli::node::explain;
use crate::cli::parse;
use crate::cli::place::Place;
use crate::cli::screen::{Screen, WARN, count, plural};
use crate::cli::signing;

/// What a reader knows of the signer.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SignedArgs {
    /// The key of the node, from somebody whom you believe: it must have signed a checkpoint of the history
    #[arg(long, value_name = "KEY", value_parser = signing::log_key, help_heading = "Checkpoints")]
    pub(in crate::cli) key: Option<PublicKey>,
    /// A checkpoint that somebody kept (`troupe checkpoint --raw`); the history must go on from it
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Checkpoints")]
    pub(in crate::cli) checkpoint: Option<PathBuf>,
    /// The key of a witness that you believe; may be given again
    #[arg(long, value_name = "KEY", value_parser = signing::witness_key, help_heading = "Checkpoints")]
    pub(in crate::cli) witness_key: Vec<PublicKey>,
    /// How many of them must have cosigned what the node signed [default: all of them]
    #[arg(long, value_name = "N", requires = "witness_key", help_heading = "Checkpoints")]
    pub(in crate::cli) witnesses: Option<usize>,
    /// Where the node is, if a DID is given in place of it
    #[arg(long, value_name = "URL", help_heading = "Checkpoints")]
    pub(in crate::cli) url: Option<String>,
    /// Whom the DID names: one of their keys must have signed a checkpoint of the history.
    #[arg(skip)]
    pub(in crate::cli) did: Option<Did>,
}

impl SignedArgs {
    /// Puts the URL in the place of a DID, and keeps whose keys must have signed.
    pub(super) fn resolve(&mut self, place: &mut String) -> Result<(), Failure> {
        match (Did::is_meant(place), self.url.take()) {
            (false, None) => Ok(()),
            (false, Some(_)) => {
                Err(Failure::cannot("--url says where the node of a DID is, and no DID is given")
                    .help("give the URL alone, or `did:key:… --url URL`"))
            }
            (true, None) => {
                Err(Failure::cannot("a DID says who must have signed, and not where the node is")
                    .help(format_args!("troupe verify {place} --url URL")))
            }
            (true, Some(url)) if Place::url(&url).is_none() => {
                Err(Failure::cannot(format_args!("--url: `{url}` is no URL"))
                    .help("give it as http://HOST:PORT, or that of an actor, http://HOST:PORT/actors/NAME"))
            }
            (true, Some(url)) => {
                self.did = Some(Did::resolve(place)?);
                *place = url;
                Ok(())
            }
        }
    }

    /// Whether it is said who must have signed.
    pub(super) fn is_signer_given(&self) -> bool {
        self.key.is_some() || self.did.is_some()
    }
}

/// A checkpoint of the history, and the key that it is believed for.
pub(in crate::cli) struct Signed {
    pub(in crate::cli) key: PublicKey,
    key_given: bool,
    did: Option<Did>,
    pub(in crate::cli) checkpoint: SignedCheckpoint,
    witnesses: Vec<KeyName>,
}

/// Why the signed history is not this one; a sentence.
pub(in crate::cli) struct NotSigned(pub(in crate::cli) String);

/// Asks a node what it signed about a chain; `None` if nothing yet, or it does not sign.
pub(in crate::cli) fn fetch(
    log: &Client,
    args: &SignedArgs,
    known: Option<PublicKey>,
) -> Result<Option<Signed>, Failure> {
    let nothing_yet = |error: &ClientError| {
        error
            .problem()
            .is_some_and(|problem| matches!(problem.code, ErrorCode::NotSigned | ErrorCode::NotFound))
    };
    let checkpoint = match log.checkpoint() {
        Ok(checkpoint) => checkpoint,
        Err(error) if nothing_yet(&error) => return Ok(None),
        Err(error) => return Err(explain(&error)),
    };
    let (key_given, did) = (args.key.is_some(), args.did.clone());
    // A key of somebody else was remembered under another DID, or none.
    let known = known.filter(|key| did.as_ref().is_none_or(|did| did.has(key)));
    let key = match args.key.clone().or(known) {
        Some(key) => key,
        None => log.of_node().key().map_err(|error| explain(&error))?.parse().map_err(Failure::cannot)?,
    };
    Ok(Some(Signed { key, key_given, did, checkpoint, witnesses: Vec::new() }))
}

/// Reads the checkpoint that somebody kept.
pub(in crate::cli) fn read(args: &SignedArgs) -> Result<Option<Signed>, Failure> {
    let (Some(path), Some(key)) = (&args.checkpoint, &args.key) else { return Ok(None) };
    let checkpoint = SignedCheckpoint::parse(&parse::file(path)?)
        .map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))?;
    Ok(Some(Signed { key: key.clone(), key_given: true, did: None, checkpoint, witnesses: Vec::new() }))
}

/// The tree over the names of all entries.
pub(in crate::cli) fn leaves<H: History>(history: &H) -> Result<Leaves, Unreadable> {
    history.entries().map(|entry| Ok(TreeHash::of_leaf(Hash::of(entry?.as_ref()).as_bytes()))).collect()
}

impl Signed {
    /// Compares the checkpoint with the history that was shown.
    pub(in crate::cli) fn check(&self, chain: &Hash, leaves: &Leaves) -> Result<(), NotSigned> {
        let (checkpoint, key) = (self.checkpoint.checkpoint(), &self.key);
        if let Some(did) = self.did.as_ref().filter(|did| !did.has(key)) {
            return Err(NotSigned(format!("the node signs as {}, which is no key of {did}", key.did())));
        }
        if checkpoint.origin != KeyName::of_chain(chain) {
            let text = format!("the checkpoint is of `{}`, which is not this chain", checkpoint.origin);
            return Err(NotSigned(text));
        }
        if !self.checkpoint.is_signed_by(key) {
            return Err(NotSigned(format!("the checkpoint is not signed by {key}")));
        }
        let (size, shown) = (checkpoint.head.size, leaves.head().size);
        match leaves.head_at(size) {
            None => Err(NotSigned(format!(
                "the key signed {} entries, and only {} are shown: entries are missing at the end",
                count(size),
                count(shown)
            ))),
            Some(head) if head != checkpoint.head => {
                Err(NotSigned(format!("the key signed another history of {} entries than this", count(size))))
            }
            Some(_) => Ok(()),
        }
    }

    /// Requires that witnesses cosigned what the node signed. They cosign the log of the node, so that the way from there
    /// to the chain's checkpoint is asked for as well.
    pub(in crate::cli) fn witnessed(
        &mut self,
        log: &Client,
        args: &SignedArgs,
        leaves: &Leaves,
    ) -> Result<(), NotSigned> {
        if args.witness_key.is_empty() {
            return Ok(());
        }
        let quorum = args.witnesses.unwrap_or(args.witness_key.len());
        let last = self.checkpoint.head().size.saturating_sub(1);
        let file = log.proof(last).map_err(|error| NotSigned(error.to_string()))?;
        let trust = Trust { node: self.key.clone(), witnesses: args.witness_key.clone(), quorum };
        let proved = file.check(&trust).map_err(|error| NotSigned(error.to_string()))?;
        let head = file.in_chain.checkpoint.head();
        if leaves.head_at(head.size) != Some(*head) {
            return Err(NotSigned("the witnesses cosigned another history than this".to_owned()));
        }
        self.witnesses = proved.witnesses.into_iter().map(|(name, _)| name).collect();
        Ok(())
    }

    pub(super) fn to_json(&self) -> Value {
        let head = self.checkpoint.head();
        json!({
            "size": head.size, "root": head.root.to_string(), "key": self.key.to_string(),
            "key_given": self.key_given, "did": self.did.as_ref().map(ToString::to_string),
            "witnesses": self.witnesses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    pub(super) fn print(&self, screen: &Screen) -> std::io::Result<()> {
        let (size, key) = (plural(self.checkpoint.head().size, "link"), &self.key);
        let is_given = self.key_given || self.did.is_some();
        let whose = if is_given { "" } else { "; whose key that is, --key KEY or a DID checks" };
        screen.field("signed", format_args!("{size}, by {key}{WARN}{whose}{WARN:#}"))?;
        if let Some(did) = &self.did {
            screen.field("", format_args!("a key of {did}"))?;
        }
        for witness in &self.witnesses {
            screen.field("cosigned", witness)?;
        }
        Ok(())
    }
}
