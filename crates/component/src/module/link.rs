//! The functions as core modules import them: what [`troupe_abi::call`] has of an instance.

use std::ops::Range;

use troupe_abi::{Carried, Job, MEMORY};
use wasmtime::{AsContextMut, Caller, Engine, Extern, FuncType, Linker, Memory, Val, ValType};

use crate::abi::{self, Does, FUNCTIONS, HostFunction, Number, Param};
use crate::host::Host;

/// Links every function of the table.
pub(super) fn link(linker: &mut Linker<Host>, engine: &Engine) -> wasmtime::Result<()> {
    for function in FUNCTIONS {
        linker.func_new(abi::MODULE, function.name, ty(function, engine), move |caller, args, results| {
            let mut args = args.iter().map(|arg| match arg {
                Val::I64(number) => *number,
                other => other.i32().unwrap_or(0).into(),
            });
            let (memory, output) = (None, function.does == Does::Carries(Carried::Output));
            let mut calling = Calling { caller, memory, output };
            let number = troupe_abi::call(&mut calling, function, &mut args)?;
            if let Some(result) = results.first_mut() {
                *result = match function.returns {
                    Number::I32 => Val::I32(i32::try_from(number).unwrap_or(i32::MAX)),
                    Number::I64 => Val::I64(number),
                };
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What a core module must import a function as.
pub(super) fn ty(function: &HostFunction, engine: &Engine) -> FuncType {
    let params = function.params.iter().flat_map(|param| match param {
        Param::Amount(_) => vec![ValType::I64],
        _ => vec![ValType::I32, ValType::I32],
    });
    let result = match function.returns {
        Number::I32 => ValType::I32,
        Number::I64 => ValType::I64,
    };
    FuncType::new(engine, params, [result])
}

/// An instance that calls.
struct Calling<'a> {
    caller: Caller<'a, Host>,
    /// The memory that it exports, once it was looked up.
    memory: Option<Memory>,
    /// Whether what it hands over is its output.
    output: bool,
}

impl Calling<'_> {
    fn memory(&mut self) -> Option<Memory> {
        if self.memory.is_none() {
            self.memory = self.caller.get_export(MEMORY).and_then(Extern::into_memory);
        }
        self.memory
    }

    /// The memory and the host, both at once.
    fn both(&mut self) -> (&mut [u8], &mut Host) {
        match self.memory() {
            Some(memory) => memory.data_and_store_mut(&mut self.caller),
            None => (&mut [], self.caller.data_mut()),
        }
    }
}

impl troupe_abi::Caller for Calling<'_> {
    type Host = Host;

    fn host(&mut self) -> &mut Host {
        self.caller.data_mut()
    }

    fn job(&mut self) -> &mut Job {
        &mut self.caller.data_mut().job
    }

    fn charge(&mut self, fuel: u64) -> wasmtime::Result<()> {
        let left = abi::pay(self.caller.get_fuel(), fuel)?;
        self.caller.set_fuel(left)
    }

    fn memory_size(&mut self) -> usize {
        self.memory().map_or(0, |memory| memory.data_size(&self.caller))
    }

    fn read<T>(&mut self, range: Range<usize>, take: impl FnOnce(&mut Job, &[u8]) -> T) -> T {
        let output = self.output;
        let (memory, host) = self.both();
        let bytes = memory.get(range).unwrap_or_default();
        if output {
            host.written.output(bytes);
        }
        take(&mut host.job, bytes)
    }

    fn write(&mut self, at: usize, give: impl FnOnce(&Job) -> &[u8]) {
        let (memory, host) = self.both();
        let bytes = give(&host.job);
        if let Some(room) = memory.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            room.copy_from_slice(bytes);
        }
    }

    fn answered(&mut self) {
        let ticks = self.host().deadline;
        self.caller.as_context_mut().set_epoch_deadline(ticks);
    }
}
