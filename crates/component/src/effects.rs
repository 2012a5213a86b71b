//! The effects of `troupe:actor/runtime` beyond `send`: noted down in the order in which they are asked for.
//!
//! Invariant: what is noted down can be written into an entry. Whatever cannot traps here.

use troupe_chain::{Asked, Code, Effect, EffectId, Hash, MAX_INTEGER, OnFailure, Spawn, Supervision, Text};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmList, WasmStr};

use crate::host::{Host, Refused};
use crate::wit::WitEffectId;
use crate::world::World;

type Store<'a> = StoreContextMut<'a, Host>;

/// Links every effect but `send`.
pub(crate) fn link(linker: &mut Linker<Host>, world: World) -> wasmtime::Result<()> {
    let Some(runtime) = world.runtime() else { return Ok(()) };
    let mut runtime = linker.instance(runtime)?;
    runtime.func_wrap("request", request)?;
    runtime.func_wrap("set-timer", set_timer)?;
    runtime.func_wrap("set-cron", set_cron)?;
    runtime.func_wrap("cancel", cancel)?;
    runtime.func_wrap("spawn", spawn)?;
    runtime.func_wrap("stop", stop)?;
    runtime.func_wrap("exit", exit)
}

fn request(
    mut store: Store<'_>,
    (to, message, timeout): (WasmStr, WasmList<u8>, u64),
) -> wasmtime::Result<(WitEffectId,)> {
    store.data_mut().take_effect("request", 1, message.len())?;
    let to = Text::new(to.to_str(&store)?).map_err(|_| Refused::Address("request"))?;
    let timeout = integer("request", timeout)?;
    let message = message.as_le_slice(&store).to_vec();
    Ok(store.data_mut().note(Asked::request(to, message, timeout)))
}

fn set_timer(
    mut store: Store<'_>,
    (after, message): (u64, WasmList<u8>),
) -> wasmtime::Result<(WitEffectId,)> {
    store.data_mut().take_effect("set-timer", 1, message.len())?;
    let after = integer("set-timer", after)?;
    let message = message.as_le_slice(&store).to_vec();
    Ok(store.data_mut().note(Asked::timer(after, message)))
}

fn set_cron(
    mut store: Store<'_>,
    (cron, message): (WasmStr, WasmList<u8>),
) -> wasmtime::Result<(WitEffectId,)> {
    store.data_mut().take_effect("set-cron", 1, message.len())?;
    let cron = text("set-cron", &cron.to_str(&store)?)?;
    let message = message.as_le_slice(&store).to_vec();
    Ok(store.data_mut().note(Asked::cron(cron, message)))
}

fn cancel(mut store: Store<'_>, (timer,): (WitEffectId,)) -> wasmtime::Result<()> {
    store.data_mut().take_effect("cancel", 1, 0)?;
    let id = EffectId { seq: integer("cancel", timer.seq)?, n: timer.n.into() };
    store.data_mut().note(Asked::bare(Effect::Cancel(id)));
    Ok(())
}

fn spawn(mut store: Store<'_>, (child,): (WitChild,)) -> wasmtime::Result<(WitEffectId,)> {
    let (grants, config) = (child.grants.len() as u64, child.config.as_ref().map_or(0, Vec::len));
    store.data_mut().take_effect("spawn", grants.saturating_add(2), config)?;
    let (spawn, config) = child.read(store.data().code)?;
    Ok(store.data_mut().note(Asked::spawn(spawn, config)))
}

fn stop(mut store: Store<'_>, (child,): (WasmStr,)) -> wasmtime::Result<()> {
    store.data_mut().take_effect("stop", 1, 0)?;
    let child = Text::new(child.to_str(&store)?).map_err(|_| Refused::Address("stop"))?;
    store.data_mut().note(Asked::bare(Effect::Stop { child }));
    Ok(())
}

