//! What an instance has of the host: a log, effects that are noted down, and the limits on what it may use.
//!
//! Nothing here reaches the world. An effect is done by whoever commits the entry.

use std::sync::Arc;

use troupe_abi::Job;
use troupe_chain::{Abort, Answered, Asked, Context, Hash, Level, LogLine, Text};
use wasmtime::component::{Linker, WasmList, WasmStr};
use wasmtime::{ResourceLimiter, StoreContextMut};

use crate::abi::meters::Meters;
use crate::line::Line;
use crate::wasi::Wasi;
use crate::world::World;
use crate::written::Written;
use crate::{Grants, WasmComponent};

/// The store's data while one message is served.
pub(crate) struct Host {
    pub(crate) phase: Phase,
    pub(crate) log: Vec<LogLine>,
    /// Who hears what is written, as it is.
    pub(crate) written: Written,
    pub(crate) effects: Vec<Asked>,
    /// The calls to the outside that were answered.
    pub(crate) calls: Vec<Answered>,
    /// A call to the outside that came to nothing: no outcome.
    pub(crate) aborted: Option<Abort>,
    /// The way to the outside, for components that import something of it.
    pub(crate) line: Option<Line>,
    /// What the chain grants.
    pub(crate) grants: Arc<Grants>,
    /// Clocks, randomness, standard streams and the rest of WASI.
    pub(crate) wasi: Wasi,
    /// The epochs that the guest may take, which start anew after each call to the outside.
    pub(crate) deadline: u64,
    /// What a core module carries to and from its job.
    pub(crate) job: Job,
    /// Who counts host calls and denied growth.
    pub(crate) meters: Arc<Meters>,
    /// The actor's own code.
    pub(crate) code: Hash,
    /// The position of the entry being made.
    pub(crate) seq: u64,
    /// A growth that the limits denied; if the guest traps afterwards, this is why.
    pub(crate) denied: Option<Denied>,
    /// A growth that the limits allowed and the host could not make: no outcome.
    pub(crate) exhausted: Option<String>,
    log_left: u64,
    send_left: u64,
    sends_left: u64,
    calls_left: u64,
    answer_left: u64,
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
    Migrate,
    Schema,
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
            Self::Migrate => "migrate",
            Self::Schema => "schema",
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
    #[error("`{0}` was called in {1}; only `init`, `handle` and `migrate` may ask for something")]
    Outside(&'static str, &'static str),
    #[error("`{0}` needs the id or name of an actor: 1 to 256 printable ASCII characters")]
    Address(&'static str),
    #[error("`{0}` cannot be written down: {1}")]
    Effect(&'static str, &'static str),
    #[error("more log than the limit `log` allows")]
    Log,
    #[error("more bytes in effects and calls than the limit `send` allows")]
    Send,
    #[error("more effects than the limit `sends` allows")]
    Sends,
    #[error("more calls to the outside than the limit `calls` allows")]
    Calls,
    #[error("more bytes of answers from outside than the limit `answer` allows")]
    Answer,
    #[error("the host would keep or draw more for the actor than the limit `memory` allows")]
    Memory,
    #[error("the actor ended itself with the code {0}, by `wasi:cli/exit`")]
    Exit(u8),
    #[error("{0}")]
    Misused(&'static str),
}

impl Host {
    /// What an instance of `actor` begins with as the entry that `context` is of is made.
    pub(crate) fn new(actor: &WasmComponent, context: &Context, line: Option<Line>) -> Self {
        let limits = &actor.limits;
        let deadline = actor.sandbox.deadline_ticks(limits.time());
        Self {
            phase: Phase::Instantiate,
            log: Vec::new(),
            written: actor.sandbox.listener().begin(context),
            effects: Vec::new(),
            calls: Vec::new(),
            aborted: None,
            line,
            grants: Arc::clone(&actor.grants),
            wasi: Wasi::new(context, limits.memory),
            deadline,
            job: Job::default(),
            meters: Arc::clone(actor.sandbox.meters()),
            code: actor.name,
            seq: context.seq,
            denied: None,
            exhausted: None,
            log_left: limits.log,
            send_left: limits.send,
            sends_left: limits.sends,
            calls_left: limits.calls,
            answer_left: limits.answer,
            instances: limits.instances,
            memory_left: limits.memory,
            table_left: limits.table,
            growing_within_limits: false,
        }
    }

    /// Writes a line to the log.
    pub(crate) fn log_line(&mut self, level: Level, line: String) {
        self.written.log(level, &line);
        self.log.push(LogLine { level, line });
    }

    /// Takes `len` plus one for the line itself, so that empty lines are bounded too.
    fn take_log(&mut self, len: usize) -> Result<(), Refused> {
        self.take_log_bytes(len + 1)
    }

    /// Takes bytes of log, ends of lines included.
    pub(crate) fn take_log_bytes(&mut self, len: usize) -> Result<(), Refused> {
        self.log_left = self.log_left.checked_sub(len as u64).ok_or(Refused::Log)?;
        Ok(())
    }

    /// Takes memory of the guest's for what the host keeps for it.
    pub(crate) fn take_memory(&mut self, bytes: u64) -> Result<(), Refused> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(Refused::Memory)?;
        Ok(())
    }

    /// Gives back what was taken.
    pub(crate) fn give_memory(&mut self, bytes: u64) {
        self.memory_left = self.memory_left.saturating_add(bytes);
    }

    /// Whether `function` may be called in this phase.
    pub(crate) fn may_ask(&self, function: &'static str) -> Result<(), Refused> {
        match self.phase {
            Phase::Init | Phase::Handle | Phase::Migrate => Ok(()),
            phase => Err(Refused::Outside(function, phase.name())),
        }
    }

    /// Takes an effect that counts as `count` and carries `len` bytes.
    pub(crate) fn take_effect(
        &mut self,
        function: &'static str,
        count: u64,
        len: usize,
    ) -> Result<(), Refused> {
        self.may_ask(function)?;
        self.sends_left = self.sends_left.checked_sub(count).ok_or(Refused::Sends)?;
        self.take_bytes(len)
    }

    /// Takes bytes that leave the actor.
    pub(crate) fn take_bytes(&mut self, len: usize) -> Result<(), Refused> {
        self.send_left = self.send_left.checked_sub(len as u64).ok_or(Refused::Send)?;
        Ok(())
    }

    /// Takes a call to the outside that carries `len` bytes.
    pub(crate) fn take_call(&mut self, len: usize) -> Result<(), Refused> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(Refused::Calls)?;
        self.take_bytes(len)
    }

    /// Takes an answer from outside.
    pub(crate) fn take_answer(&mut self, len: usize) -> Result<(), Refused> {
        self.answer_left = self.answer_left.checked_sub(len as u64).ok_or(Refused::Answer)?;
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
            match kind {
                Denied::Memory => self.meters.deny_memory(),
                Denied::Table => self.meters.deny_table(),
            }
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
    let Some(runtime) = world.runtime() else { return Ok(()) };
    let mut runtime = linker.instance(runtime)?;
    match world {
        World::FirstActor => runtime
            .func_wrap("log", |store: StoreContextMut<'_, Host>, (line,): (WasmStr,)| {
                log(store, Level::Info, &line)
            })?,
        _ => {
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
    host.log_line(level, line);
    Ok(())
}

fn send(mut store: StoreContextMut<'_, Host>, to: &WasmStr, message: &WasmList<u8>) -> wasmtime::Result<()> {
    store.data_mut().take_effect("send", 1, message.len())?;
    let to = Text::new(to.to_str(&store)?).map_err(|_| Refused::Address("send"))?;
    let message = message.as_le_slice(&store).to_vec();
    store.data_mut().effects.push(Asked::send(to, message));
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
