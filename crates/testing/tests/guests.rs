//! Every guest encodes, for every world that it is for, and imports and exports what it should.

use troupe_testing::guests::{self, Denied};
use troupe_testing::{Call, Guest, Place, World, misfits};
use wit_component::DecodedWasm;

/// The interfaces that a component imports, and the functions of those that it exports.
fn decode(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).expect("a component")
    else {
        panic!("a package of WIT");
    };
    let world = &resolve.worlds[world];
    let imports = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let mut exports = Vec::new();
    for item in world.exports.values() {
        let wit_parser::WorldItem::Interface { id, .. } = item else { panic!("an export without interface") };
        exports.extend(resolve.interfaces[*id].functions.keys().cloned());
    }
    (imports, exports)
}

fn check(name: &str, world: World, component: &[u8]) {
    let (mut imports, mut exports) = decode(component);
    exports.sort();
    assert_eq!(exports, ["handle", "init", "message-contract", "state-contract"], "{name}");
    imports.sort();
    let expected: &[&str] = match world {
        World::Simple => &["ntwk:simple-actor/runtime", "ntwk:simple-actor/types"],
        World::SimpleInline => &["ntwk:simple-actor/runtime"],
        World::Actor => &["troupe:actor/runtime@0.1.0", "troupe:actor/types@0.1.0"],
    };
    assert_eq!(imports, expected, "{name}");
}

#[test]
fn every_guest_of_every_world_encodes() {
    for world in World::ALL {
        let all = [
            ("echo", guests::echo(world)),
            ("append", guests::append(world)),
            ("counter", guests::counter(world)),
            ("three_calls", guests::three_calls(world)),
            ("endless_recursion", guests::endless_recursion(world)),
            ("memory_bomb", guests::memory_bomb(world, Denied::Traps)),
            ("memory_bomb", guests::memory_bomb(world, Denied::GoesOn)),
            ("table_bomb", guests::table_bomb(world, Denied::Traps)),
            ("table_bomb", guests::table_bomb(world, Denied::GoesOn)),
            ("huge_state", guests::huge_state(world, 1 << 24)),
            ("huge_first_state", guests::huge_first_state(world, 1 << 24)),
            ("logs", guests::logs(world)),
            ("bad_utf8_log", guests::bad_utf8_log(world)),
            ("many_logs", guests::many_logs(world, 1000, 10)),
            ("many_sends", guests::many_sends(world, 1000, 10)),
            ("send_to", guests::send_to(world, &[b'a'; 100_000])),
            ("send_in_contract", guests::send_in_contract(world)),
            ("lying_contract", guests::lying_contract(world)),
            ("state_breaks_contract", guests::state_breaks_contract(world)),
            ("first_state_breaks_contract", guests::first_state_breaks_contract(world)),
            ("refuses", guests::refuses(world, "no")),
            ("float_nan", guests::float_nan(world)),
            ("relaxed_simd", guests::relaxed_simd(world)),
            ("out_of_range_list", guests::out_of_range_list(world)),
            ("out_of_range_log", guests::out_of_range_log(world)),
        ];
        for (name, component) in all {
            check(name, world, &component);
        }
    }
}

#[test]
fn traps_and_endless_loops_can_be_anywhere() {
    for world in World::ALL {
        for place in Place::ALL {
            check("trap_in", world, &guests::trap_in(world, place));
            check("endless_loop_in", world, &guests::endless_loop_in(world, place));
        }
    }
}

#[test]
fn every_guest_of_our_own_world_encodes() {
    let all = [
        ("huge_reply", guests::huge_reply(1 << 24)),
        ("replies", guests::replies()),
        ("bad_discriminant", guests::bad_discriminant()),
        ("context_echo", guests::context_echo()),
        ("config_echo", guests::config_echo()),
        ("relay", guests::relay()),
        ("asks_in handle", guests::asks_in(Call::Handle, "")),
        ("fails_on_mark", guests::fails_on_mark("no")),
        ("fails_in init", guests::fails_in(Call::Init, "no")),
        ("fails_in handle", guests::fails_in(Call::Handle, "no")),
    ];
    for (name, component) in all {
        check(name, World::Actor, &component);
    }
}

#[test]
fn guests_may_import_the_web_and_export_how_to_migrate() {
    for component in [guests::fetches(), guests::fetches_in(Call::Handle)] {
        let (imports, exports) = decode(&component);
        assert!(imports.contains(&"troupe:actor/http@0.1.0".to_owned()), "{imports:?}");
        assert_eq!(exports.len(), 4);
    }
    let (_, exports) = decode(&guests::migrates());
    assert!(exports.contains(&"migrate".to_owned()), "{exports:?}");
}

#[test]
fn a_padded_guest_is_about_as_large_as_asked() {
    for bytes in [100_000, 1_600_000] {
        let component = guests::padded(World::Simple, bytes);
        check("padded", World::Simple, &component);
        let (least, most) = (bytes * 9 / 10, bytes * 11 / 10);
        assert!((least..most).contains(&component.len()), "{} of {bytes}", component.len());
    }
}

#[test]
fn a_misfit_is_a_component_of_another_shape() {
    for world in World::ALL {
        let (imports, _) = decode(&misfits::uses_clock(world));
        assert!(imports.contains(&"wasi:clocks/monotonic-clock@0.3.0".to_owned()), "{imports:?}");
        decode(&misfits::imports_unknown_function(world));
        for call in Call::ALL {
            let (_, exports) = decode(&misfits::missing_export(world, call));
            assert_eq!(exports.len(), 3);
            assert!(!exports.contains(&call.name().to_owned()));
            let (_, exports) = decode(&misfits::mistyped_export(world, call));
            assert_eq!(exports.len(), 4);
        }
    }
    assert_eq!(decode(&misfits::no_exports()), (vec![], vec![]));
    assert!(misfits::core_module().starts_with(b"\0asm\x01\0\0\0"), "the version of a core module");
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    assert_eq!(guests::echo(World::Actor), guests::echo(World::Actor));
}

#[test]
#[should_panic(expected = "failed to make a component")]
fn text_that_does_not_fit_the_world_is_shown() {
    Guest::new(World::Simple).without(Call::Handle).component();
}
