//! The engines that run components, set so that outcomes depend on nothing but code, limits and input.
//!
//! Invariant: everything here that could change an outcome is named in [`Sandbox::engine`], and so in genesis.
//! Deliberately absent: threads, garbage collection, async, and any instance that outlives a message.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use troupe_chain::{Hash, Text};
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, Module, OptLevel, PoolingAllocationConfig,
    RegallocAlgorithm,
};

use crate::abi::meters::Meters;
use crate::needs::{MAX_MEMORIES, MAX_TABLES};
use crate::{CodeCache, CodeEvent, CodeWatch, Listener, cache};

/// How often the epoch advances: the grain of [`SandboxConfig::deadline`].
const TICK: Duration = Duration::from_millis(5);

/// Memory that a slot keeps between messages, where the kernel can tell which pages were written.
const KEEP_RESIDENT: usize = 64 << 20;

/// How many components are kept compiled; with one more, all are forgotten, and those in use live on where they are.
const MAX_COMPILED: usize = 256;

/// How a host runs components. Nothing in it decides an outcome.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Where compiled code is kept, in a folder that only this user may write to; `None` compiles anew each time.
    pub cache: Option<CodeCache>,
    /// Whom to tell what is compiled.
    pub watch: CodeWatch,
    /// How long one message may take before it is aborted; `None` leaves it to fuel alone.
    pub deadline: Option<Duration>,
}

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// From slots that are set up once: much faster for a fresh instance per message.
    Pooling {
        /// How many instances may live at the same time.
        instances: u32,
    },
    /// From the operating system, each time.
    OnDemand,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let allocation = Allocation::Pooling { instances: 64 };
        Self { allocation, cache: None, watch: CodeWatch::default(), deadline: Some(Duration::from_secs(10)) }
    }
}

/// Makes engines, one for each stack limit in use, and loads components into them. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    config: Arc<SandboxConfig>,
    engines: Arc<Mutex<BTreeMap<u64, Engine>>>,
    compiled: Arc<Mutex<BTreeMap<(Hash, u64), Component>>>,
    modules: Arc<Mutex<BTreeMap<(Hash, u64), Module>>>,
    meters: Arc<Meters>,
    name: Arc<troupe_chain::Engine>,
    listener: Listener,
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0:#}")]
pub struct NoEngine(pub(crate) wasmtime::Error);

impl Sandbox {
    /// Sets up a sandbox. Engines start when the first component is loaded.
    pub fn new(config: SandboxConfig) -> Self {
        Self {
            config: Arc::new(config),
            engines: Arc::default(),
            compiled: Arc::default(),
            modules: Arc::default(),
            meters: Arc::default(),
            name: Arc::new(engine_name()),
            listener: Listener::default(),
        }
    }

    /// The same sandbox, whose guests somebody listens to. Others of its clones are heard by nobody.
    pub fn heard_by(&self, listener: Listener) -> Self {
        Self { listener, ..self.clone() }
    }

    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// What outcomes depend on beside code and limits, as entries name it.
    pub fn engine(&self) -> &troupe_chain::Engine {
        &self.name
    }

    /// The engine settings, for whoever measures the sandbox against the bare engine.
    pub fn wasmtime_config(config: &SandboxConfig, stack: u64) -> Config {
        engine_config(config, stack)
    }

