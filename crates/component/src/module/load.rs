//! Loads a core module: counts what it has, then looks at its imports and exports, then compiles it.

use std::sync::Arc;

use troupe_abi::{MEMORY, RUN};
use troupe_chain::Hash;
use wasmparser::{ExternalKind, Parser, Payload};
use wasmtime::{ExternType, Linker, Module, ValType};

use super::link;
use crate::abi::{self, HostFunction};
use crate::actor::Body;
use crate::interface::Mismatch;
use crate::load::{LoadError, check_counts};
use crate::needs::{MAX_MEMORIES, MAX_TABLES, check};
use crate::{Grants, Limits, Sandbox, WasmComponent, World};

/// Loads a core module that is a job; `None` if the bytes are something else.
///
/// # Errors
/// [`LoadError`] that names the limit, import or export that is wrong.
pub(crate) fn load(
    sandbox: &Sandbox,
    bytes: &[u8],
    limits: &Limits,
    grants: &Grants,
) -> Result<Option<WasmComponent>, LoadError> {
    if !Parser::is_core_wasm(bytes) || !exports_run(bytes) {
        return Ok(None);
    }
    check_counts(bytes, limits)?;
    let name = Hash::of(bytes);
    let invalid = |error: wasmtime::Error| LoadError::Invalid(format!("{error:#}"));
    let engine = sandbox.engine_for(limits.stack)?;
    let module = sandbox.compile_module(&engine, limits.stack, name, bytes).map_err(invalid)?;
    let mismatches = mismatches(&module);
    if !mismatches.is_empty() {
        return Err(LoadError::Interface { world: World::Job.name(), mismatches });
    }
    let needs = module.resources_required();
    check("memories", needs.num_memories.into(), MAX_MEMORIES.into())?;
    check("tables", needs.num_tables.into(), MAX_TABLES.into())?;
    let mut linker = Linker::new(&engine);
    link::link(&mut linker, &engine).map_err(invalid)?;
    let pre = linker.instantiate_pre(&module).map_err(invalid)?;
    let reads = |name: &str| HostFunction::named(name).is_some_and(HostFunction::reads);
    let asks = module.imports().any(|import| reads(import.name())) && !grants.commons().is_empty();
    Ok(Some(WasmComponent {
        name,
        sandbox: sandbox.clone(),
        body: Body::Module(pre),
        limits: limits.clone(),
        asks,
        draws: false,
        imports: imports(&module, grants).into(),
        grants: Arc::new(grants.clone()),
        description: Arc::default(),
    }))
}

/// Whether a core module exports a function `run`, read from its bytes alone.
fn exports_run(bytes: &[u8]) -> bool {
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ExportSection(section)) => {
                let is_run = |export: wasmparser::Export<'_>| {
                    export.name == RUN && matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact)
                };
                return section.into_iter().flatten().any(is_run);
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// Everything in which a module differs from what a job is.
fn mismatches(module: &Module) -> Vec<Mismatch> {
    let mut found: Vec<Mismatch> =
        module.imports().filter_map(|import| wrong_import(module, &import)).collect();
    let run = module.get_export(RUN).and_then(|export| export.func().cloned());
    let fits = run.as_ref().is_some_and(|run| {
        run.params().len() == 0 && run.results().len() == 1 && run.result(0).is_some_and(|ty| ty.is_i64())
    });
    if let (Some(run), false) = (&run, fits) {
        let (expected, found_ty) = ("() -> i64".to_owned(), run.to_string());
        found.push(Mismatch::Signature { function: RUN.to_owned(), expected, found: found_ty });
    }
    if !matches!(module.get_export(MEMORY), Some(ExternType::Memory(_))) {
        let expected = "a memory".to_owned();
        found.push(Mismatch::MissingExport { function: MEMORY.to_owned(), expected });
    }
    found
}

fn wrong_import(module: &Module, import: &wasmtime::ImportType<'_>) -> Option<Mismatch> {
    let name = format!("{}.{}", import.module(), import.name());
    let known = (import.module() == abi::MODULE).then(|| HostFunction::named(import.name())).flatten();
    let (Some(function), ExternType::Func(ty)) = (known, import.ty()) else {
        let granted = format!("the functions of `{}` in docs/spec/host-abi.md", abi::MODULE);
        return Some(Mismatch::NotGranted { import: name, granted });
    };
    let expected = link::ty(function, module.engine());
    if expected.matches(&ty) && ty.matches(&expected) {
        return None;
    }
    let types = |types: &mut dyn Iterator<Item = ValType>| {
        types.map(|ty| ty.to_string()).collect::<Vec<_>>().join(" ")
    };
    let found = format!("({}) -> {}", types(&mut ty.params()), types(&mut ty.results()));
    Some(Mismatch::Signature { function: name, expected: function.core_signature(), found })
}

/// What the module imports, and what it gets of each.
fn imports(module: &Module, grants: &Grants) -> Vec<crate::Import> {
    let mut imports: Vec<_> = module
        .imports()
        .filter_map(|import| {
            let function = HostFunction::named(import.name())?;
            let granted = function.capability.is_none_or(|capability| grants.commons().has(capability));
            let met = match function.does {
                abi::Does::NotHere => crate::Met::Refuses,
                _ if !granted => crate::Met::Refuses,
                _ if function.reads() => crate::Met::Recorded,
                _ => crate::Met::Given,
            };
            Some(crate::Import {
                name: format!("{}.{}", abi::MODULE, function.name),
                met,
                what: function.doc,
            })
        })
        .collect();
    imports.sort_by(|a, b| a.name.cmp(&b.name));
    imports
}
