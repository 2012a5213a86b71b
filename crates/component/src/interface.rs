//! Compares what a component imports and exports with what its world says, and names every difference.

use std::fmt;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem, Type};

use crate::World;
use crate::abi;
use crate::wasi::names::{self, Import, Met};
use crate::world::Expected;

/// One thing that keeps a component from being an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// A function that the world requires is not exported.
    MissingExport {
        /// `interface.function`.
        function: String,
        /// Its signature.
        expected: String,
    },
    /// A function has another signature.
    Signature {
        /// `interface.function`.
        function: String,
        /// The signature of the world.
        expected: String,
        /// The component's.
        found: String,
    },
    /// An import that the world does not grant.
    NotGranted {
        /// The interface, or `interface.function`.
        import: String,
        /// What the world grants.
        granted: String,
    },
    /// An import that no world and no grant gives.
    Never {
        /// The interface.
        import: String,
        /// Why not.
        why: &'static str,
    },
    /// An import that the chain does not grant, and could.
    NeedsGrant {
        /// The interface.
        import: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingExport { function, expected } => {
                write!(f, "the export `{function}` is missing; expected {expected}")
            }
            Self::Signature { function, expected, found } => {
                write!(f, "`{function}` has another signature\n    expected {expected}\n    found    {found}")
            }
            Self::NotGranted { import, granted } => {
                write!(f, "the import `{import}` is not granted: the world gives {granted} and nothing else")
            }
            Self::Never { import, why } => write!(f, "the import `{import}` is not granted: {why}"),
            Self::NeedsGrant { import } => write!(
                f,
                "the import `{import}` is not granted: grant it with `http = [\"HOST\"]` under [grants], or leave it out"
            ),
        }
    }
}

/// The world whose interface the component exports, and the name that the component has for it.
pub(crate) fn detect(engine: &Engine, ty: &wasmtime::component::types::Component) -> Option<(World, String)> {
    World::ALL.into_iter().find_map(|world| {
        let is_it = |name: &str, item: &ComponentItem| {
            world.is_exported_as(name) && matches!(item, ComponentItem::ComponentInstance(_))
        };
        let (name, _) = ty.exports(engine).find(|(name, export)| is_it(name, &export.ty))?;
        Some((world, name.to_owned()))
    })
}

/// Everything in which the component differs from the world, where `web` says whether hosts of the web are granted.
pub(crate) fn compare(
    engine: &Engine,
    ty: &wasmtime::component::types::Component,
    (world, exports): (World, &str),
    web: bool,
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let exported = [
        (Some(exports), world.functions()),
        (world.migration(), World::MIGRATION),
        (world.description(), World::DESCRIPTION),
    ];
    for (name, functions) in exported {
        let export = name.and_then(|name| Some((name, ty.get_export(engine, name)?)));
        if let Some((name, export)) = export
            && let ComponentItem::ComponentInstance(instance) = export.ty
        {
            compare_exports(engine, &instance, name, functions, &mut mismatches);
        }
    }
    for (name, import) in ty.imports(engine) {
        compare_import(engine, name, &import.ty, world, web, &mut mismatches);
    }
    mismatches
}

/// Whether the component imports functions of an interface whose name is as `is` says.
pub(crate) fn imports(
    engine: &Engine,
    ty: &wasmtime::component::types::Component,
    is: impl Fn(&str) -> bool,
) -> bool {
    ty.imports(engine).any(|(name, import)| is(name) && !only_types(engine, &import.ty))
}

/// All that the component imports but types, and what it gets of each.
pub(crate) fn list(
    engine: &Engine,
    ty: &wasmtime::component::types::Component,
    world: World,
    web: bool,
) -> Vec<Import> {
    let functions = ty.imports(engine).filter(|(_, import)| !only_types(engine, &import.ty));
    let mut imports: Vec<_> = functions.map(|(name, _)| met(name, world, web)).collect();
    imports.sort_by(|a, b| a.name.cmp(&b.name));
    imports
}

fn met(name: &str, world: World, web: bool) -> Import {
    let (met, what) = match names::met(name, web) {
        Some(met) => met,
        None if Some(name) == world.runtime() => (Met::Given, "the log, and effects that the entry lists"),
        None if Some(name) == world.commons() => {
            (Met::Recorded, "the commons, as far as `commons:` grants say; the rest is refused with `denied`")
        }
        None if Some(name) == world.web() && web => (Met::Recorded, "hosts that are granted"),
        None if Some(name) == world.web() => {
            (Met::NeedsGrant, "grant hosts with `http = [\"HOST\"]` under [grants]")
        }
        None => (Met::Never, "no world gives it"),
    };
    Import { name: name.to_owned(), met, what }
}

/// A type alone grants nothing.
fn only_types(engine: &Engine, item: &ComponentItem) -> bool {
    let is_type = |item: &ComponentItem| matches!(item, ComponentItem::Type(_));
    match item {
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).all(|(_, export)| is_type(&export.ty))
        }
        item => is_type(item),
    }
}

