//! Calls of the guest, which runs in the browser's engine: what goes there, and what comes back.

use troupe_chain::{Abort, Context, Failed, FailureCode, Sender};

use crate::answer::text;
use crate::{bridge, frame, host};

/// What stopped a call.
#[derive(Debug, Clone)]
pub(crate) enum Stopped {
    /// The guest's doing.
    Failed(Failed),
    /// Nobody knows what it would have come to.
    Abort(Abort),
}

/// What a function of the guest answered.
pub(crate) enum Returned {
    /// What it returned: nothing, a state, or a state and a reply.
    Ok(Vec<Vec<u8>>),
    /// The error that it returned.
    Err(String),
    /// It has no such function.
    None,
}

/// Makes a component ready by a plan; says under which number it is called.
pub(crate) fn load(plan: &str, component: &[u8]) -> Result<Vec<u8>, String> {
    made_ready(&["load".as_bytes(), plan.as_bytes(), component])
}

/// The same for a core module, as it is and with bounds in it, and the functions that it imports: names, each with the type
/// that it returns.
pub(crate) fn load_module(module: &[u8], bounded: &[u8], imports: &[&[u8]]) -> Result<Vec<u8>, String> {
    made_ready(&[b"load-module", module, bounded, &frame::pack(imports)])
}

fn made_ready(list: &[&[u8]]) -> Result<Vec<u8>, String> {
    let answer = bridge::ask_guest(&frame::pack(list));
    match frame::unpack(&answer).as_deref() {
        Ok([b"ok", number]) => Ok(number.to_vec()),
        Ok([_, reason, ..]) => Err(String::from_utf8_lossy(reason).into_owned()),
        _ => Err("the page gave no answer".to_owned()),
    }
}

/// Calls a function; `open` begins a fresh instance.
pub(crate) fn call(function: &str, number: &[u8], arguments: &[&[u8]]) -> Result<Returned, Stopped> {
    let mut list: Vec<&[u8]> = vec![function.as_bytes(), number];
    list.extend(arguments);
    let answer = bridge::ask_guest(&frame::pack(&list));
    match (host::stopped(), read(&answer)) {
        // What came of it nobody knows, or comes of memory that was denied before.
        (_, Err(Stopped::Abort(abort))) => Err(Stopped::Abort(abort)),
        (Some(Stopped::Failed(_)), Err(Stopped::Failed(failed))) if failed.code == FailureCode::Memory => {
            Err(Stopped::Failed(failed))
        }
        // A guest that went on after its host had stopped it was stopped all the same.
        (Some(stopped), _) => Err(stopped),
        (None, came) => came,
    }
}

fn read(answer: &[u8]) -> Result<Returned, Stopped> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match frame::unpack(answer).as_deref() {
        Ok([b"ok", values @ ..]) => Ok(Returned::Ok(values.iter().map(|value| value.to_vec()).collect())),
        Ok([b"err", reason]) => Ok(Returned::Err(lossy(reason))),
        Ok([b"none"]) => Ok(Returned::None),
        Ok([b"trap", code, detail]) => match FailureCode::parse(&lossy(code)) {
            Some(code) => Err(Stopped::Failed(Failed { code, detail: lossy(detail) })),
            None => Err(host_failed(format!("a trap that this page does not know: {}", lossy(detail)))),
        },
        Ok([b"abort", reason]) => Err(host_failed(lossy(reason))),
        _ => Err(host_failed("the page gave no answer".to_owned())),
    }
}

/// Of a core module's memory: how many bytes it has.
pub(crate) fn memory_size() -> usize {
    let size = memory(&[b"size"]);
    std::str::from_utf8(&size).ok().and_then(|size| size.parse().ok()).unwrap_or(0)
}

/// The same: bytes that are there.
pub(crate) fn memory_read(range: std::ops::Range<usize>) -> Vec<u8> {
    memory(&[b"read", &text(range.start), &text(range.end)])
}

/// The same: writes bytes to where there is room for them.
pub(crate) fn memory_write(at: usize, bytes: &[u8]) {
    memory(&[b"write", &text(at), bytes]);
}

fn memory(list: &[&[u8]]) -> Vec<u8> {
    match frame::unpack(&bridge::ask_guest(&frame::pack(list))).as_deref() {
        Ok([b"ok", bytes]) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

pub(crate) fn host_failed(reason: String) -> Stopped {
    Stopped::Abort(Abort::Host(reason))
}

/// A context as the page lowers it: time, position, and the sender's kind and fields.
pub(crate) fn context(context: &Context) -> Vec<u8> {
    let mut items = vec![text(context.at.0), text(context.seq)];
    let none = || frame::pack::<&[u8]>(&[]);
    let option = |value: Option<String>| value.map_or_else(none, |value| frame::pack(&[value]));
    items.extend(match &context.from {
        Sender::Http { .. } => vec![text("http")],
        Sender::Did { did, .. } => vec![text("did"), text(did)],
        Sender::Actor(of) => vec![text("actor"), text(of.chain), text(of.entry), text(of.n)],
        Sender::Timer { set, due } => vec![text("timer"), text(set.seq), text(set.n), text(due.0)],
        Sender::Reply { to, chain, entry } => {
            vec![text("reply"), text(to.seq), text(to.n), text(chain), text(entry)]
        }
        Sender::Notice { of, about, chain, entry } => vec![
            text("notice"),
            text(of.seq),
            text(of.n),
            text(about.as_str()),
            option(chain.map(|chain| chain.to_string())),
            option(entry.map(|entry| entry.to_string())),
        ],
        Sender::Parent(of) => vec![text("parent"), text(of.chain), text(of.entry), text(of.n)],
    });
    frame::pack(&items)
}
