//! What an instance sees of the host: `log` and `send`, and the limits on what it may use.
//!
//! Nothing here reaches the world. A send is only noted down; whoever commits the entry performs it.

use troupe_chain::{Level, LogLine, Outgoing, Text};
use wasmtime::component::{Linker, WasmList, WasmStr};
use wasmtime::{ResourceLimiter, StoreContextMut};

use crate::Limits;
use crate::world::World;

/// The store's data while one message is served.
pub(crate) struct Host {
    pub(crate) phase: Phase,
    pub(crate) log: Vec<LogLine>,
    pub(crate) sends: Vec<Outgoing>,
    /// A growth that the limits denied; if the guest traps afterwards, this is why.
    pub(crate) denied: Option<Denied>,
    /// A growth that the limits allowed and the host could not make: no outcome.
    pub(crate) exhausted: Option<String>,
    log_left: u64,
    send_left: u64,
    sends_left: u64,
    instances: u64,
    memory_left: u64,
    table_left: u64,
    growing_within_limits: bool,
}

/// Which of the actor's functions runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Instantiate,
    Init,
    MessageContract,
    Handle,
    StateContract,
}

impl Phase {
    /// The phase as a person reads it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiation",
            Self::Init => "init",
            Self::MessageContract => "message-contract",
            Self::Handle => "handle",
            Self::StateContract => "state-contract",
        }
    }
}

/// The kind of growth that the limits denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    Memory,
    Table,
}

/// A host call that the guest may not make; it traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("`send` was called in {0}; only `init` and `handle` may send")]
    SendOutside(&'static str),
    #[error("`send` needs a receiver of 1 to 256 printable ASCII characters")]
    SendAddress,
    #[error("more log than the limit `log` allows")]
    Log,
    #[error("more bytes sent than the limit `send` allows")]
    Send,
    #[error("more messages sent than the limit `sends` allows")]
    Sends,
}

impl Host {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            phase: Phase::Instantiate,
            log: Vec::new(),
            sends: Vec::new(),
            denied: None,
            exhausted: None,
            log_left: limits.log,
            send_left: limits.send,
            sends_left: limits.sends,
            instances: limits.instances,
            memory_left: limits.memory,
            table_left: limits.table,
            growing_within_limits: false,
        }
    }

    /// Takes `len` plus one for the line itself, so that empty lines are bounded too.
    fn take_log(&mut self, len: usize) -> Result<(), Refused> {
        self.log_left = self.log_left.checked_sub(len as u64 + 1).ok_or(Refused::Log)?;
        Ok(())
    }

    fn take_send(&mut self, len: usize) -> Result<(), Refused> {
        if !matches!(self.phase, Phase::Init | Phase::Handle) {
            return Err(Refused::SendOutside(self.phase.name()));
        }
        self.sends_left = self.sends_left.checked_sub(1).ok_or(Refused::Sends)?;
        self.send_left = self.send_left.checked_sub(len as u64).ok_or(Refused::Send)?;
        Ok(())
    }

    /// Whether a growth is within the limit and what the guest declared, in this order: an allocator may give a table a
    /// lower maximum than the guest did, and that must not decide an outcome.
    fn grow(&mut self, kind: Denied, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let left = match kind {
            Denied::Memory => &mut self.memory_left,
            Denied::Table => &mut self.table_left,
        };
        let rest = left.checked_sub(desired.saturating_sub(current) as u64);
        let declared = maximum.is_none_or(|maximum| desired <= maximum);
        if let (Some(rest), true) = (rest, declared) {
            *left = rest;
        }
        if rest.is_none() {
            // Where both were denied, memory comes first.
            self.denied = Some(match self.denied {
                Some(Denied::Memory) => Denied::Memory,
                _ => kind,
            });
        }
        self.growing_within_limits = rest.is_some() && declared;
        self.growing_within_limits
    }
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Denied::Memory, current, desired, maximum))
    }

    /// Traps, so that a guest does not go on from what only this host could not do.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if !self.growing_within_limits {
            return Ok(());
        }
        self.exhausted = Some(error.to_string());
        Err(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(Denied::Table, current, desired, maximum))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_grow_failed(error)
    }

    /// A component that needs more is not loaded; this is for the adapters that the engine puts between instances.
    fn instances(&self) -> usize {
        usize::try_from(self.instances).unwrap_or(usize::MAX)
    }
}

/// Links `log` and `send` as a world wants them, and nothing else.
pub(crate) fn link(linker: &mut Linker<Host>, world: World) -> wasmtime::Result<()> {
    let mut runtime = linker.instance(world.runtime())?;
    match world {
        World::FirstActor => runtime
            .func_wrap("log", |store: StoreContextMut<'_, Host>, (line,): (WasmStr,)| {
                log(store, Level::Info, &line)
            })?,
        World::Actor => {
            runtime.func_wrap(
                "log",
                |store: StoreContextMut<'_, Host>, (level, line): (WitLevel, WasmStr)| {
                    log(store, level.into(), &line)
                },
            )?;
        }
    }
    runtime.func_wrap("send", |store: StoreContextMut<'_, Host>, (to, message): (WasmStr, WasmList<u8>)| {
        send(store, &to, &message)
    })
}

fn log(mut store: StoreContextMut<'_, Host>, level: Level, line: &WasmStr) -> wasmtime::Result<()> {
    let line = line.to_str(&store)?.into_owned();
    let host = store.data_mut();
    host.take_log(line.len())?;
    host.log.push(LogLine { level, line });
    Ok(())
}

fn send(mut store: StoreContextMut<'_, Host>, to: &WasmStr, message: &WasmList<u8>) -> wasmtime::Result<()> {
    store.data_mut().take_send(message.len())?;
    let to = Text::new(to.to_str(&store)?).map_err(|_| Refused::SendAddress)?;
    let message = message.as_le_slice(&store).to_vec();
    store.data_mut().sends.push(Outgoing { to, message });
    Ok(())
}

/// `troupe:actor/runtime.level`.
#[derive(Debug, Clone, Copy, wasmtime::component::ComponentType, wasmtime::component::Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by lifting only")]
enum WitLevel {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

impl From<WitLevel> for Level {
    fn from(level: WitLevel) -> Self {
        match level {
            WitLevel::Debug => Self::Debug,
            WitLevel::Info => Self::Info,
            WitLevel::Warn => Self::Warn,
            WitLevel::Error => Self::Error,
        }
    }
}
