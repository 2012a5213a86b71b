//! The operations: what the page may ask, and where each is done.
//!
//! An answer is a list that begins with `ok`; or `wrong`, with the seq and what is wrong; or `unknown`, which is never
//! either, with why it could not be checked.

use std::cell::RefCell;

use troupe_chain::{Entry, Hash, NotVerified};

use crate::links::Links;
use crate::replay::Replay;
use crate::{frame, host, plan, signed};

/// What is being checked, between calls.
#[derive(Default)]
struct Session {
    links: Option<Links>,
    replay: Option<Replay>,
}

thread_local! {
    static SESSION: RefCell<Session> = RefCell::default();
}

/// What an operation came to: the items after `ok`.
pub(crate) type Answer = Result<Vec<Vec<u8>>, Refusal>;

/// Why there is no `ok`.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Something is wrong: where, what, and the bytes that were found instead, where there are any.
    Wrong { seq: Option<u64>, what: String, instead: Option<Vec<u8>> },
    /// It could not be checked.
    Unknown(String),
}

impl From<NotVerified> for Refusal {
    fn from(fault: NotVerified) -> Self {
        let (seq, what) = (fault.seq(), fault.to_string());
        match fault {
            NotVerified::CannotCheck(_) => Self::Unknown(what),
            NotVerified::Diverged(divergence) => Self::Wrong { seq, what, instead: divergence.got_bytes },
            _ => Self::Wrong { seq, what, instead: None },
        }
    }
}

impl Refusal {
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown(what.into())
    }

    fn pack(&self) -> Vec<u8> {
        match self {
            Self::Wrong { seq, what, instead } => {
                let seq = seq.map_or(String::new(), |seq| seq.to_string());
                let mut items: Vec<&[u8]> = vec![b"wrong", seq.as_bytes(), what.as_bytes()];
                items.extend(instead.as_deref());
                frame::pack(&items)
            }
            Self::Unknown(what) => frame::pack(&["unknown", what]),
        }
    }
}

/// Does what a list asks for: the name of an operation, and its arguments.
pub fn answer(list: &[u8]) -> Vec<u8> {
    let done = match frame::unpack(list).as_deref() {
        Ok([operation, arguments @ ..]) => act(operation, arguments),
        _ => Err(Refusal::unknown("not a list with an operation")),
    };
    match done {
        Ok(mut items) => {
            items.insert(0, b"ok".to_vec());
            frame::pack(&items)
        }
        Err(refusal) => refusal.pack(),
    }
}

fn act(operation: &[u8], arguments: &[&[u8]]) -> Answer {
    match (operation, arguments) {
        // The name of any bytes.
        (b"hash", [bytes]) => Ok(vec![text(Hash::of(bytes))]),
        // For each line of entries, one after the other: its name. They must be links of one chain.
        (b"window", [lines]) => window(lines),
        // The blobs that an entry names: field and name in turn.
        (b"blobs", [entry]) => blobs(entry),
        (b"links-begin", []) => with(|session| {
            session.links = Some(Links::default());
            Ok(Vec::new())
        }),
        // Takes lines of entries; says how many are checked, the last one's name, and the names that are kept.
        (b"links", [lines]) => with(|session| match &mut session.links {
            Some(links) => links.take(lines),
            None => Err(Refusal::unknown("`links-begin` comes first")),
        }),
        (b"plan", [component]) => plan::plan(component).map(|plan| vec![plan.into_bytes()]),
        // Genesis, and then blobs in turn.
        (b"replay-begin", [genesis, blobs @ ..]) => with(|session| {
            session.replay = Some(Replay::begin(genesis, blobs)?);
            Ok(Vec::new())
        }),
        // The next entry, and names and bytes of blobs in turn, or `redacted` and the redaction of one; answers the state's
        // name and length, and what could not be run.
        (b"replay", [entry, blobs @ ..]) => with(|session| match &mut session.replay {
            Some(replay) => replay.step(entry, blobs),
            None => Err(Refusal::unknown("`replay-begin` comes first")),
        }),
        // The state that the replay has come to.
        (b"state", []) => with(|session| match &session.replay {
            Some(replay) => Ok(vec![replay.state()?.to_vec()]),
            None => Err(Refusal::unknown("`replay-begin` comes first")),
        }),
        // Of a commons, as the replay has it: a list, a time, the most records, and after which id.
        (b"commons", [list, at, limit, after]) => with(|session| match &session.replay {
            Some(replay) => replay.commons(list, at, limit, after),
            None => Err(Refusal::unknown("`replay-begin` comes first")),
        }),
        // Of the run of a job, as the replay has it: what was to be run, and the result that its receipt says.
        (b"run", [spec, result]) => with(|session| match &session.replay {
            Some(replay) => replay.run(spec, result),
            None => Err(Refusal::unknown("`replay-begin` comes first")),
        }),
        // From the guest: something asked of its host.
        (b"effect", [function, fields @ ..]) => host::ask(function, fields),
        // From a core module: a function of its host, and the numbers that it takes.
        (b"call", [function, args @ ..]) => host::call(function, args),
        (b"key", [key]) => signed::read_key(key),
        // Of a checkpoint and of a proof: by whom it is to be signed, and the keys of witnesses.
        (b"checkpoint", [note, key, witnesses]) => signed::checkpoint(note, key, witnesses),
        (b"proof", [file, key, witnesses]) => signed::proof(file, key, witnesses),
        // The sizes and roots of an older and a newer log, and the hashes of a proof.
        (b"consistency", [old, old_root, new, new_root, proof]) => {
            signed::consistency([old, old_root], [new, new_root], proof)
        }
        _ => Err(Refusal::unknown(format!(
            "there is no operation {} with {} arguments",
            String::from_utf8_lossy(operation),
            arguments.len()
        ))),
    }
}

fn with(act: impl FnOnce(&mut Session) -> Answer) -> Answer {
    SESSION.with(|session| match session.try_borrow_mut() {
        Ok(mut session) => act(&mut session),
        Err(_) => Err(Refusal::unknown("a guest may not ask for this")),
    })
}

pub(crate) fn text(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The lines of a body of entries.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn window(body: &[u8]) -> Answer {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut before: Option<(Hash, u64)> = None;
    for line in lines(body) {
        let seq = before.map(|(_, seq)| seq + 1);
        let wrong = |what: String| Refusal::Wrong { seq, what, instead: None };
        let entry = Entry::decode(line).map_err(|error| wrong(format!("not a canonical entry, {error}")))?;
        let name = Hash::of(line);
        if let Some((parent, last)) = before {
            if entry.parent != Some(parent) || entry.seq != last + 1 {
                return Err(wrong("it does not name the entry before it".to_owned()));
            }
        }
        before = Some((name, entry.seq));
        names.push(text(name));
    }
    Ok(names)
}

fn blobs(entry: &[u8]) -> Answer {
    let entry = Entry::decode(entry).map_err(|error| Refusal::unknown(error.to_string()))?;
    let blobs = entry.blobs().into_iter();
    Ok(blobs.flat_map(|(field, name)| [text(field), text(name)]).collect())
}
