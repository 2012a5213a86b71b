//! What a component takes from the start, counted before it runs, so that a limit that it can never keep is named at
//! once and the same whatever the host's allocator is.

use troupe_abi::PAGE;
use wasmparser::{
    Chunk, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Instance, Parser, Payload,
};
use wasmtime::component::Component;

use crate::Limits;
use crate::load::LoadError;

/// The most linear memories that a component may have, of whatever size.
pub(crate) const MAX_MEMORIES: u32 = 16;
/// The most tables that a component may have, of whatever size.
pub(crate) const MAX_TABLES: u32 = 64;

/// Checks what the bytes alone say, so that nothing is compiled that cannot run.
pub(crate) fn check_bytes(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    // Bytes that cannot be read are named when they are compiled.
    let instances = core_instances(bytes).unwrap_or(0);
    check("instances", instances, limits.instances)
}

/// Checks what each instance will ask for.
pub(crate) fn check_component(component: &Component, limits: &Limits) -> Result<(), LoadError> {
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let pages = needs.max_initial_memory_size.unwrap_or(0);
    check("memory", pages.saturating_mul(PAGE), limits.memory)?;
    check("table", needs.max_initial_table_size.unwrap_or(0), limits.table)?;
    check("memories", needs.num_memories.into(), MAX_MEMORIES.into())?;
    check("tables", needs.num_tables.into(), MAX_TABLES.into())
}

/// Says of a limit that what is needed goes beyond it, if it does.
pub(crate) fn check(limit: &'static str, needs: u64, allowed: u64) -> Result<(), LoadError> {
    if needs > allowed { Err(LoadError::Needs { limit, needs, allowed }) } else { Ok(()) }
}

/// A component of the nest that is being read.
struct Level {
    parser: Parser,
    /// Core instances that an instance of it leads to.
    instances: u64,
    /// The same for each component in its index space.
    components: Vec<u64>,
}

impl Level {
    fn new(parser: Parser) -> Self {
        Self { parser, instances: 0, components: Vec::new() }
    }
}

/// Counts the core modules that an instance of a component instantiates, those of nested components included. A component
/// that comes from elsewhere than its surroundings counts as the largest that was seen. Modules are passed over unread.
fn core_instances(mut bytes: &[u8]) -> wasmparser::Result<u64> {
    let mut levels = vec![Level::new(Parser::new(0))];
    let mut largest = 0;
    while let Some(level) = levels.last_mut() {
        let Chunk::Parsed { payload, consumed } = level.parser.parse(bytes, true)? else { break };
        bytes = bytes.get(consumed..).unwrap_or_default();
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                bytes = bytes.get(unchecked_range.len()..).unwrap_or_default();
            }
            Payload::ComponentSection { parser, .. } => levels.push(Level::new(parser)),
            Payload::End(_) => {
                let instances = level.instances;
                largest = largest.max(instances);
                levels.pop();
                match levels.last_mut() {
                    Some(outer) => outer.components.push(instances),
                    None => return Ok(instances),
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    let count = aliased(&alias?, &levels, largest);
                    if let (Some(count), Some(level)) = (count, levels.last_mut()) {
                        level.components.push(count);
                    }
                }
            }
            other => level.read(other, largest)?,
        }
    }
    Ok(0)
}

impl Level {
    fn read(&mut self, payload: Payload<'_>, largest: u64) -> wasmparser::Result<()> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    let counts = matches!(instance?, Instance::Instantiate { .. });
                    self.instances = self.instances.saturating_add(counts.into());
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.instances = self.instances.saturating_add(self.count(component_index, largest));
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                        self.components.push(largest);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        self.components.push(self.count(export.index, largest));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count(&self, component: u32, unknown: u64) -> u64 {
        self.components.get(component as usize).copied().unwrap_or(unknown)
    }
}

/// The count of a component that an alias names; `None` if it names something else.
fn aliased(alias: &ComponentAlias<'_>, levels: &[Level], largest: u64) -> Option<u64> {
    match alias {
        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
            let level = levels.len().checked_sub(1 + *count as usize).and_then(|level| levels.get(level));
            Some(level.map_or(largest, |level| level.count(*index, largest)))
        }
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => Some(largest),
        _ => None,
    }
}
