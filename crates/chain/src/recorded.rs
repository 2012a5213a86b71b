//! What an entry recorded, as a transition is given it again: blobs by their names, the machine of the rules, the answers
//! from outside.
//!
//! Invariant: bytes that leave here are those that their name says.

use std::collections::btree_map;

use crate::compare::diverged;
use crate::entry::Call;
use crate::history::{History, Machines};
use crate::link::Tip;
use crate::machine::{Abort, Outcome, Outside, Step};
use crate::verdict::{CannotCheck, NotVerified};
use crate::{Code, FILE_FIELD, Files, GrantedFile, Hash, Text};

/// How a replay gets at blobs: by position, field and name.
pub trait Fetch<B>: FnMut(&'static str, &Hash) -> Result<B, CannotCheck> {}

impl<B, F: FnMut(&'static str, &Hash) -> Result<B, CannotCheck>> Fetch<B> for F {}

/// Finds the machine that the rules at the tip ask for.
pub(crate) fn find_machine<M: Machines, B: AsRef<[u8]>>(
    machines: &M,
    tip: &Tip,
    seq: u64,
    blob: &mut impl Fetch<B>,
) -> Result<M::Machine, NotVerified> {
    let code = match &tip.rules.code {
        Code::Component(name) => Some(fetch(seq, "component-hash", name, blob)?),
        Code::Native(_) => None,
    };
    let code = code.as_ref().map_or(&[][..], AsRef::as_ref);
    let mut files = Files::new();
    for GrantedFile { name, .. } in GrantedFile::all(&tip.rules.grants) {
        if let btree_map::Entry::Vacant(file) = files.entry(name) {
            file.insert(fetch(seq, FILE_FIELD, &name, blob)?.as_ref().into());
        }
    }
    Ok(machines.machine(&tip.rules, code, &files).map_err(CannotCheck::NoMachine)?)
}

/// Finds a blob of a history, or says what is known of why it is not there.
pub(crate) fn find_blob<H: History>(
    history: &H,
    seq: u64,
    field: &'static str,
    name: &Hash,
) -> Result<H::Bytes, CannotCheck> {
    let name = *name;
    match history.blob(&name)? {
        Some(bytes) => Ok(bytes),
        None => Err(match history.redaction(&name)? {
            Some(redaction) => CannotCheck::Redacted { seq, field, name, redaction },
            None => CannotCheck::MissingBlob { seq, field, name },
        }),
    }
}

/// Finds a blob and checks its bytes: a source need not hand out the same twice.
pub(crate) fn fetch<B: AsRef<[u8]>>(
    seq: u64,
    field: &'static str,
    name: &Hash,
    blob: &mut impl Fetch<B>,
) -> Result<B, NotVerified> {
    let bytes = blob(field, name)?;
    check_blob(seq, field, *name, bytes.as_ref())?;
    Ok(bytes)
}

/// Runs a transition that gets the recorded answers from outside, and no others.
pub(crate) fn played<B: AsRef<[u8]>>(
    seq: u64,
    same_engine: bool,
    calls: &[Call],
    blob: &mut impl Fetch<B>,
    run: impl FnOnce(&mut dyn Outside) -> Result<Step, Abort>,
) -> Result<Step, NotVerified> {
    let mut player = Player { seq, calls, blob, fault: None, bytes: std::marker::PhantomData };
    let step = run(&mut player);
    if let Some(fault) = player.fault {
        return Err(fault);
    }
    let step = step.map_err(|abort| CannotCheck::Aborted { seq, abort })?;
    // A limit of another engine may have come before the rest of the calls; that is told where outcomes are compared.
    let by_engine = matches!(&step.outcome, Outcome::Failed(failed) if failed.code.depends_on_engine());
    match player.calls.first() {
        Some(left) if same_engine || !by_engine => Err(diverged(seq, "calls", &left.function, "none", None)),
        _ => Ok(step),
    }
}

/// The outside as an entry recorded it.
struct Player<'a, F, B> {
    seq: u64,
    calls: &'a [Call],
    blob: &'a mut F,
    fault: Option<NotVerified>,
    bytes: std::marker::PhantomData<B>,
}

impl<B: AsRef<[u8]>, F: Fetch<B>> Outside for Player<'_, F, B> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let name = Hash::of(input);
        let answer = match self.calls.split_first() {
            Some((call, rest)) if call.function == *function && call.input == name => {
                self.calls = rest;
                fetch(self.seq, "calls.out", &call.output, self.blob).map(|bytes| bytes.as_ref().to_vec())
            }
            call => {
                let says =
                    call.map_or("none".into(), |(call, _)| format!("{} {}", call.function, call.input));
                let got = format!("{function} {name}");
                Err(diverged(self.seq, "calls", says, got, Some(input.to_vec())))
            }
        };
        answer.map_err(|fault| {
            self.fault = Some(fault);
            Abort::Host("the replay has no such answer".into())
        })
    }
}

/// Checks that bytes found under a name are those that it names.
pub(crate) fn check_blob(seq: u64, field: &'static str, name: Hash, bytes: &[u8]) -> Result<(), NotVerified> {
    let found = Hash::of(bytes);
    if found == name { Ok(()) } else { Err(NotVerified::Blob { seq, field, name, found }) }
}
