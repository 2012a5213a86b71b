//! An actor's three calls and nothing else: no checks, no hashes, no entry, no limits but fuel.

use troupe::troupe_component::{Sandbox, SandboxConfig};
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre, Linker, WasmStr};
use wasmtime::{Engine, Error, Store, ensure};

use crate::plain;

/// A component of the seed's world, called with wasmtime alone.
pub struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    functions: [ComponentExportIndex; 3],
}

/// An instance that serves one message after the other.
pub struct Reused<'a> {
    bare: &'a Bare,
    store: Store<()>,
    instance: Instance,
}

impl Bare {
    /// Compiles a component with the engine settings of the sandbox.
    ///
    /// # Errors
    /// If it is not a component of the seed's world.
    pub fn new(bytes: &[u8], config: &SandboxConfig) -> anyhow::Result<Self> {
        Self::compile(bytes, config).map_err(plain)
    }

    fn compile(bytes: &[u8], config: &SandboxConfig) -> wasmtime::Result<Self> {
        let engine = Engine::new(&Sandbox::wasmtime_config(config, 512 << 10))?;
        let component = Component::from_binary(&engine, bytes)?;
        let mut linker: Linker<()> = Linker::new(&engine);
        let mut runtime = linker.instance("ntwk:simple-actor/runtime")?;
        runtime.func_wrap("log", |_, (_,): (WasmStr,)| Ok(()))?;
        runtime.func_wrap("send", |_, (_, _): (WasmStr, Vec<u8>)| Ok(()))?;
        let actor = component
            .get_export_index(None, "ntwk:simple-actor/actor")
            .ok_or_else(|| Error::msg("no actor"))?;
        let find = |name| {
            component.get_export_index(Some(&actor), name).ok_or_else(|| Error::msg("a function is missing"))
        };
        let functions = [find("message-contract")?, find("handle")?, find("state-contract")?];
        Ok(Self { pre: linker.instantiate_pre(&component)?, engine, functions })
    }

    fn instance(&self) -> wasmtime::Result<(Store<()>, Instance)> {
        let mut store = Store::new(&self.engine, ());
        store.set_fuel(1_000_000_000)?;
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate(&mut store)?;
        Ok((store, instance))
    }

    /// The three calls in a fresh instance.
    ///
    /// # Errors
    /// If the guest traps.
    pub fn fresh(&self, message: &[u8], state: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (mut store, instance) = self.instance().map_err(plain)?;
        self.calls(&mut store, instance, message, state).map_err(plain)
    }

    /// An instance to be used again and again.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn reused(&self) -> anyhow::Result<Reused<'_>> {
        let (store, instance) = self.instance().map_err(plain)?;
        Ok(Reused { bare: self, store, instance })
    }

    fn calls(
        &self,
        store: &mut Store<()>,
        instance: Instance,
        message: &[u8],
        state: &[u8],
    ) -> wasmtime::Result<Vec<u8>> {
        let [message_contract, handle, state_contract] = self.functions;
        type TwoBytes<'a> = (&'a [u8], &'a [u8]);
        let contract = instance.get_typed_func::<TwoBytes<'_>, (bool,)>(&mut *store, &message_contract)?;
        ensure!(contract.call(&mut *store, (message, state))?.0, "the message contract says no");
        let handle = instance.get_typed_func::<TwoBytes<'_>, (Vec<u8>,)>(&mut *store, &handle)?;
        let (state,) = handle.call(&mut *store, (message, state))?;
        let contract = instance.get_typed_func::<(&[u8],), (bool,)>(&mut *store, &state_contract)?;
        ensure!(contract.call(&mut *store, (&state[..],))?.0, "the state contract says no");
        Ok(state)
    }
}

impl Reused<'_> {
    /// The three calls in the same instance as before.
    ///
    /// # Errors
    /// If the guest traps.
    pub fn call(&mut self, message: &[u8], state: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.store.set_fuel(1_000_000_000).map_err(plain)?;
        self.bare.calls(&mut self.store, self.instance, message, state).map_err(plain)
    }
}
