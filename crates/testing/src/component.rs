//! From text to a component.

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// Makes a component of a core module.
///
/// `wit` is the source of one package, which may hold others in braces; `world` is a world of it; `core_wat` is a core
/// module in text that imports and exports what the world says, under the names of the canonical ABI. The component is
/// validated, and depends only on the arguments.
///
/// # Errors
///
/// If one of the texts does not parse, or the module does not fit the world.
pub fn component_from_wat(wit: &str, world: &str, core_wat: &str) -> Result<Vec<u8>> {
    let module = wat::parse_str(core_wat).context("parsing the core module")?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("world.wit", wit).context("parsing the WIT")?;
    let world = resolve.select_world(&[package], Some(world))?;
    component_of(&resolve, world, module)
}

/// Makes a core module, for guests that are jobs.
///
/// # Errors
///
/// If the text does not parse.
pub fn module_from_wat(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text).context("parsing the core module")
}

/// Makes a component of a core module for a world.
pub(crate) fn component_of(resolve: &Resolve, world: WorldId, mut module: Vec<u8>) -> Result<Vec<u8>> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.validate(true).encode()
}
