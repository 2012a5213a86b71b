//! An actor's three calls and nothing else: no checks, no hashes, no entry, no limits but fuel.

use troupe::troupe_component::{Sandbox, SandboxConfig};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Linker, Lower, WasmStr,
};
use wasmtime::{Engine, Error, Store, ensure};

use crate::plain;

/// A component of either world, called with wasmtime alone.
pub struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    has_context: bool,
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
    /// If it is not a component of one of the worlds.
    pub fn new(bytes: &[u8], config: &SandboxConfig) -> anyhow::Result<Self> {
        Self::compile(bytes, config).map_err(plain)
    }

    fn compile(bytes: &[u8], config: &SandboxConfig) -> wasmtime::Result<Self> {
        let engine = Engine::new(&Sandbox::wasmtime_config(config, 512 << 10))?;
        let component = Component::from_binary(&engine, bytes)?;
        let has_context = component.get_export_index(None, "troupe:actor/handler@0.1.0").is_some();
        let mut linker: Linker<()> = Linker::new(&engine);
        if has_context {
            let mut runtime = linker.instance("troupe:actor/runtime@0.1.0")?;
            runtime.func_wrap("log", |_, (_, _): (Level, WasmStr)| Ok(()))?;
            runtime.func_wrap("send", |_, (_, _): (WasmStr, Vec<u8>)| Ok(()))?;
        } else {
            let mut runtime = linker.instance("ntwk:simple-actor/runtime")?;
            runtime.func_wrap("log", |_, (_,): (WasmStr,)| Ok(()))?;
            runtime.func_wrap("send", |_, (_, _): (WasmStr, Vec<u8>)| Ok(()))?;
        }
        let interface = if has_context { "troupe:actor/handler@0.1.0" } else { "ntwk:simple-actor/actor" };
        let missing = || Error::msg("a function is missing");
        let actor = component.get_export_index(None, interface).ok_or_else(missing)?;
        let find = |name| component.get_export_index(Some(&actor), name).ok_or_else(missing);
        let functions = [find("message-contract")?, find("handle")?, find("state-contract")?];
        Ok(Self { pre: linker.instantiate_pre(&component)?, engine, has_context, functions })
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
        if self.has_context {
            self.calls_with_context(store, instance, message, state)
        } else {
            self.plain_calls(store, instance, message, state)
        }
    }

    fn plain_calls(
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

    fn calls_with_context(
        &self,
        store: &mut Store<()>,
        instance: Instance,
        message: &[u8],
        state: &[u8],
    ) -> wasmtime::Result<Vec<u8>> {
        let [message_contract, handle, state_contract] = self.functions;
        type Taken<'a> = (Context, &'a [u8], &'a [u8]);
        type Done = (Result<(), String>,);
        let context = || Context { from: Sender::Http, at: 0, seq: 1 };
        let contract = instance.get_typed_func::<Taken<'_>, Done>(&mut *store, &message_contract)?;
        contract.call(&mut *store, (context(), message, state))?.0.map_err(Error::msg)?;
        let handle =
            instance.get_typed_func::<Taken<'_>, (Result<Outcome, String>,)>(&mut *store, &handle)?;
        let outcome = handle.call(&mut *store, (context(), message, state))?.0.map_err(Error::msg)?;
        std::hint::black_box(outcome.reply);
        let contract = instance.get_typed_func::<(&[u8],), Done>(&mut *store, &state_contract)?;
        contract.call(&mut *store, (&outcome.state[..],))?.0.map_err(Error::msg)?;
        Ok(outcome.state)
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

#[derive(ComponentType, Lower)]
#[component(record)]
struct Context {
    from: Sender,
    at: u64,
    seq: u64,
}

/// Every case that the world has; the benchmarks send none but the first.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the type must have the cases of the world")]
enum Sender {
    #[component(name = "http")]
    Http,
    #[component(name = "did")]
    Did(String),
    #[component(name = "actor")]
    Actor(Effect),
    #[component(name = "timer")]
    Timer(Timer),
    #[component(name = "reply")]
    Reply(Reply),
    #[component(name = "notice")]
    Notice(Notice),
    #[component(name = "parent")]
    Parent(Effect),
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Effect {
    chain: String,
    entry: String,
    n: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Own {
    seq: u64,
    n: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Timer {
    set: Own,
    due: u64,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Reply {
    to: Own,
    chain: String,
    entry: String,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Notice {
    of: Own,
    about: About,
    chain: Option<String>,
    entry: Option<String>,
}

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the type must have the cases of the world")]
enum About {
    #[component(name = "busy")]
    Busy,
    #[component(name = "failed")]
    Failed,
    #[component(name = "lapsed")]
    Lapsed,
    #[component(name = "late")]
    Late,
    #[component(name = "no-reply")]
    NoReply,
    #[component(name = "out-of-time")]
    OutOfTime,
    #[component(name = "paused")]
    Paused,
    #[component(name = "refused")]
    Refused,
    #[component(name = "restarted")]
    Restarted,
    #[component(name = "started")]
    Started,
    #[component(name = "stopped")]
    Stopped,
    #[component(name = "unknown")]
    Unknown,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Outcome {
    state: Vec<u8>,
    reply: Option<Vec<u8>>,
}

#[derive(ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by lifting only")]
enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}
