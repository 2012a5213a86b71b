//! The functions as core modules call them: numbers in, one number out, bytes in the guest's memory.
//!
//! Invariant: a pointer and a length are the guest's word. Both are bounded before a byte is copied, and a copy is paid
//! for before it is made.

use std::borrow::Cow;
use std::ops::Range;

use crate::host::{Came, Given, Host, Outcome, admit, cost, cost_of_bytes, perform};
use crate::job::Job;
use crate::table::{Carried, Does, HostFunction, MAX_DOCUMENT, MAX_ID, Number, Param};
use crate::{HostError, host};

/// A core module that calls, as the engine that runs it has it: its host, its fuel, and the memory that it exports.
pub trait Caller {
    /// Its host.
    type Host: Host;

    /// The host.
    fn host(&mut self) -> &mut Self::Host;

    /// What the job carries.
    fn job(&mut self) -> &mut Job;

    /// Takes fuel from the guest.
    ///
    /// # Errors
    /// If it has too little, which ends it.
    fn charge(&mut self, fuel: u64) -> Result<(), Stop<Self>>;

    /// How many bytes its memory has.
    fn memory_size(&mut self) -> usize;

    /// Hands out bytes of its memory that are there, with what the job carries.
    fn read<T>(&mut self, range: Range<usize>, take: impl FnOnce(&mut Job, &[u8]) -> T) -> T;

    /// Writes bytes of what the job carries to where its memory has room for them.
    fn write(&mut self, at: usize, give: impl FnOnce(&Job) -> &[u8]);

    /// Is told that an answer came from outside, which took its own time and not the guest's.
    fn answered(&mut self) {}
}

type Stop<C> = <<C as Caller>::Host as Host>::Stop;

/// A stretch of the guest's memory, as it says.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    at: u32,
    len: u32,
}

impl Stretch {
    /// The next two numbers; of each the lower 32 bits, as an i32 without a sign.
    fn next(args: &mut impl Iterator<Item = i64>) -> Self {
        let mut word = || {
            let [a, b, c, d, ..] = args.next().unwrap_or(0).to_le_bytes();
            u32::from_le_bytes([a, b, c, d])
        };
        Self { at: word(), len: word() }
    }

    /// Where it is, if a memory of this size has all of it.
    fn within(self, memory: usize) -> Result<Range<usize>, HostError> {
        let at = usize::try_from(self.at).map_err(|_| HostError::BadPointer)?;
        let len = usize::try_from(self.len).map_err(|_| HostError::BadPointer)?;
        let end = at.checked_add(len).filter(|end| *end <= memory).ok_or(HostError::BadPointer)?;
        Ok(at..end)
    }
}

/// Makes one call. `args` are the numbers that the function takes; what the guest gets is a number, negative for a refusal.
///
/// # Errors
/// If the guest may go no further.
pub fn call<C: Caller>(
    caller: &mut C,
    function: &'static HostFunction,
    args: &mut impl Iterator<Item = i64>,
) -> Result<i64, Stop<C>> {
    caller.charge(cost(function, 0))?;
    let came = match admit(caller.host(), function) {
        Err(error) => Err(error),
        Ok(()) => match function.does {
            Does::Carries(what) => carry(caller, what, Stretch::next(args))?,
            _ => ask(caller, function, args)?,
        },
    };
    let number = match came {
        Ok(value) => i64::try_from(value).unwrap_or(i64::MAX),
        Err(error) => error.number(),
    };
    Ok(match function.returns {
        // What does not fit 32 bits is no length of anything here.
        Number::I32 => number.min(i32::MAX.into()),
        Number::I64 => number,
    })
}

/// Moves bytes between the guest and its job.
fn carry<C: Caller>(caller: &mut C, what: Carried, stretch: Stretch) -> Outcome<u64, Stop<C>> {
    match what {
        Carried::Output | Carried::NextState => {
            if u64::from(stretch.len) > caller.job().room(what) {
                return Ok(Err(HostError::TooLarge));
            }
            let range = match stretch.within(caller.memory_size()) {
                Ok(range) => range,
                Err(error) => return Ok(Err(error)),
            };
            caller.charge(cost_of_bytes(stretch.len.into()))?;
            Ok(caller.read(range, |job, bytes| job.put(what, bytes)))
        }
        Carried::Input | Carried::Result | Carried::State => {
            let len = caller.job().taken(what).len();
            let copied = len.min(usize::try_from(stretch.len).unwrap_or(usize::MAX));
            caller.charge(cost_of_bytes(copied as u64))?;
            // The room that the guest names must be there, also what would stay as it is.
            let room = match stretch.within(caller.memory_size()) {
                Ok(room) => room,
                Err(error) => return Ok(Err(error)),
            };
            caller.write(room.start, |job| job.taken(what).get(..copied).unwrap_or_default());
            Ok(Ok(len as u64))
        }
    }
}

/// Copies the arguments out of the guest's memory, and does what they ask for.
fn ask<C: Caller>(
    caller: &mut C,
    function: &'static HostFunction,
    args: &mut impl Iterator<Item = i64>,
) -> Outcome<u64, Stop<C>> {
    let mut given = Vec::with_capacity(function.params.len());
    for param in function.params {
        let one = match param {
            Param::Amount(_) => {
                let amount = args.next().unwrap_or(-1);
                u64::try_from(amount).map(Given::Amount).map_err(|_| HostError::Malformed)
            }
            _ => copy(caller, *param, Stretch::next(args))?,
        };
        match one {
            Ok(one) => given.push(one),
            Err(error) => return Ok(Err(error)),
        }
    }
    let came = perform(caller.host(), function, &given)?;
    if function.reads() {
        caller.answered();
    }
    Ok(came.map(|came| match came {
        Came::Value(value) => value,
        Came::Bytes(bytes) => {
            let len = bytes.len() as u64;
            caller.job().result = bytes;
            len
        }
    }))
}

fn copy<C: Caller>(caller: &mut C, param: Param, stretch: Stretch) -> host::Outcome<Given<'static>, Stop<C>> {
    let max = if matches!(param, Param::Id(_)) { MAX_ID } else { MAX_DOCUMENT };
    if stretch.len > max {
        return Ok(Err(HostError::TooLarge));
    }
    let range = match stretch.within(caller.memory_size()) {
        Ok(range) => range,
        Err(error) => return Ok(Err(error)),
    };
    caller.charge(cost_of_bytes(stretch.len.into()))?;
    Ok(caller.read(range, |_, bytes| match param {
        Param::Id(_) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Given::Id(Cow::Owned(text.to_owned()))),
            Err(_) => Err(HostError::Malformed),
        },
        _ => Ok(Given::Document(Cow::Owned(bytes.to_vec()))),
    }))
}
