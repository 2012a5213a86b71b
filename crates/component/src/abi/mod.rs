//! The host ABI: what a job, or an actor that was granted it, may ask of the commons.
//!
//! One [`table`](FUNCTIONS) says what there is. Core modules import it from `icn` (`link`), components as an interface
//! (`component`); both come to `perform`. A refusal is a number, or an error of the interface, and the guest goes on. Checked
//! in this order: fuel, whether the function is there, the capability, lengths, pointers, and what the bytes say. A
//! component's pointers are looked at before all of this, by the engine, and a wrong one traps.
//!
//! Invariant: what a guest hands over is kept only once its length is bounded and the copy is paid for. One thing is made
//! before that: UTF-8 of an id that a component has in another encoding, which is at most as long as its memory allows.

mod act;
mod answer;
pub(crate) mod component;
mod errors;
pub(crate) mod job;
pub(crate) mod link;
pub(crate) mod meters;
mod render;
mod table;

use std::borrow::Cow;

use troupe_chain::{Abort, Answered, Text};

pub use act::{Act, COMMONS};
pub use answer::{ReadAnswer, ReadRequest};
pub use errors::HostError;
pub use meters::Meters;
pub use render::{c_header, markdown, wit};
pub use table::{
    BYTES_A_FUEL, Capability, Carried, Does, FUNCTIONS, HostFunction, INTERFACE, MAX_DOCUMENT, MAX_ID,
    MODULE, Number, Param,
};

use crate::host::Host;

/// An argument, looked at where the guest has it.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    /// Of [`Param::Id`].
    Id(Cow<'a, str>),
    /// Of [`Param::Document`].
    Document(Cow<'a, [u8]>),
    /// Of [`Param::Amount`].
    Amount(u64),
}

/// What a call leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// A number.
    Value(u64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A call that the outside did not answer. The host's data says why.
#[derive(Debug, thiserror::Error)]
#[error("the outside did not answer")]
struct Unanswered;

/// Whether a call is to be looked at at all: the function is there, and the chain was granted it.
pub(crate) fn admit(host: &Host, function: &HostFunction) -> Result<(), HostError> {
    host.meters.called(function);
    if function.does == Does::NotHere {
        return Err(HostError::NotAvailable);
    }
    match function.capability {
        Some(capability) if !host.grants.commons().has(capability) => Err(HostError::Denied),
        _ => Ok(()),
    }
}

/// Does what an admitted call asks for, but for what [`job`] carries.
///
/// # Errors
/// If the guest may go no further.
pub(crate) fn perform(
    host: &mut Host,
    function: &'static HostFunction,
    given: &[Given<'_>],
) -> wasmtime::Result<Result<Came, HostError>> {
    match function.does {
        Does::Acts(act) => act_for_principal(host, function, act, given),
        Does::ReadsValue | Does::ReadsBytes => read(host, function, given),
        Does::Carries(_) | Does::NotHere => Ok(Err(HostError::NotAvailable)),
    }
}

/// Notes the act down; its number among the entry's effects is the answer.
fn act_for_principal(
    host: &mut Host,
    function: &'static HostFunction,
    act: Act,
    given: &[Given<'_>],
) -> wasmtime::Result<Result<Came, HostError>> {
    // In a contract or a start function an act would be nobody's.
    host.may_ask(function.name)?;
    let Some(principal) = host.grants.commons().principal() else { return Ok(Err(HostError::Denied)) };
    let asked = match act.asked(principal, given) {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(error)),
    };
    let len = asked.payload.as_ref().map_or(0, Vec::len);
    if host.take_effect(function.name, 1, len).is_err() {
        return Ok(Err(HostError::Exhausted));
    }
    host.effects.push(asked);
    Ok(Ok(Came::Value(host.effects.len() as u64 - 1)))
}

/// Asks the outside, and has the entry record the answer.
fn read(
    host: &mut Host,
    function: &'static HostFunction,
    given: &[Given<'_>],
) -> wasmtime::Result<Result<Came, HostError>> {
    host.may_ask(function.name)?;
    let of = match given {
        [Given::Id(id)] if id.is_empty() => match host.grants.commons().principal() {
            Some(principal) => Some(principal),
            None => return Ok(Err(HostError::Denied)),
        },
        [Given::Id(id)] => match act::id(id) {
            Ok(id) => Some(id),
            Err(error) => return Ok(Err(error)),
        },
        _ => None,
    };
    let input = ReadRequest { of }.encode();
    if host.take_call(input.len()).is_err() {
        return Ok(Err(HostError::Exhausted));
    }
    let answered = match ask(host, function, input) {
        Ok(answered) => answered,
        Err(abort) => {
            host.aborted = Some(abort);
            return Err(Unanswered.into());
        }
    };
    let (len, answer) = (answered.output.len(), ReadAnswer::decode(&answered.output));
    host.calls.push(answered);
    host.take_answer(len)?;
    match (answer, function.does) {
        (Ok(ReadAnswer::Refused(error)), _) => Ok(Err(error)),
        (Ok(ReadAnswer::Value(value)), Does::ReadsValue) => Ok(Ok(Came::Value(value))),
        (Ok(ReadAnswer::Bytes(bytes)), Does::ReadsBytes) => Ok(Ok(Came::Bytes(bytes))),
        _ => {
            let what = format!("the answer of `{MODULE}.{}` cannot be read", function.name);
            host.aborted = Some(Abort::Host(what));
            Err(Unanswered.into())
        }
    }
}

fn ask(host: &Host, function: &HostFunction, input: Vec<u8>) -> Result<Answered, Abort> {
    let name = format!("{MODULE}.{}", function.name);
    let function = Text::new(name).map_err(|error| Abort::Host(error.to_string()))?;
    let Some(line) = &host.line else { return Err(Abort::Host("nothing outside is there to ask".into())) };
    let output = line.call(function.clone(), input.clone())?;
    Ok(Answered { function, input, output })
}

/// What copying so many bytes costs in fuel, beside the call.
pub(crate) fn copying(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_A_FUEL)
}

/// Takes fuel from a guest; one that has too little ends as any that runs out.
pub(crate) fn pay(fuel: wasmtime::Result<u64>, cost: u64) -> wasmtime::Result<u64> {
    fuel?.checked_sub(cost).ok_or_else(|| wasmtime::Trap::OutOfFuel.into())
}