fn compare_exports(
    engine: &Engine,
    instance: &ComponentInstance,
    name: &str,
    functions: &[Expected],
    out: &mut Vec<Mismatch>,
) {
    for expected in functions {
        let function = format!("{name}.{}", expected.0);
        match instance.get_export(engine, expected.0).map(|export| export.ty) {
            Some(ComponentItem::ComponentFunc(found)) => compare_function(function, expected, &found, out),
            _ => out.push(Mismatch::MissingExport { function, expected: show(expected) }),
        }
    }
}

fn compare_import(
    engine: &Engine,
    name: &str,
    item: &ComponentItem,
    world: World,
    web: bool,
    out: &mut Vec<Mismatch>,
) {
    if only_types(engine, item) {
        return;
    }
    if let Some((met, why)) = names::met(name, web) {
        if met == Met::Never {
            out.push(Mismatch::Never { import: name.to_owned(), why });
        }
        return;
    }
    let granted = || match world.runtime() {
        Some(runtime) => format!("`{runtime}` ({}), WASI 0.2", function_names(world.granted())),
        None => "WASI 0.2".to_owned(),
    };
    let not_granted = |import: String| Mismatch::NotGranted { import, granted: granted() };
    let is_web = Some(name) == world.web();
    let ComponentItem::ComponentInstance(instance) = item else {
        out.push(not_granted(name.to_owned()));
        return;
    };
    if is_web && !web {
        out.push(Mismatch::NeedsGrant { import: name.to_owned() });
        return;
    }
    let functions = match is_web {
        _ if Some(name) == world.commons() => abi::component::expected(),
        true => World::WEB,
        false if Some(name) == world.runtime() => world.granted(),
        false => {
            out.push(not_granted(name.to_owned()));
            return;
        }
    };
    for (export, item) in instance.exports(engine) {
        let function = format!("{name}.{export}");
        match (functions.iter().find(|(granted, ..)| *granted == export), item.ty) {
            (Some(expected), ComponentItem::ComponentFunc(found)) => {
                compare_function(function, expected, &found, out);
            }
            (_, ComponentItem::Type(_)) => {}
            _ => out.push(not_granted(function)),
        }
    }
}

fn compare_function(function: String, expected: &Expected, found: &ComponentFunc, out: &mut Vec<Mismatch>) {
    let params: Vec<(String, String)> =
        found.params().map(|(name, ty)| (name.to_owned(), describe(&ty))).collect();
    let result = found.results().next().map(|ty| describe(&ty));
    let same_params = params.iter().map(|(_, ty)| ty.as_str()).eq(expected.1.iter().map(|(_, ty)| *ty));
    if same_params && result.as_deref() == expected.2 && !found.async_() {
        return;
    }
    let params: Vec<_> = params.iter().map(|(name, ty)| (name.as_str(), ty.as_str())).collect();
    let found = signature(found.async_(), &params, result.as_deref());
    out.push(Mismatch::Signature { function, expected: show(expected), found });
}

fn show(expected: &Expected) -> String {
    signature(false, expected.1, expected.2)
}

fn signature(is_async: bool, params: &[(&str, &str)], result: Option<&str>) -> String {
    let params: Vec<_> = params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
    let result = result.map(|result| format!(" -> {result}")).unwrap_or_default();
    format!("{}func({}){result}", if is_async { "async " } else { "" }, params.join(", "))
}

fn function_names(functions: &[Expected]) -> String {
    functions.iter().map(|(name, ..)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A type as WIT, with named types written out.
fn describe(ty: &Type) -> String {
    let of = |ty: Option<Type>| ty.as_ref().map_or("_".to_owned(), describe);
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(list) => format!("list<{}>", describe(&list.ty())),
        Type::Option(option) => format!("option<{}>", describe(&option.ty())),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => "result".into(),
            (ok, None) => format!("result<{}>", of(ok)),
            (ok, err) => format!("result<{}, {}>", of(ok), of(err)),
        },
        Type::Tuple(tuple) => {
            let types: Vec<_> = tuple.types().map(|ty| describe(&ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        Type::Record(record) => {
            let fields: Vec<_> =
                record.fields().map(|field| format!("{}: {}", field.name, describe(&field.ty))).collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        Type::Variant(variant) => {
            let case = |case: wasmtime::component::types::Case<'_>| match case.ty {
                Some(ty) => format!("{}({})", case.name, describe(&ty)),
                None => case.name.to_owned(),
            };
            format!("variant {{ {} }}", variant.cases().map(case).collect::<Vec<_>>().join(", "))
        }
        Type::Enum(cases) => format!("enum {{ {} }}", cases.names().collect::<Vec<_>>().join(", ")),
        Type::Flags(flags) => format!("flags {{ {} }}", flags.names().collect::<Vec<_>>().join(", ")),
        Type::Own(_) => "own<resource>".into(),
        Type::Borrow(_) => "borrow<resource>".into(),
        other => format!("{other:?}"),
    }
}
