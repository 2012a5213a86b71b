//! The functions as core modules import them: numbers in, one number out, bytes in the guest's memory.
//!
//! Invariant: a pointer and a length are the guest's word. Both are bounded before a byte is copied, and a copy is paid
//! for before it is made.

use std::borrow::Cow;

use wasmtime::{Caller, Engine, Extern, FuncType, Linker, Memory, Val, ValType};

use super::{
    Came, Carried, Does, FUNCTIONS, Given, HostError, HostFunction, MAX_DOCUMENT, MAX_ID, MODULE, Number,
    Param, admit, copying, pay, perform,
};
use crate::host::Host;

/// The memory that a core module exports.
pub(crate) const MEMORY: &str = "memory";

/// Links every function of the table.
pub(crate) fn link(linker: &mut Linker<Host>, engine: &Engine) -> wasmtime::Result<()> {
    for function in FUNCTIONS {
        linker.func_new(MODULE, function.name, function.ty(engine), move |caller, args, results| {
            let number = call(caller, function, args)?;
            if let Some(result) = results.first_mut() {
                *result = function.returns.of(number);
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl HostFunction {
    /// What a core module must import it as.
    pub(crate) fn ty(&self, engine: &Engine) -> FuncType {
        let params = self.params.iter().flat_map(|param| match param {
            Param::Amount(_) => vec![ValType::I64],
            _ => vec![ValType::I32, ValType::I32],
        });
        let result = match self.returns {
            Number::I32 => ValType::I32,
            Number::I64 => ValType::I64,
        };
        FuncType::new(engine, params, [result])
    }
}

impl Number {
    /// What does not fit 32 bits is no length of anything here.
    fn of(self, number: i64) -> Val {
        match self {
            Self::I32 => Val::I32(i32::try_from(number).unwrap_or(i32::MAX)),
            Self::I64 => Val::I64(number),
        }
    }
}

/// A stretch of the guest's memory, as it says.
#[derive(Clone, Copy)]
struct Stretch {
    at: u32,
    len: u32,
}

impl Stretch {
    fn read(args: &[Val]) -> Self {
        let word = |place: usize| args.get(place).and_then(Val::i32).unwrap_or(0).cast_unsigned();
        Self { at: word(0), len: word(1) }
    }

    fn of(self, memory: &[u8]) -> Result<&[u8], HostError> {
        memory.get(self.range()?).ok_or(HostError::BadPointer)
    }

    fn of_mut(self, memory: &mut [u8]) -> Result<&mut [u8], HostError> {
        memory.get_mut(self.range()?).ok_or(HostError::BadPointer)
    }

    fn range(self) -> Result<std::ops::Range<usize>, HostError> {
        let at = usize::try_from(self.at).map_err(|_| HostError::BadPointer)?;
        let len = usize::try_from(self.len).map_err(|_| HostError::BadPointer)?;
        Ok(at..at.checked_add(len).ok_or(HostError::BadPointer)?)
    }
}

/// Makes one call; what the guest gets is a number, negative for a refusal.
fn call(
    mut caller: Caller<'_, Host>,
    function: &'static HostFunction,
    args: &[Val],
) -> wasmtime::Result<i64> {
    charge(&mut caller, function.fuel)?;
    let came = match admit(caller.data(), function) {
        Err(error) => Err(error),
        Ok(()) => match function.does {
            Does::Carries(what) => carry(&mut caller, what, Stretch::read(args))?,
            _ => ask(&mut caller, function, args)?,
        },
    };
    Ok(match came {
        Ok(value) => i64::try_from(value).unwrap_or(i64::MAX),
        Err(error) => error.number(),
    })
}

fn charge(caller: &mut Caller<'_, Host>, fuel: u64) -> wasmtime::Result<()> {
    let left = pay(caller.get_fuel(), fuel)?;
    caller.set_fuel(left)
}

fn memory(caller: &mut Caller<'_, Host>) -> Result<Memory, HostError> {
    match caller.get_export(MEMORY) {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(HostError::BadPointer),
    }
}

/// Moves bytes between the guest and its job.
fn carry(
    caller: &mut Caller<'_, Host>,
    what: Carried,
    stretch: Stretch,
) -> wasmtime::Result<Result<u64, HostError>> {
    let memory = match memory(caller) {
        Ok(memory) => memory,
        Err(error) => return Ok(Err(error)),
    };
    match what {
        Carried::Output | Carried::NextState => {
            if u64::from(stretch.len) > caller.data().job.room(what) {
                return Ok(Err(HostError::TooLarge));
            }
            if let Err(error) = stretch.of(memory.data(&*caller)) {
                return Ok(Err(error));
            }
            charge(caller, copying(stretch.len.into()))?;
            let (memory, host) = memory.data_and_store_mut(caller);
            Ok(stretch.of(memory).and_then(|bytes| host.job.put(what, bytes)))
        }
        Carried::Input | Carried::Result | Carried::State => {
            let len = caller.data().job.taken(what).len();
            let copied = len.min(usize::try_from(stretch.len).unwrap_or(usize::MAX));
            charge(caller, copying(copied as u64))?;
            let (memory, host) = memory.data_and_store_mut(caller);
            // The room that the guest names must be there, also what would stay as it is.
            Ok(stretch.of_mut(memory).map(|room| {
                for (to, from) in room.iter_mut().zip(host.job.taken(what)) {
                    *to = *from;
                }
                len as u64
            }))
        }
    }
}

/// Copies the arguments out of the guest's memory, and does what they ask for.
fn ask(
    caller: &mut Caller<'_, Host>,
    function: &'static HostFunction,
    args: &[Val],
) -> wasmtime::Result<Result<u64, HostError>> {
    let mut given = Vec::with_capacity(function.params.len());
    let mut args = args;
    for param in function.params {
        let one = match param {
            Param::Amount(_) => {
                let (amount, rest) = args.split_at(1);
                args = rest;
                let amount = amount.first().and_then(Val::i64).unwrap_or(-1);
                u64::try_from(amount).map(Given::Amount).map_err(|_| HostError::Malformed)
            }
            _ => {
                let (stretch, rest) = args.split_at(2);
                args = rest;
                copy(caller, *param, Stretch::read(stretch))?
            }
        };
        match one {
            Ok(one) => given.push(one),
            Err(error) => return Ok(Err(error)),
        }
    }
    let came = match perform(caller.data_mut(), function, &given)? {
        Ok(came) => came,
        Err(error) => return Ok(Err(error)),
    };
    // An answer from outside takes its own time, not the guest's.
    if function.reads() {
        let ticks = caller.data().deadline;
        wasmtime::AsContextMut::as_context_mut(caller).set_epoch_deadline(ticks);
    }
    Ok(Ok(match came {
        Came::Value(value) => value,
        Came::Bytes(bytes) => {
            let len = bytes.len() as u64;
            caller.data_mut().job.result = bytes;
            len
        }
    }))
}

fn copy(
    caller: &mut Caller<'_, Host>,
    param: Param,
    stretch: Stretch,
) -> wasmtime::Result<Result<Given<'static>, HostError>> {
    let max = if matches!(param, Param::Id(_)) { MAX_ID } else { MAX_DOCUMENT };
    if stretch.len > max {
        return Ok(Err(HostError::TooLarge));
    }
    let memory = match memory(caller) {
        Ok(memory) => memory,
        Err(error) => return Ok(Err(error)),
    };
    if let Err(error) = stretch.of(memory.data(&*caller)) {
        return Ok(Err(error));
    }
    charge(caller, copying(stretch.len.into()))?;
    Ok(stretch.of(memory.data(&*caller)).and_then(|bytes| match param {
        Param::Id(_) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Given::Id(Cow::Owned(text.to_owned()))),
            Err(_) => Err(HostError::Malformed),
        },
        _ => Ok(Given::Document(Cow::Owned(bytes.to_vec()))),
    }))
}