    /// How this sandbox was set up.
    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// The engine for a stack limit.
    pub(crate) fn engine_for(&self, stack: u64) -> Result<Engine, NoEngine> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(&stack) {
            return Ok(engine.clone());
        }
        let engine = Engine::new(&engine_config(&self.config, stack)).map_err(NoEngine)?;
        if self.config.deadline.is_some() {
            tick(&engine).map_err(|error| NoEngine(error.into()))?;
        }
        engines.insert(stack, engine.clone());
        Ok(engine)
    }

    /// Compiles a component for an engine, unless it has been compiled here or, with a cache, by an earlier process.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        stack: u64,
        name: Hash,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let compiled = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = compiled().get(&(name, stack)) {
            return Ok(component.clone());
        }
        // Without the lock: another component must not wait for this one.
        let component = cache::load(engine, self.config.cache.as_ref(), &self.config.watch, name, bytes)?;
        let mut compiled = compiled();
        if compiled.len() >= MAX_COMPILED {
            compiled.clear();
        }
        compiled.insert((name, stack), component.clone());
        Ok(component)
    }

    /// Compiles a core module for an engine, unless it has been compiled here. It is not kept on disk.
    pub(crate) fn compile_module(
        &self,
        engine: &Engine,
        stack: u64,
        name: Hash,
        bytes: &[u8],
    ) -> wasmtime::Result<Module> {
        let modules = || self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules().get(&(name, stack)) {
            return Ok(module.clone());
        }
        let began = Instant::now();
        let watch = &self.config.watch;
        watch.tell(&CodeEvent::Compiling { component: name, size: bytes.len() as u64 });
        // Without the lock: another module must not wait for this one.
        let module = Module::from_binary(engine, bytes);
        watch.tell(&CodeEvent::Compiled { component: name, took: began.elapsed() });
        let module = module?;
        let mut modules = modules();
        if modules.len() >= MAX_COMPILED {
            modules.clear();
        }
        modules.insert((name, stack), module.clone());
        Ok(module)
    }

    /// Counts of host calls and denied growth since this sandbox was set up.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// How long a message may take: as long as its chain says, or else as this sandbox does; for ever where the sandbox
    /// leaves it to fuel alone.
    fn deadline(&self, own: Option<Duration>) -> Option<Duration> {
        self.config.deadline.map(|deadline| own.unwrap_or(deadline))
    }

    /// The same in epochs, one more than asked for because the current one has already begun.
    pub(crate) fn deadline_ticks(&self, own: Option<Duration>) -> u64 {
        let ticks = |deadline: Duration| u64::try_from(deadline.as_nanos() / TICK.as_nanos()).ok();
        self.deadline(own).and_then(ticks).map_or(u64::MAX / 2, |ticks| ticks + 1)
    }

    /// The same as a person reads it.
    pub(crate) fn deadline_ms(&self, own: Option<Duration>) -> u64 {
        self.deadline(own).and_then(|d| u64::try_from(d.as_millis()).ok()).unwrap_or(u64::MAX)
    }
}

/// The deterministic profile, by name and version. A change of a setting below that can change an outcome needs a new
/// profile number.
fn engine_name() -> troupe_chain::Engine {
    let pairs = [
        ("name", "wasmtime"),
        ("profile", "1"),
        ("target", std::env::consts::ARCH),
        ("version", wasmtime_version()),
    ];
    pairs.into_iter().filter_map(|(k, v)| Some((Text::new(k).ok()?, Text::new(v).ok()?))).collect()
}

/// The version of the engine that `Cargo.lock` fixes; a test compares.
fn wasmtime_version() -> &'static str {
    "48.0.8"
}

fn engine_config(sandbox: &SandboxConfig, stack: u64) -> Config {
    let mut config = Config::new();
    config
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .consume_fuel(true)
        .max_wasm_stack(usize::try_from(stack).unwrap_or(usize::MAX))
        .wasm_component_model(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .shared_memory(false);
    // From here on: speed only.
    config
        .concurrency_support(false)
        // With or without a deadline, so that whoever verifies uses the code that was compiled for whoever ran it.
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .memory_init_cow(true)
        .generate_address_map(true);
    if let Allocation::Pooling { instances } = sandbox.allocation {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    }
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8).max(64))
        .total_memories(instances.saturating_add(16))
        .total_tables(instances.saturating_mul(4).max(64))
        .max_core_instances_per_component(64)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_tables_per_module(MAX_TABLES)
        .max_memories_per_module(MAX_MEMORIES)
        .table_elements(100_000)
        .max_memory_size((4 << 30) - (64 << 10))
        .max_unused_warm_slots(instances)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    // Without it, whatever is kept has to be cleared whole after each message.
    let keep = if PoolingAllocationConfig::is_pagemap_scan_available() { KEEP_RESIDENT } else { 64 << 10 };
    pool.linear_memory_keep_resident(keep);
    pool
}

/// Advances the engine's epoch until nobody uses the engine any more.
fn tick(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("troupe-epoch".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_engine_version_in_genesis_is_the_one_in_use() {
        let lock = include_str!("../../../Cargo.lock");
        let version =
            lock.split("name = \"wasmtime\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(version, Some(super::wasmtime_version()));
    }
}
