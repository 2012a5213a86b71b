//! Components that import whatever a world says, and do nothing with it.

use anyhow::{Context, Result};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{ManglingAndAbi, Resolve, ResourceIntrinsic, TypeDefKind, WasmImport, WorldId, WorldItem};

use crate::component::component_of;

/// Makes a component that imports every function and resource of a world.
///
/// `packages` are the sources of packages that `wit` builds upon, in the order in which they build upon each other;
/// `exports` are the core functions that the world exports.
///
/// # Errors
///
/// If one of the texts does not parse, or `exports` do not fit the world.
pub fn importing(packages: &[&str], wit: &str, world: &str, exports: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    for package in packages {
        resolve.push_str("package.wit", package).context("parsing the WIT")?;
    }
    let package = resolve.push_str("world.wit", wit).context("parsing the WIT")?;
    let world = resolve.select_world(&[package], Some(world))?;
    let imports = imports(&resolve, world);
    let realloc = r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)"#;
    let module = format!("(module {imports} (memory (export \"memory\") 1) {realloc} {exports})");
    component_of(&resolve, world, wat::parse_str(module).context("parsing the core module")?)
}

/// Each import of a world as a core module declares it.
fn imports(resolve: &Resolve, world: WorldId) -> String {
    const MANGLING: ManglingAndAbi = ManglingAndAbi::Standard32;
    let mut text = String::new();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = Some(key);
        for func in resolve.interfaces[*id].functions.values() {
            let (module, name) = resolve.wasm_import_name(MANGLING, WasmImport::Func { interface, func });
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, func);
            let (params, results) = (types(&signature.params), types(&signature.results));
            text += &format!("(import {module:?} {name:?} (func (param{params}) (result{results})))\n");
        }
        for resource in resolve.interfaces[*id].types.values().copied() {
            if matches!(resolve.types[resource].kind, TypeDefKind::Resource) {
                let intrinsic = ResourceIntrinsic::ImportedDrop;
                let drop = WasmImport::ResourceIntrinsic { interface, resource, intrinsic };
                let (module, name) = resolve.wasm_import_name(MANGLING, drop);
                text += &format!("(import {module:?} {name:?} (func (param i32)))\n");
            }
        }
    }
    text
}

fn types(types: &[WasmType]) -> String {
    let name = |ty: &WasmType| match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => " i32",
        WasmType::I64 | WasmType::PointerOrI64 => " i64",
        WasmType::F32 => " f32",
        WasmType::F64 => " f64",
    };
    types.iter().map(name).collect()
}