fn exit(mut store: Store<'_>, (reason,): (WasmStr,)) -> wasmtime::Result<()> {
    store.data_mut().take_effect("exit", 1, 0)?;
    let reason = text("exit", &reason.to_str(&store)?)?;
    store.data_mut().note(Asked::bare(Effect::Exit { reason }));
    Ok(())
}

impl Host {
    /// Notes an effect down and gives its id.
    fn note(&mut self, asked: Asked) -> (WitEffectId,) {
        let id = EffectId { seq: self.seq, n: self.effects.len() as u64 };
        self.effects.push(asked);
        (id.into(),)
    }
}

fn text(function: &'static str, text: &str) -> Result<Text, Refused> {
    Text::new(text).map_err(|_| Refused::Effect(function, "a text is 1 to 256 printable ASCII characters"))
}

fn integer(function: &'static str, integer: u64) -> Result<u64, Refused> {
    match integer <= MAX_INTEGER {
        true => Ok(integer),
        false => Err(Refused::Effect(function, "an integer is at most 2^53-1")),
    }
}

/// `troupe:actor/runtime.child`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct WitChild {
    component: Option<String>,
    config: Option<Vec<u8>>,
    name: Option<String>,
    grants: Vec<String>,
    supervision: Option<WitSupervision>,
}

/// `troupe:actor/runtime.supervision`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct WitSupervision {
    #[component(name = "on-failure")]
    on_failure: WitOnFailure,
    failures: u32,
    within: u64,
    backoff: u64,
    #[component(name = "max-backoff")]
    max_backoff: u64,
    #[component(name = "max-restarts")]
    max_restarts: u32,
}

/// `troupe:actor/runtime.on-failure`.
#[derive(Debug, Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by lifting only")]
enum WitOnFailure {
    #[component(name = "go-on")]
    GoOn,
    #[component(name = "pause")]
    Pause,
    #[component(name = "restart")]
    Restart,
    #[component(name = "restore")]
    Restore,
    #[component(name = "stop")]
    Stop,
    #[component(name = "escalate")]
    Escalate,
}

impl WitChild {
    /// The effect, where `own` is the actor's own code.
    fn read(self, own: Hash) -> Result<(Spawn, Option<Vec<u8>>), Refused> {
        let component = match &self.component {
            None => own,
            Some(name) => name
                .parse()
                .map_err(|_| Refused::Effect("spawn", "a component is named by 64 lower-case hex digits"))?,
        };
        let mut grants: Vec<_> =
            self.grants.iter().map(|grant| text("spawn", grant)).collect::<Result<_, _>>()?;
        grants.sort();
        grants.dedup();
        let name = self.name.map(|name| text("spawn", &name)).transpose()?;
        let supervision = self.supervision.map(WitSupervision::read).transpose()?.unwrap_or_default();
        let spawn = Spawn { code: Code::Component(component), config: None, grants, name, supervision };
        Ok((spawn, self.config))
    }
}

impl WitSupervision {
    fn read(self) -> Result<Supervision, Refused> {
        if self.failures == 0 {
            return Err(Refused::Effect("spawn", "`failures` is at least 1"));
        }
        Ok(Supervision {
            on_failure: self.on_failure.into(),
            failures: self.failures.into(),
            within: integer("spawn", self.within)?,
            backoff: integer("spawn", self.backoff)?,
            max_backoff: integer("spawn", self.max_backoff)?,
            max_restarts: self.max_restarts.into(),
        })
    }
}

impl From<WitOnFailure> for OnFailure {
    fn from(policy: WitOnFailure) -> Self {
        match policy {
            WitOnFailure::GoOn => Self::GoOn,
            WitOnFailure::Pause => Self::Pause,
            WitOnFailure::Restart => Self::Restart,
            WitOnFailure::Restore => Self::Restore,
            WitOnFailure::Stop => Self::Stop,
            WitOnFailure::Escalate => Self::Escalate,
        }
    }
}
