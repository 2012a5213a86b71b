//! The functions of an actor, in either world, behind one set of calls.

use troupe_chain::Context;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc,
};

use crate::World;
use crate::host::Host;
use crate::ordinary::Ordinary;
use crate::wit::{WitContext, WitOutcome};

type Store = wasmtime::Store<Host>;

/// Where a component keeps the functions of its world.
#[derive(Clone, Copy)]
pub(crate) struct Exports {
    pub(crate) world: World,
    init: ComponentExportIndex,
    handle: ComponentExportIndex,
    message_contract: ComponentExportIndex,
    state_contract: ComponentExportIndex,
    /// Of the interface that a component may export beside.
    pub(crate) migrate: Option<ComponentExportIndex>,
    /// Of the other such interface.
    pub(crate) schema: Option<ComponentExportIndex>,
}

/// Where a component keeps what a host calls.
#[derive(Clone, Copy)]
pub(crate) enum Code {
    /// An actor's functions.
    Actor(Exports),
    /// The one function of a component that was not written as an actor.
    Ordinary(Ordinary),
}

impl Code {
    /// Looks up what the world asks for, in the interface that the component exports as `export`.
    pub(crate) fn find(component: &Component, world: World, export: &str) -> Option<Self> {
        match world {
            World::FirstActor | World::Actor => Exports::find(component, world).map(Self::Actor),
            World::Command | World::Handler => Ordinary::find(component, world, export).map(Self::Ordinary),
            World::Job => None,
        }
    }

    pub(crate) fn world(&self) -> World {
        match self {
            Self::Actor(exports) => exports.world,
            Self::Ordinary(ordinary) => ordinary.world,
        }
    }
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
        let beside = |interface: Option<&str>, name| {
            let interface = component.get_export_index(None, interface?)?;
            component.get_export_index(Some(&interface), name)
        };
        Some(Self {
            world,
            init: find("init")?,
            handle: find("handle")?,
            message_contract: find("message-contract")?,
            state_contract: find("state-contract")?,
            migrate: beside(world.migration(), "migrate"),
            schema: beside(world.description(), "schema"),
        })
    }
}

impl Guest<'_> {
    pub(crate) fn init(&mut self, context: &Context, config: Option<&[u8]>) -> Answer<Vec<u8>> {
        let index = self.exports.init;
        match self.exports.world {
            World::FirstActor => {
                let function = self.function::<(), (Vec<u8>,)>(&index)?;
                Ok(Ok(function.call(&mut *self.store, ())?.0))
            }
            _ => {
                type Init<'a> = TypedFunc<(WitContext, Option<&'a [u8]>), (Result<Vec<u8>, String>,)>;
                let function: Init<'_> = self.function(&index)?;
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
                Ok(yes_or_no(yes))
            }
            _ => {
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
            _ => {
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
                Ok(yes_or_no(yes))
            }
            _ => {
                let function = self.function::<(&[u8],), (Result<(), String>,)>(&index)?;
                Ok(function.call(&mut *self.store, (state,))?.0)
            }
        }
    }

    /// The state as the component carries it over: as it is, unless it says how.
    pub(crate) fn migrate(&mut self, context: &Context, state: &[u8]) -> Answer<Vec<u8>> {
        let Some(index) = self.exports.migrate else { return Ok(Ok(state.to_vec())) };
        type Migrate<'a> = TypedFunc<(WitContext, &'a [u8]), (Result<Vec<u8>, String>,)>;
        let function: Migrate<'_> = self.function(&index)?;
        Ok(function.call(&mut *self.store, (context.into(), state))?.0)
    }

    /// What the component says that it takes; nothing, unless it says it.
    pub(crate) fn schema(&mut self) -> wasmtime::Result<Option<String>> {
        let Some(index) = self.exports.schema else { return Ok(None) };
        let function = self.function::<(), (String,)>(&index)?;
        Ok(Some(function.call(&mut *self.store, ())?.0))
    }

    fn function<P, R>(&mut self, index: &ComponentExportIndex) -> wasmtime::Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut *self.store, index)
    }
}

/// The answer of a contract that cannot give a reason.
fn yes_or_no(yes: bool) -> Result<(), String> {
    if yes { Ok(()) } else { Err("no reason given: in this world a contract says yes or no".to_owned()) }
}
