//! What is not an actor is refused, with everything that is wrong with it.

use troupe_component::LoadError;
use troupe_testing::{Call, Guest, World, guests, misfits};

use crate::common::load_with;

fn refused(bytes: &[u8]) -> String {
    load_with(bytes, "fuel", 1000).map(|_| ()).unwrap_err().to_string()
}

/// The interface and the signature of a call.
fn expected(world: World, call: Call) -> (&'static str, &'static str) {
    let interface = world.exported();
    let signature = match (world, call) {
        (World::Actor, Call::Init) => "config: option<list<u8>>) -> result<list<u8>, string>",
        (World::Actor, Call::Handle) => {
            "message: list<u8>, state: list<u8>) -> result<record { state: list<u8>, reply: option<list<u8>> }, string>"
        }
        (World::Actor, Call::MessageContract) => "message: list<u8>, state: list<u8>) -> result<_, string>",
        (World::Actor, Call::StateContract) => "func(state: list<u8>) -> result<_, string>",
        (_, Call::Init) => "func() -> list<u8>",
        (_, Call::Handle) => "func(msg: list<u8>, state: list<u8>) -> list<u8>",
        (_, Call::MessageContract) => "func(msg: list<u8>, state: list<u8>) -> bool",
        (_, Call::StateContract) => "func(state: list<u8>) -> bool",
    };
    (interface, signature)
}

#[test]
fn a_missing_export_is_named_with_the_signature_expected() {
    for world in World::ALL {
        for call in Call::ALL {
            let text = refused(&misfits::missing_export(world, call));
            let (interface, signature) = expected(world, call);
            let name = call.name();
            assert!(
                text.contains(&format!("the export `{interface}.{name}` is missing; expected ")),
                "{text}"
            );
            assert!(text.contains(signature), "{text}");
            assert_eq!(text.matches("\n  - ").count(), 1, "{text}");
        }
    }
}

