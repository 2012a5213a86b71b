//! Loads a component: refuses what is not an actor and says why, compiles the rest.

use std::path::Path;
use std::sync::Arc;

use troupe_abi::TooMuch;
use troupe_chain::{Files, Hash, Machines, Rules};
use wasmtime::component::Linker;

use crate::actor::Body;
use crate::guest::Code;
use crate::interface::{self, Mismatch};
use crate::limits::{BadLimit, NONE};
use crate::sandbox::NoEngine;
use crate::wasi::{self, names};
use crate::{
    Grants, Limits, Sandbox, WasmComponent, World, abi, effects, fetch, host, module, needs, surface,
};

/// A component that was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are larger than the limit `component`.
    #[error("the component has {size} bytes, the limit `component` is {limit}")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A core module instead of a component.
    #[error(
        "this is a core WebAssembly module, not a component; make a component of it with \
         `wasm-tools component new MODULE.wasm -o COMPONENT.wasm`, or link with `wasm-component-ld`; or, for a job, \
         export `run: () -> i64` and a `memory`"
    )]
    CoreModule,
    /// WebAssembly text.
    #[error(
        "this is WebAssembly text; make a component of it with `wasm-tools parse FILE.wat -o COMPONENT.wasm`"
    )]
    Text,
    /// Not WebAssembly, or not valid.
    #[error("not a valid WebAssembly component: {0}")]
    Invalid(String),
    /// None of the worlds.
    #[error(
        "this component is not an actor: it exports none of {worlds}, but {found}{never}",
        worlds = interfaces(),
        never = beside(.never)
    )]
    NoWorld {
        /// What it exports.
        found: String,
        /// Imports that no actor has. An interface of nothing but types counts too, since no type was looked at.
        never: Vec<Mismatch>,
    },
    /// It differs from its world.
    #[error("this component does not fit the world `{world}`:\n{}", list(.mismatches))]
    Interface {
        /// The world whose interface it exports.
        world: &'static str,
        /// Every difference.
        mismatches: Vec<Mismatch>,
    },
    /// It needs more from the start than the limits allow.
    #[error("the component needs {needs} from the start, the limit `{limit}` is {allowed}")]
    Needs {
        /// The limit; or "memories" or "tables", of which no component may have more than a fixed number.
        limit: &'static str,
        /// What it needs.
        needs: u64,
        /// What the limit allows.
        allowed: u64,
    },
    /// A limit that cannot be used.
    #[error(transparent)]
    Limit(#[from] BadLimit),
    /// The host has no engine.
    #[error(transparent)]
    NoEngine(#[from] NoEngine),
}

/// Holds each core module to what it may have from the start.
pub(crate) fn check_counts(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let limit = |name: &str| match name {
        "functions" => limits.functions,
        "globals" => limits.globals,
        "tables" => limits.tables,
        "table" => limits.table,
        _ => limits.memory,
    };
    troupe_abi::check_counts(bytes, &limit).map_err(|TooMuch { limit, needs, allowed }| LoadError::Needs {
        limit,
        needs,
        allowed,
    })
}

fn interfaces() -> String {
    World::ALL.map(|world| format!("`{}`", world.exports())).join(", ")
}

fn list(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(|mismatch| format!("  - {mismatch}")).collect::<Vec<_>>().join("\n")
}

fn beside(mismatches: &[Mismatch]) -> String {
    if mismatches.is_empty() { String::new() } else { format!(";\n{}", list(mismatches)) }
}

impl WasmComponent {
    /// Reads a component from a file into a sandbox of its own, with default limits. Returns it with its hash.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn new(path: impl AsRef<Path>) -> Result<(Self, Hash), LoadError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|source| LoadError::File { path: path.display().to_string(), source })?;
        let component = Sandbox::new(crate::SandboxConfig::default()).load(&bytes, &Limits::default())?;
        let hash = component.hash();
        Ok((component, hash))
    }
}

impl Sandbox {
    /// Loads a component to run under `limits`, granted nothing but its world.
    ///
    /// # Errors
    /// [`LoadError`] that names everything that keeps it from being an actor.
    pub fn load(&self, bytes: &[u8], limits: &Limits) -> Result<WasmComponent, LoadError> {
        self.load_granted(bytes, limits, &Grants::default())
    }

