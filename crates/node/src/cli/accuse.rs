//! `troupe accuse`: one file that shows a stranger that a node signed what cannot be true.

use std::path::PathBuf;

use serde_json::json;
use troupe::machines::AllMachines;
use troupe_chain::fraud::{FraudProof, Lie, NotMade, NotShown, Shown};
use troupe_chain::note::{PublicKey, SignedCheckpoint};
use troupe_chain::tree::{Leaves, TreeHash};
use troupe_chain::{Hash, NotVerified};

use super::check_proof::kind;
use super::failure::{Done, Failure};
use super::parse;
use super::place::{Place, Source, Whose};
use super::screen::{BAD, BOLD, Screen, short, size};
use super::signing;
use super::verify;
use super::verify::remembered::{Memory, Record};
use super::verify::signed::{self, SignedArgs};

/// Write a proof that a node signed a false history
///
/// The history is compared with what this user verified before, or with what somebody else was shown, and replayed. Where
/// it is false, or where there are two, one file is written that convinces whoever has only the file: `troupe
/// check-proof` needs neither the node nor a network.
///
/// Exit code 0 if a proof was written, 1 if there is nothing to accuse the node of, 2 if it could not be told.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe accuse http://127.0.0.1:8080\n  \
    troupe accuse counter -o counter.fraud\n  \
    troupe accuse counter --against theirs.checkpoint --other theirs.car\n  \
    troupe accuse export.car --checkpoint counter.checkpoint --key 'node.example/log+1a2b3c4d+AbCd…'")]
pub(crate) struct Accuse {
    /// The URL of a node or an actor, or an actor's name; or the folder of a store, or an exported file or folder
    #[arg(value_name = "URL|ACTOR|STORE|FILE.car|FOLDER")]
    place: String,
    /// The file to write [default: the beginning of the chain's id, and `.fraud`]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The key that signed [default: the one that signed when it was verified before, or that the node names]
    #[arg(long, value_name = "KEY", value_parser = signing::log_key)]
    key: Option<PublicKey>,
    /// The checkpoint of this history, where no node is asked
    #[arg(long, value_name = "FILE", requires = "key")]
    checkpoint: Option<PathBuf>,
    /// A checkpoint that somebody else was shown [default: the one remembered from when it was verified before]
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The history that it belongs to, where it is of another size [default: the one remembered]
    #[arg(long, value_name = "STORE|FILE.car|FOLDER|URL", requires = "against")]
    other: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// What an accusation rests on.
struct Case<'a> {
    screen: &'a Screen,
    command: &'a Accuse,
    source: &'a Source,
    machines: &'a AllMachines,
    key: PublicKey,
    /// What was signed about the history that is shown now.
    checkpoint: SignedCheckpoint,
}

pub(super) fn accuse(screen: &Screen, command: &Accuse) -> Done {
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let mut source = source.map_err(|error| error.into_failure(&command.place))?;
    let (memory, chain) = (Memory::of_user(), source.chain());
    let known = memory.as_ref().and_then(|memory| memory.read(&chain));
    let args = SignedArgs {
        key: command.key.clone(),
        checkpoint: command.checkpoint.clone(),
        ..SignedArgs::default()
    };
    let signed = match (&mut source, &command.checkpoint) {
        (Source::Remote(remote), None) => {
            let signed = signed::fetch(&remote.log(), &args, known.as_ref().and_then(Record::key))?;
            remote.refresh()?;
            signed
        }
        _ => signed::read(&args)?,
    };
    let signed = signed.ok_or_else(|| {
        Failure::cannot("nothing was signed, so nobody can be held to it")
            .help("a node is asked for its checkpoint; for a store or a file give --checkpoint and --key")
    })?;
    let machines = verify::machines(screen);
    let case = Case {
        screen,
        command,
        source: &source,
        machines: &machines,
        key: signed.key,
        checkpoint: signed.checkpoint,
    };
    let proof = match case.two_histories(&chain, known.as_ref(), memory.as_ref())? {
        Some(proof) => proof,
        None => case.false_step()?,
    };
    case.write(&chain, &proof)
}

