//! WASI 0.2 for actors: the standard interfaces, answered from the entry alone.
//!
//! Invariants: what a guest sees here is a function of code, limits, grants, message, state and what the entry records
//! (time, seed, calls). Nothing waits, nothing is read from the machine. What the host keeps for a guest counts as the
//! guest's memory, so that the limit `memory` bounds both.
//!
//! Deliberately absent: preview 1, WASI 0.3, threads, and everything that is not in `crates/component/wit`.

#![allow(unreachable_pub, reason = "the generated bindings name these types in a public place")]

mod bindings;
pub(crate) mod cli;
mod clocks;
mod filesystem;
pub(crate) mod http;
pub(crate) mod names;
mod poll;
mod random;
mod sockets;
pub(crate) mod streams;
#[cfg(test)]
mod tests;

use troupe_chain::Context;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::host::{Host, Refused};

pub(crate) use bindings::wasi;
pub(crate) use clocks::Clock;
pub(crate) use random::Random;

/// What a resource takes of the guest's memory beside its bytes, in bytes.
const RESOURCE: u64 = 256;

/// What an instance has of WASI while one message is served.
pub(crate) struct Wasi {
    table: ResourceTable,
    clock: Clock,
    random: Random,
    pub(crate) stdio: cli::Stdio,
    pub(crate) exchange: http::Exchange,
}

/// Something of the host that a guest has a handle of.
trait Kept: Send + 'static {
    /// How many bytes the host keeps for it.
    fn bytes(&self) -> u64 {
        0
    }
}

impl Wasi {
    pub(crate) fn new(context: &Context, memory: u64) -> Self {
        Self {
            table: ResourceTable::new(),
            clock: Clock::new(context.at),
            random: Random::new(context.seed.as_ref(), memory),
            stdio: cli::Stdio::default(),
            exchange: http::Exchange::default(),
        }
    }
}

impl Host {
    /// Keeps something for the guest and gives the handle.
    fn keep<T: Kept>(&mut self, thing: T) -> wasmtime::Result<Resource<T>> {
        self.take_memory(RESOURCE + thing.bytes())?;
        Ok(self.wasi.table.push(thing)?)
    }

    fn kept<T: Kept>(&self, handle: &Resource<T>) -> wasmtime::Result<&T> {
        Ok(self.wasi.table.get(handle)?)
    }

    fn kept_mut<T: Kept>(&mut self, handle: &Resource<T>) -> wasmtime::Result<&mut T> {
        Ok(self.wasi.table.get_mut(handle)?)
    }

    /// Takes back what was kept.
    fn take_back<T: Kept>(&mut self, handle: Resource<T>) -> wasmtime::Result<T> {
        let thing = self.wasi.table.delete(handle)?;
        self.give_memory(RESOURCE + thing.bytes());
        Ok(thing)
    }

    fn forget<T: Kept>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        self.take_back(handle).map(drop)
    }
}

/// Links every interface of WASI that there is.
pub(crate) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    bindings::Imports::add_to_linker::<Host, HasSelf<Host>>(
        linker,
        &bindings::LinkOptions::default(),
        |host| host,
    )?;
    http::link(linker)?;
    sockets::link(linker)
}

/// A call that the interface forbids; it traps.
fn misused<T>(what: &'static str) -> wasmtime::Result<T> {
    Err(Refused::Misused(what).into())
}