    /// Loads a component to run under `limits` and with `grants`.
    ///
    /// # Errors
    /// [`LoadError`] that names everything that keeps it from being an actor.
    pub fn load_granted(
        &self,
        bytes: &[u8],
        limits: &Limits,
        grants: &Grants,
    ) -> Result<WasmComponent, LoadError> {
        check_size(bytes, limits)?;
        if let Some(module) = module::load(self, bytes, limits, grants)? {
            return Ok(module);
        }
        check_bytes(bytes)?;
        if [limits.functions, limits.globals, limits.tables].iter().any(|limit| *limit != NONE) {
            check_counts(bytes, limits)?;
        }
        needs::check_bytes(bytes, limits)?;
        surface::check(bytes)?;
        let name = Hash::of(bytes);
        let engine = self.engine_for(limits.stack)?;
        let component = self
            .compile(&engine, limits.stack, name, bytes)
            .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        let ty = component.component_type();
        let vanished = || LoadError::Invalid("an export vanished after it was checked".into());
        let (world, exports) = interface::detect(&engine, &ty).ok_or_else(vanished)?;
        let mismatches = interface::compare(&engine, &ty, (world, &exports), grants.has_http());
        if !mismatches.is_empty() {
            return Err(LoadError::Interface { world: world.name(), mismatches });
        }
        needs::check_component(&component, limits)?;
        let invalid = |error: wasmtime::Error| LoadError::Invalid(format!("{error:#}"));
        let mut linker = Linker::new(&engine);
        host::link(&mut linker, world).map_err(invalid)?;
        if world == World::Actor {
            effects::link(&mut linker, world).map_err(invalid)?;
        }
        let imports = |is: fn(&str) -> bool| interface::imports(&engine, &ty, is);
        let fetches = interface::imports(&engine, &ty, |name| Some(name) == world.web());
        if fetches && let Some(web) = world.web() {
            fetch::link(&mut linker, web).map_err(invalid)?;
        }
        let commons = interface::imports(&engine, &ty, |name| Some(name) == world.commons());
        if commons {
            abi::component::link(&mut linker).map_err(invalid)?;
        }
        if imports(|name| name.starts_with("wasi:")) {
            wasi::link(&mut linker).map_err(invalid)?;
        }
        let pre = linker.instantiate_pre(&component).map_err(invalid)?;
        let code = Code::find(&component, world, &exports).ok_or_else(vanished)?;
        Ok(WasmComponent {
            name,
            sandbox: self.clone(),
            body: Body::Component(pre, code),
            limits: limits.clone(),
            asks: fetches
                || (imports(names::asks) && grants.has_http())
                || (commons && !grants.commons().is_empty()),
            draws: imports(names::draws),
            imports: interface::list(&engine, &ty, world, grants.has_http()).into(),
            grants: Arc::new(grants.clone()),
            description: Arc::default(),
        })
    }
}

/// Checks what the bytes of a component or a core module alone say against limits: nothing is compiled for it. What the bytes
/// do not say, such as whether they fit a world, loading does.
///
/// # Errors
/// [`LoadError::TooLarge`] or [`LoadError::Needs`], for the first limit that they go beyond.
pub fn check_limits(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    check_size(bytes, limits)?;
    check_counts(bytes, limits)?;
    needs::check_bytes(bytes, limits)
}

fn check_size(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let size = bytes.len() as u64;
    if size > limits.component {
        return Err(LoadError::TooLarge { size, limit: limits.component });
    }
    Ok(())
}

fn check_bytes(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(LoadError::CoreModule),
        _ if bytes.trim_ascii_start().starts_with(b"(") => Err(LoadError::Text),
        [] => Err(LoadError::Invalid("the file is empty".into())),
        _ => Err(LoadError::Invalid("it does not begin as WebAssembly does".into())),
    }
}

impl Machines for Sandbox {
    type Machine = WasmComponent;

    fn engine(&self) -> &troupe_chain::Engine {
        Self::engine(self)
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<WasmComponent, String> {
        if let troupe_chain::Code::Native(machine) = &rules.code {
            return Err(format!("the native machine `{machine}` is not known here"));
        }
        let limits = Limits::from_entry(&rules.limits).map_err(|error| error.to_string())?;
        let grants = Grants::parse(&rules.grants).map_err(|error| error.to_string())?;
        let grants = grants.with_files(files).map_err(|error| error.to_string())?;
        let component = self.load_granted(code, &limits, &grants).map_err(|error| error.to_string())?;
        if component.world().name() != rules.world.as_str() {
            let found = component.world().name();
            return Err(format!("the chain says world `{}`, the component is of `{found}`", rules.world));
        }
        Ok(component)
    }

    fn world(&self, rules: &Rules, code: &[u8]) -> Result<troupe_chain::Text, String> {
        if !matches!(rules.code, troupe_chain::Code::Component(_)) {
            return Ok(rules.world.clone());
        }
        let limits = Limits::from_entry(&rules.limits).map_err(|error| error.to_string())?;
        let grants = Grants::parse(&rules.grants).map_err(|error| error.to_string())?;
        let component = self.load_granted(code, &limits, &grants).map_err(|error| error.to_string())?;
        Ok(component.world().text())
    }
}
