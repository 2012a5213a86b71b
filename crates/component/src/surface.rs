//! The names that a component imports and exports, read from its bytes alone, so that nothing is compiled that is no
//! actor: a component of 20 MB takes seconds to compile, and is refused in milliseconds.

use wasmparser::{Chunk, ComponentExternalKind, Parser, Payload};

use crate::World;
use crate::interface::Mismatch;
use crate::load::LoadError;
use crate::wasi::names::{self, Met};

/// Refuses a component that exports the interface of no world.
pub(crate) fn check(bytes: &[u8]) -> Result<(), LoadError> {
    // Bytes that cannot be read are named when they are compiled.
    let Ok(surface) = Surface::read(bytes) else { return Ok(()) };
    let is_world = |name: &String| World::ALL.iter().any(|world| world.is_exported_as(name));
    if surface.instances.iter().any(is_world) {
        return Ok(());
    }
    let exports: Vec<_> = surface.exports.iter().map(|name| format!("`{name}`")).collect();
    let found = if exports.is_empty() { "nothing".into() } else { exports.join(", ") };
    Err(LoadError::NoWorld { found, never: surface.imports.into_iter().filter_map(never).collect() })
}

/// Why no actor has an import; `None` if some do.
fn never(import: String) -> Option<Mismatch> {
    let ours = |world: &World| [world.runtime(), world.web(), world.commons()].contains(&Some(&*import));
    let why = match names::met(&import, true) {
        Some((Met::Never, why)) => why,
        Some(_) => return None,
        None if World::ALL.iter().any(ours) => return None,
        None => "no world gives it",
    };
    Some(Mismatch::Never { import, why })
}

/// Names, each in the order of the bytes.
#[derive(Default)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
    /// Those of the exports that are instances.
    instances: Vec<String>,
}

impl Surface {
    /// Reads the outermost component. What is nested in it is passed over unread.
    fn read(mut bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut surface = Self::default();
        let mut parser = Parser::new(0);
        loop {
            let Chunk::Parsed { payload, consumed } = parser.parse(bytes, true)? else { return Ok(surface) };
            bytes = bytes.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => {
                    bytes = bytes.get(unchecked_range.len()..).unwrap_or_default();
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        surface.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ComponentExternalKind::Instance {
                            surface.instances.push(export.name.name.to_owned());
                        }
                        surface.exports.push(export.name.name.to_owned());
                    }
                }
                Payload::End(_) => return Ok(surface),
                _ => {}
            }
        }
    }
}