impl Case<'_> {
    /// Whether the key signed two histories, as far as another checkpoint shows it.
    fn two_histories(
        &self,
        chain: &Hash,
        known: Option<&Record>,
        memory: Option<&Memory>,
    ) -> Result<Option<FraudProof>, Failure> {
        let against = match &self.command.against {
            Some(path) => Some(
                SignedCheckpoint::parse(&parse::file(path)?)
                    .map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))?,
            ),
            None => known.and_then(Record::checkpoint).filter(|former| former.is_signed_by(&self.key)),
        };
        let Some(against) = against else { return Ok(None) };
        let both = [&self.checkpoint, &against];
        if against.head().size == self.checkpoint.head().size {
            let made = FraudProof::of_roots(self.key.clone(), both, self.machines);
            return self.unless_consistent(made);
        }
        let other = match (&self.command.other, &self.command.against) {
            (Some(place), _) => {
                let other = Place::find(place)?.open(self.screen, &self.command.whose);
                let other = other.map_err(|error| error.into_failure(place))?;
                signed::leaves(&other).map_err(Failure::cannot)?
            }
            // Of a checkpoint alone of another size nothing can be said but by its history.
            (None, Some(_)) => {
                return Err(Failure::cannot(
                    "the checkpoints are of different sizes, so the history is needed",
                )
                .help("--other PLACE gives the history that was shown with --against"));
            }
            (None, None) => remembered_leaves(memory, chain).map_err(Failure::cannot)?,
        };
        let ours = signed::leaves(self.source).map_err(Failure::cannot)?;
        let [one, another] = both;
        let trees = [(one, &ours), (another, &other)];
        self.unless_consistent(FraudProof::of_leaves(self.key.clone(), trees, self.machines))
    }

    /// Two checkpoints that can both be true are no accusation, and no mistake.
    fn unless_consistent(&self, made: Result<FraudProof, NotMade>) -> Result<Option<FraudProof>, Failure> {
        match made {
            Ok(proof) => Ok(Some(proof)),
            Err(NotMade::NoDifference | NotMade::NotShown(NotShown::NoContradiction(_))) => Ok(None),
            // Then what was remembered is of no use, but the history may still be false.
            Err(NotMade::OtherHistory { .. } | NotMade::Fewer { .. }) if self.command.against.is_none() => {
                Ok(None)
            }
            Err(error) => Err(Failure::cannot(error)),
        }
    }

    /// Replays the history, and accuses the key of the first entry that is false.
    fn false_step(&self) -> Result<FraudProof, Failure> {
        let seq = match verify::replay(self.screen, self.machines, self.source, self.source.seq()) {
            Ok(replayed) => {
                let what =
                    format!("the history is true to seq {}: replay leads to the same", replayed.report.seq);
                return Err(Failure::is_false(what).help(
                    "another history that was shown to somebody is compared with --against FILE --other PLACE",
                ));
            }
            Err(NotVerified::Blob { seq, .. }) => {
                let what = format!("a blob of the entry at seq {seq} is not what its name says");
                return Err(Failure::cannot(what)
                    .help("blobs are not signed: it shows that this copy is damaged, and not who did it"));
            }
            Err(error) if !error.is_false() => return Err(Failure::cannot(error)),
            Err(error) => match error.seq() {
                Some(seq) => seq,
                None => return Err(Failure::cannot(error)),
            },
        };
        FraudProof::of_step(self.key.clone(), &self.checkpoint, self.source, seq, self.machines).map_err(
            |error| {
                let failure = Failure::cannot(format_args!("the entry at seq {seq} is false, but: {error}"));
                match error {
                    NotMade::OutOfTree(_) => {
                        failure.help("wait until the node has signed it, or give another --checkpoint")
                    }
                    _ => failure,
                }
            },
        )
    }

    fn write(&self, chain: &Hash, proof: &FraudProof) -> Done {
        let path = self.command.output.clone();
        let path = path.unwrap_or_else(|| PathBuf::from(format!("{}.fraud", short(chain))));
        let bytes = proof.to_bytes();
        std::fs::write(&path, &bytes)
            .map_err(|error| Failure::cannot(format_args!("cannot write {}: {error}", path.display())))?;
        let shown = proof.check(self.machines).map_err(Failure::cannot)?;
        let file = path.display();
        if self.screen.json {
            return Ok(self.screen.json(&json!({
                "file": file.to_string(), "kind": kind(&proof.lie), "key": proof.key.to_string(),
                "chain": chain.to_string(), "bytes": bytes.len(), "reason": shown.to_string(),
            }))?);
        }
        self.screen.line(format_args!("{BAD}accused{BAD:#} {BOLD}{}{BOLD:#}", proof.key))?;
        self.screen.field("of", &shown)?;
        if let Shown::Step { fault, .. } = &shown {
            self.screen.field("", fault)?;
        }
        let entries = match &proof.lie {
            Lie::Step(step) => format!(", {} entries", step.entries.len()),
            _ => String::new(),
        };
        self.screen.field("proof", format_args!("{file}, {}{entries}", size(bytes.len() as u64)))?;
        Ok(self.screen.field("next", format_args!("troupe check-proof {file}, by anybody"))?)
    }
}

/// The tree over the entries that an earlier run fetched.
fn remembered_leaves(memory: Option<&Memory>, chain: &Hash) -> std::io::Result<Leaves> {
    let entries = match memory {
        Some(memory) => memory.entries(chain)?.map(|(_, entries)| entries).unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(entries.iter().map(|entry| TreeHash::of_leaf(Hash::of(entry).as_bytes())).collect())
}
