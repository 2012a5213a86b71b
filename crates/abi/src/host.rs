//! A call once its arguments are at hand: whether it is looked at at all, and what it leads to.

use std::borrow::Cow;

use troupe_chain::{Asked, Text};

use crate::act;
use crate::answer::{ReadAnswer, ReadRequest};
use crate::table::BYTES_A_FUEL;
use crate::{Act, CommonsGrants, Does, HostError, HostFunction, MODULE};

/// What a call comes to: what the guest gets, or a refusal that it gets; or what ends it.
pub type Outcome<T, Stop> = Result<Result<T, HostError>, Stop>;

/// What a call has of the host: what was granted, what the limits leave, and where it is noted down.
pub trait Host {
    /// Why a guest may go no further.
    type Stop;

    /// What the chain was granted of the commons.
    fn granted(&self) -> &CommonsGrants;

    /// Is told of each call, whatever comes of it.
    fn called(&self, function: &'static HostFunction) {
        let _ = function;
    }

    /// Whether something may be asked now: in a contract or a start function it would be nobody's.
    ///
    /// # Errors
    /// If it may not, which ends the guest.
    fn may_ask(&self, function: &'static str) -> Result<(), Self::Stop>;

    /// Notes an effect down, and says its number among those of the entry; `None` if a limit has no room for it.
    fn note(&mut self, function: &'static str, asked: Asked) -> Option<u64>;

    /// Takes a call to the outside that carries so many bytes; `false` if a limit has no room for it.
    fn take_call(&mut self, bytes: usize) -> bool;

    /// Asks the outside, and has the entry record the answer.
    ///
    /// # Errors
    /// If there is no answer, or it is larger than the limits allow.
    fn ask(&mut self, function: Text, input: Vec<u8>) -> Result<Vec<u8>, Self::Stop>;

    /// Ends the guest without an outcome: this is not its doing.
    fn abort(&mut self, why: String) -> Self::Stop;
}

/// An argument, looked at where the guest has it.
#[derive(Debug)]
pub enum Given<'a> {
    /// Of [`Param::Id`](crate::Param::Id).
    Id(Cow<'a, str>),
    /// Of [`Param::Document`](crate::Param::Document).
    Document(Cow<'a, [u8]>),
    /// Of [`Param::Amount`](crate::Param::Amount).
    Amount(u64),
}

/// What a call leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// A number.
    Value(u64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What a call costs in fuel when it carries so many bytes.
pub fn cost(function: &HostFunction, bytes: u64) -> u64 {
    function.fuel + cost_of_bytes(bytes)
}

/// What it costs to copy so many bytes.
pub fn cost_of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_A_FUEL)
}

/// Whether a call is to be looked at at all: the function is there, and the chain was granted it.
///
/// # Errors
/// The refusal.
pub fn admit(host: &impl Host, function: &'static HostFunction) -> Result<(), HostError> {
    host.called(function);
    if function.does == Does::NotHere {
        return Err(HostError::NotAvailable);
    }
    match function.capability {
        Some(capability) if !host.granted().has(capability) => Err(HostError::Denied),
        _ => Ok(()),
    }
}

/// Does what an admitted call asks for, but for what a [`Job`](crate::Job) carries.
///
/// # Errors
/// If the guest may go no further.
pub fn perform<H: Host>(
    host: &mut H,
    function: &'static HostFunction,
    given: &[Given<'_>],
) -> Outcome<Came, H::Stop> {
    match function.does {
        Does::Acts(act) => act_for_principal(host, function, act, given),
        Does::ReadsValue | Does::ReadsBytes => read(host, function, given),
        Does::Carries(_) | Does::NotHere => Ok(Err(HostError::NotAvailable)),
    }
}

/// Notes the act down; its number among the entry's effects is the answer.
fn act_for_principal<H: Host>(
    host: &mut H,
    function: &'static HostFunction,
    act: Act,
    given: &[Given<'_>],
) -> Outcome<Came, H::Stop> {
    host.may_ask(function.name)?;
    let Some(principal) = host.granted().principal() else { return Ok(Err(HostError::Denied)) };
    Ok(act
        .asked(principal, given)
        .and_then(|asked| host.note(function.name, asked).map(Came::Value).ok_or(HostError::Exhausted)))
}

/// Asks the outside, and has the entry record the answer.
fn read<H: Host>(
    host: &mut H,
    function: &'static HostFunction,
    given: &[Given<'_>],
) -> Outcome<Came, H::Stop> {
    host.may_ask(function.name)?;
    let of = match given {
        [Given::Id(id)] if id.is_empty() => match host.granted().principal() {
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
    if !host.take_call(input.len()) {
        return Ok(Err(HostError::Exhausted));
    }
    let name = format!("{MODULE}.{}", function.name);
    let asked = Text::new(&*name).map_err(|error| host.abort(error.to_string()))?;
    let answer = host.ask(asked, input)?;
    match (ReadAnswer::decode(&answer), function.does) {
        (Ok(ReadAnswer::Refused(error)), _) => Ok(Err(error)),
        (Ok(ReadAnswer::Value(value)), Does::ReadsValue) => Ok(Ok(Came::Value(value))),
        (Ok(ReadAnswer::Bytes(bytes)), Does::ReadsBytes) => Ok(Ok(Came::Bytes(bytes))),
        _ => Err(host.abort(format!("the answer of `{name}` cannot be read"))),
    }
}
