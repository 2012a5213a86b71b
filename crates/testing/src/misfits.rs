//! Components that a host should refuse before it runs them: other imports, other exports, or no component at all.

use crate::{Call, Guest, Place, World};

/// Imports, and uses, a clock that nothing grants: `wasi:clocks/monotonic-clock@0.3.0`.
pub fn uses_clock(world: World) -> Vec<u8> {
    imports(world, "wasi:clocks@0.3.0", "monotonic-clock", "now")
}

/// Imports, and calls in `handle`, a function of no parameters that gives a `u64`.
///
/// `package` is a name with or without a version, such as `wasi:clocks@0.2.0`.
pub fn imports(world: World, package: &str, interface: &str, function: &str) -> Vec<u8> {
    let (namespace, version) = match package.split_once('@') {
        Some((name, version)) => (name, format!("@{version}")),
        None => (package, String::new()),
    };
    let imported = format!("{namespace}/{interface}{version}");
    let wit = format!(
        "{}\npackage {package} {{ interface {interface} {{ {function}: func() -> u64; }} }}
         world misfit {{ include {}; import {imported}; }}",
        world.wit(),
        world.name()
    );
    Guest::new(world)
        .wit(wit, "misfit")
        .import(&format!("  (import \"{imported}\" \"{function}\" (func $imported (result i64)))"))
        .at(Place::Call(Call::Handle), "(drop (call $imported))")
        .component()
}

/// Imports a function of the runtime that the world's runtime does not have, `shutdown`.
pub fn imports_unknown_function(world: World) -> Vec<u8> {
    let module = match world {
        World::Simple | World::SimpleInline => "ntwk:simple-actor/runtime",
        World::Actor => "troupe:actor/runtime@0.1.0",
    };
    let wit = world.wit().replace("    log: func(", "    shutdown: func();\n    log: func(");
    Guest::new(world)
        .wit(wit, world.name())
        .import(&format!("  (import \"{module}\" \"shutdown\" (func $shutdown))"))
        .at(Place::Call(Call::Handle), "(call $shutdown)")
        .component()
}

/// Exports an interface in which one function is missing.
pub fn missing_export(world: World, call: Call) -> Vec<u8> {
    Guest::new(world).wit(declaring(world, call, ""), world.name()).without(call).component()
}

/// Exports an interface in which one function has another type, `func() -> u32`.
pub fn mistyped_export(world: World, call: Call) -> Vec<u8> {
    let declaration = format!("    {}: func() -> u32;", call.name());
    Guest::new(world)
        .wit(declaring(world, call, &declaration), world.name())
        .parameters(call, "")
        .body(call, "(i32.const 0)")
        .component()
}

/// Exports nothing at all.
pub fn no_exports() -> Vec<u8> {
    let wit = "package troupe:misfit; world empty {}";
    let made = crate::component_from_wat(wit, "empty", "(module)");
    made.unwrap_or_else(|error| panic!("failed to make a component: {error:#}"))
}

/// A core module, which is valid WebAssembly and no component.
pub fn core_module() -> Vec<u8> {
    wat::parse_str(Guest::new(World::Simple).text())
        .unwrap_or_else(|error| panic!("failed to make a module: {error:#}"))
}

/// The world's WIT with another declaration of a function that it exports.
fn declaring(world: World, call: Call, declaration: &str) -> String {
    let beginning = format!("{}: func(", call.name());
    let lines = world.wit().lines();
    let changed =
        lines.map(|line| if line.trim_start().starts_with(&beginning) { declaration } else { line });
    changed.collect::<Vec<_>>().join("\n")
}
