//! The last step: a component where the project wants it, whatever the tools made.

use std::fs;
use std::path::Path;

use wit_component::ComponentEncoder;

use super::BuildError;
use crate::Project;

/// How a core module begins; a component has another version.
const CORE: &[u8] = b"\0asm\x01\0\0\0";

/// Writes what a tool made to where the project wants it, as a component.
pub(super) fn finish(project: &Project, made: &Path) -> Result<(), BuildError> {
    let bytes = fs::read(made).map_err(BuildError::system(format!("reading {}", made.display())))?;
    let bytes = if bytes.starts_with(CORE) { encode(&bytes)? } else { bytes };
    make_room(project)?;
    let path = project.component();
    // Whoever looks at the file sees all of it or the one before.
    let temporary = path.with_extension("wasm.new");
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path));
    written.map_err(BuildError::system(format!("writing {}", path.display())))
}

/// Makes a component of a core module that says by a section of its own which world it is for.
///
/// # Errors
/// [`BuildError`] if the module does not say it, or is not of that world.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| {
        BuildError::sources(format!("no component can be made of the core module: {error:#}"))
    })
}

/// Makes the folder that the component goes to.
pub(super) fn make_room(project: &Project) -> Result<(), BuildError> {
    let path = project.component();
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::create_dir_all(folder).map_err(BuildError::system(format!("making {}", folder.display())))
}
