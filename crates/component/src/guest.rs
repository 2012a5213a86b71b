//! The four functions of an actor, in either world, behind one set of calls.

use troupe_chain::{Context, Sender};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, ComponentType, Instance, Lift, Lower, TypedFunc,
};

use crate::World;
use crate::host::Host;

type Store = wasmtime::Store<Host>;

/// Where a component keeps the functions of its world.
#[derive(Clone, Copy)]
pub(crate) struct Exports {
    pub(crate) world: World,
    init: ComponentExportIndex,
    handle: ComponentExportIndex,
    message_contract: ComponentExportIndex,
    state_contract: ComponentExportIndex,
}

/// What `handle` returned.
pub(crate) struct Handled {
    pub(crate) state: Vec<u8>,
    pub(crate) reply: Option<Vec<u8>>,
}

/// An instance with the functions of its world.
pub(crate) struct Guest<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) instance: Instance,
    pub(crate) exports: Exports,
}

/// A call that returned: the actor's answer, or the reason it gave against it.
type Answer<T> = wasmtime::Result<Result<T, String>>;

impl Exports {
    /// Looks the functions up; `None` if one is missing.
    pub(crate) fn find(component: &Component, world: World) -> Option<Self> {
        let interface = component.get_export_index(None, world.exports())?;
        let find = |name| component.get_export_index(Some(&interface), name);
        Some(Self {
            world,
            init: find("init")?,
            handle: find("handle")?,
            message_contract: find("message-contract")?,
            state_contract: find("state-contract")?,
        })
    }
}

impl Guest<'_> {
    pub(crate) fn init(&mut self, context: &Context, config: Option<&[u8]>) -> Answer<Vec<u8>> {
        match self.exports.world {
            World::FirstActor => {
                let function = self.function::<(), (Vec<u8>,)>(&self.exports.init.clone())?;
                Ok(Ok(function.call(&mut *self.store, ())?.0))
            }
            World::Actor => {
                type Init<'a> = TypedFunc<(WitContext, Option<&'a [u8]>), (Result<Vec<u8>, String>,)>;
                let function: Init<'_> = self.function(&self.exports.init.clone())?;
                Ok(function.call(&mut *self.store, (context.into(), config))?.0)
            }
        }
    }

    pub(crate) fn message_contract(&mut self, context: &Context, message: &[u8], state: &[u8]) -> Answer<()> {
        let index = self.exports.message_contract;
        match self.exports.world {
            World::FirstActor => {
                let function = self.function::<(&[u8], &[u8]), (bool,)>(&index)?;
                let (yes,) = function.call(&mut *self.store, (message, state))?;
                Ok(if yes { Ok(()) } else { Err("no reason given: in this world a contract says yes or no".to_owned()) })
            }
            World::Actor => {
                type Contract<'a> = TypedFunc<(WitContext, &'a [u8], &'a [u8]), (Result<(), String>,)>;
                let function: Contract<'_> = self.function(&index)?;
                Ok(function.call(&mut *self.store, (context.into(), message, state))?.0)
            }
        }
    }

    pub(crate) fn handle(&mut self, context: &Context, message: &[u8], state: &[u8]) -> Answer<Handled> {
        let index = self.exports.handle;
        match self.exports.world {
            World::FirstActor => {
                let function = self.function::<(&[u8], &[u8]), (Vec<u8>,)>(&index)?;
                let (state,) = function.call(&mut *self.store, (message, state))?;
                Ok(Ok(Handled { state, reply: None }))
            }
            World::Actor => {
                type Handle<'a> = TypedFunc<(WitContext, &'a [u8], &'a [u8]), (Result<WitOutcome, String>,)>;
                let function: Handle<'_> = self.function(&index)?;
                let (answer,) = function.call(&mut *self.store, (context.into(), message, state))?;
                Ok(answer.map(|WitOutcome { state, reply }| Handled { state, reply }))
            }
        }
    }

    pub(crate) fn state_contract(&mut self, state: &[u8]) -> Answer<()> {
        let index = self.exports.state_contract;
        match self.exports.world {
            World::FirstActor => {
                let function = self.function::<(&[u8],), (bool,)>(&index)?;
                let (yes,) = function.call(&mut *self.store, (state,))?;
                Ok(if yes { Ok(()) } else { Err("no reason given: in this world a contract says yes or no".to_owned()) })
            }
            World::Actor => {
                let function = self.function::<(&[u8],), (Result<(), String>,)>(&index)?;
                Ok(function.call(&mut *self.store, (state,))?.0)
            }
        }
    }

    fn function<P, R>(&mut self, index: &ComponentExportIndex) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut *self.store, index)
    }
}

/// `troupe:actor/types.outcome`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct WitOutcome {
    state: Vec<u8>,
    reply: Option<Vec<u8>>,
}

/// `troupe:actor/types.context`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct WitContext {
    from: WitSender,
    at: u64,
    seq: u64,
}

/// `troupe:actor/types.sender`.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the interface has cases that no chain has yet")]
enum WitSender {
    #[component(name = "http")]
    Http,
    #[component(name = "did")]
    Did(String),
    #[component(name = "actor")]
    Actor(WitEffect),
    #[component(name = "timer")]
    Timer(WitTimer),
    #[component(name = "notice")]
    Notice(WitEffect),
    #[component(name = "parent")]
    Parent(WitEffect),
}

/// `troupe:actor/types.effect-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct WitEffect {
    chain: String,
    entry: String,
    n: u32,
}

/// `troupe:actor/types.timer-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct WitTimer {
    entry: String,
    n: u32,
    due: u64,
}

impl From<&Context> for WitContext {
    fn from(context: &Context) -> Self {
        // An entry has at most 10,000 effects, so their numbers fit.
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let from = match &context.from {
            Sender::Http { .. } => WitSender::Http,
            Sender::Did { did, .. } => WitSender::Did(did.to_string()),
            Sender::Actor { chain, entry, n } => WitSender::Actor(WitEffect {
                chain: chain.to_string(),
                entry: entry.to_string(),
                n: number(*n),
            }),
            Sender::Timer { entry, n, due } => {
                WitSender::Timer(WitTimer { entry: entry.to_string(), n: number(*n), due: due.0 })
            }
        };
        Self { from, at: context.at.0, seq: context.seq }
    }
}