#[test]
fn a_mistyped_export_is_named_with_the_signatures_expected_and_found() {
    for world in World::ALL {
        for call in Call::ALL {
            let text = refused(&misfits::mistyped_export(world, call));
            let (interface, signature) = expected(world, call);
            let name = call.name();
            assert!(text.contains(&format!("`{interface}.{name}` has another signature")), "{text}");
            assert!(text.contains(signature), "{text}");
            assert!(text.contains("found    func() -> u32"), "{text}");
            assert_eq!(text.matches("\n  - ").count(), 1, "{text}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let wit = World::Simple.wit();
    let wit = wit.replace("init: func() -> state;", "init: func() -> u32;");
    let wit = wit.replace("    state-contract: func(state: state) -> bool;\n", "");
    let wit = wit.replace("    log: func(", "    shutdown: func();\n    log: func(");
    let guest = Guest::new(World::Simple)
        .wit(wit, "first-actor")
        .import(r#"(import "ntwk:simple-actor/runtime" "shutdown" (func $shutdown))"#)
        .without(Call::StateContract)
        .body(Call::Init, "(call $shutdown) (i32.const 0)")
        .component();
    let text = refused(&guest);
    assert!(
        text.starts_with("this component does not fit the world `ntwk:simple-actor/first-actor`:"),
        "{text}"
    );
    for part in [
        "actor.init` has another signature",
        "actor.state-contract` is missing",
        "runtime.shutdown` is not granted",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.matches("\n  - ").count(), 3, "{text}");
}

#[test]
fn an_import_that_is_not_granted_is_named_with_what_is() {
    for world in World::ALL {
        let text = refused(&misfits::uses_clock(world));
        assert!(text.contains("`wasi:clocks/monotonic-clock@0.3.0` is not granted: WASI 0.3"), "{text}");
        let text = refused(&misfits::imports_unknown_function(world));
        assert!(text.contains("shutdown` is not granted"), "{text}");
        assert!(text.contains("(`log`, `send`"), "{text}");
    }
}

#[test]
fn an_effect_with_another_signature_is_named() {
    let wit = World::Actor.wit().replace("cancel: func(timer: effect-id)", "cancel: func(timer: u64)");
    let guest = Guest::new(World::Actor)
        .wit(wit, "actor")
        .import(r#"(import "troupe:actor/runtime@0.1.0" "cancel" (func $cancel (param i64)))"#)
        .body(Call::Handle, "(call $cancel (i64.const 1)) (call $ok (local.get $s) (local.get $slen))")
        .component();
    let text = refused(&guest);
    assert!(text.contains("`troupe:actor/runtime@0.1.0.cancel` has another signature"), "{text}");
    assert!(text.contains("expected func(timer: record { seq: u64, n: u32 })"), "{text}");
    assert!(text.contains("found    func(timer: u64)"), "{text}");
}

#[test]
fn an_import_with_another_signature_is_named() {
    let wit = World::Simple.wit().replace("log: func(msg: string);", "log: func(msg: u64);");
    let guest = Guest::new(World::Simple).wit(wit, "first-actor");
    // The prelude calls it with a place and a length; another import is needed, so the text is changed as a whole.
    let text = guest
        .text()
        .replace(r#""log" (func $import-log (param i32 i32))"#, r#""log" (func $import-log (param i64))"#);
    let text = text
        .replace("(call $import-log (local.get $p) (local.get $len))", "(call $import-log (i64.const 0))");
    let wit = World::Simple.wit().replace("log: func(msg: string);", "log: func(msg: u64);");
    let component = troupe_testing::component_from_wat(&wit, "first-actor", &text).unwrap();
    let text = refused(&component);
    assert!(text.contains("runtime.log` has another signature"), "{text}");
    assert!(text.contains("expected func(msg: string)\n    found    func(msg: u64)"), "{text}");
}

#[test]
fn a_world_of_another_version_is_no_world() {
    let wit = World::Actor.wit().replace("@0.1.0", "@0.2.0");
    let guest = Guest::new(World::Actor);
    let text = guest.text().replace("@0.1.0", "@0.2.0");
    let component = troupe_testing::component_from_wat(&wit, "actor", &text).unwrap();
    let text = refused(&component);
    assert!(text.contains("but `troupe:actor/handler@0.2.0`"), "{text}");
    assert!(
        text.contains("`ntwk:simple-actor/actor`") && text.contains("`troupe:actor/handler@0.1.0`"),
        "{text}"
    );
    assert!(refused(&misfits::no_exports()).contains("but nothing"));
}

#[test]
fn what_is_no_component_is_told_apart() {
    assert!(refused(&misfits::core_module()).contains("wasm-tools component new"));
    assert!(refused(b" \n(component)").contains("wasm-tools parse"));
    assert!(refused(b"").contains("the file is empty"));
    assert!(refused(b"\x7fELF and so on").contains("does not begin as WebAssembly does"));
    assert!(refused(b"\0asm").contains("does not begin as WebAssembly does"));
}

#[test]
fn a_component_cut_short_or_changed_is_refused_and_never_panics() {
    let echo = guests::echo(World::Simple);
    for end in (8..echo.len()).step_by(97) {
        assert!(load_with(&echo[..end], "fuel", 1000).is_err(), "cut at {end}");
    }
    let mut loaded = 0;
    for at in (8..echo.len()).step_by(61) {
        let mut changed = echo.clone();
        changed[at] ^= 0x55;
        // Some bytes are names and constants, so that the component is another one, and fits.
        loaded += usize::from(load_with(&changed, "fuel", 1000).is_ok());
    }
    assert!(loaded < echo.len() / 61, "every change was taken");
    let mut garbage = echo[..8].to_vec();
    garbage.extend([0xff; 64]);
    let text = refused(&garbage);
    assert!(text.starts_with("not a valid WebAssembly component: "), "{text}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = troupe_component::WasmComponent::new("/nowhere/actor.wasm").map(|_| ());
    assert!(matches!(missing, Err(LoadError::File { ref path, .. }) if path == "/nowhere/actor.wasm"));
}
