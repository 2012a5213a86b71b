//! Each limit: hit, it has an error of its own; just below, all is well.

use troupe_component::{BadLimit, Limits, LoadError, WasmComponent};
use troupe_testing::guests::{self, Denied};
use troupe_testing::{Call, Guest, Place, World};

use crate::common::{SANDBOX, apply, apply_told, init, load, load_with, small, told};

/// The outcome of `m` in the state `s`, by the value of a limit.
fn with(bytes: &[u8], limit: &str, value: u64) -> String {
    apply_told(&load_with(bytes, limit, value).unwrap())
}

fn first(step: &str) -> &str {
    step.split(' ').next().unwrap()
}

#[test]
fn each_limit_has_its_own_error_and_lets_pass_what_is_within() {
    for world in World::ALL {
        // The guest, the limit, the largest value that is too small, the outcome then.
        let cases = [
            (guests::many_logs(world, 4, 10), "log", 4 * 11 - 1, "failed too-large:log"),
            (guests::many_sends(world, 3, 10), "send", 29, "failed too-large:send"),
            (guests::many_sends(world, 3, 10), "sends", 2, "failed too-large:sends"),
            (guests::huge_state(world, 1000), "state", 999, "failed too-large:state"),
            (guests::huge_state(world, 100_000), "memory", 2 * 65536 - 1, "failed memory"),
        ];
        for (guest, limit, least, expected) in cases {
            assert_eq!(with(&guest, limit, least), expected, "{world:?}");
            assert_eq!(first(&with(&guest, limit, least + 1)), "ok", "{world:?}: {limit}");
        }
    }
    assert_eq!(with(&guests::huge_reply(1000), "reply", 999), "failed too-large:reply");
    assert_eq!(with(&guests::huge_reply(1000), "reply", 1000), "ok s");
}

#[test]
fn the_first_state_has_the_same_limit_as_any() {
    for world in World::ALL {
        let guest = guests::huge_first_state(world, 1000);
        let at = |limit| told(&init(&load_with(&guest, "state", limit).unwrap(), None));
        assert_eq!(at(999), "failed too-large:state");
        assert_eq!(first(&at(1000)), "ok");
    }
}

#[test]
fn a_message_above_its_limit_is_rejected_before_anything_runs() {
    for world in World::ALL {
        let guest = load_with(&guests::trap_in(world, Place::Start), "message", 4).unwrap();
        let step = apply(&guest, b"12345", b"");
        assert_eq!(told(&step), "rejected the message has 5 bytes, the limit is 4");
        assert_eq!(step.fuel.0, 0);
        let echo = load_with(&guests::echo(world), "message", 4).unwrap();
        assert_eq!(told(&apply(&echo, b"1234", b"")), "ok 1234");
    }
}

#[test]
fn fuel_ends_what_has_no_end_wherever_it_is() {
    for world in World::ALL {
        for place in Place::ALL {
            let guest = load_with(&guests::endless_loop_in(world, place), "fuel", 100_000).unwrap();
            let expected = match place {
                Place::Call(Call::Init) => "ok s",
                // What is before the contract's answer is a rejection; these are on the way to it.
                Place::Call(Call::MessageContract) | Place::Start | Place::Realloc => "rejected fuel",
                // The first world's contract answers with a bool, which leaves nothing to clean up.
                Place::PostReturn => "rejected fuel",
                Place::Call(_) => "failed fuel",
            };
            let outcome = apply_told(&guest);
            assert!(outcome.starts_with(expected), "{world:?} {place:?}: {outcome}");
            if matches!(place, Place::Call(Call::Init | Call::StateContract) | Place::Start) {
                assert_eq!(told(&init(&guest, None)), "failed fuel", "{world:?} {place:?}");
            }
        }
    }
}

#[test]
fn the_fuel_that_a_message_took_is_enough_for_it_and_half_is_not() {
    for world in World::ALL {
        let bytes = guests::append(world);
        let fuel = apply(&load(&bytes), b"m", b"s").fuel.0;
        assert!(fuel > 20, "{fuel}");
        let at = |limit| load_with(&bytes, "fuel", limit).unwrap();
        let enough = apply(&at(fuel), b"m", b"s");
        assert_eq!((told(&enough).as_str(), enough.fuel.0), ("ok sm", fuel));
        let outcome = apply_told(&at(fuel / 2));
        assert!(outcome.contains("fuel"), "{outcome}");
        assert_eq!(first(&apply_told(&at(1))), "rejected");
    }
}

#[test]
fn growth_beyond_a_limit_is_denied_and_only_a_trap_after_it_fails() {
    for world in World::ALL {
        let traps = [
            (guests::memory_bomb(world, Denied::Traps), "failed memory"),
            (guests::memory_bomb(world, Denied::GoesOn), "ok s"),
            (guests::table_bomb(world, Denied::Traps), "failed table"),
            (guests::table_bomb(world, Denied::GoesOn), "ok s"),
        ];
        for (guest, expected) in traps {
            assert_eq!(apply_told(&load(&guest)), expected, "{world:?}");
        }
    }
}

#[test]
fn memory_that_can_never_be_is_denied_like_any_other_even_after_a_growth() {
    let handle = "(drop (memory.grow (i32.const 1))) (drop (memory.grow (i32.const -1))) (unreachable)";
    let guest = Guest::new(World::Actor).at(Place::Call(Call::Handle), handle).component();
    assert_eq!(apply_told(&load(&guest)), "failed memory");
}

#[test]
fn what_the_guest_itself_declared_to_be_its_maximum_is_not_a_limit() {
    for (field, grow) in [
        ("(table $t 1 2 funcref)", "(table.grow $t (ref.null func) (i32.const 2))"),
        ("(memory $m 1 2)", "(memory.grow $m (i32.const 2))"),
    ] {
        let handle = format!("(drop {grow}) (unreachable)");
        let guest = Guest::new(World::Actor).field(field).at(Place::Call(Call::Handle), &handle).component();
        assert_eq!(apply_told(&load(&guest)), "failed trap:unreachable", "{field}");
    }
}

/// Grows by a page, or a table by an element, and keeps what came of it as the state.
fn grows(instruction: &str, field: &str) -> Vec<u8> {
    let handle = format!(
        "(local $p i32) (local.set $p (call $alloc (i32.const 4)))
         (i32.store (local.get $p) {instruction})
         (call $ok (local.get $p) (i32.const 4))"
    );
    Guest::new(World::Actor).field(field).body(Call::Handle, handle).component()
}

fn number(component: &WasmComponent) -> Option<i32> {
    let troupe_chain::Outcome::Accepted(accepted) = apply(component, b"", b"").outcome else { return None };
    Some(i32::from_le_bytes(accepted.state.try_into().unwrap()))
}

#[test]
fn memory_and_table_grow_up_to_their_limits_and_no_further() {
    let memory = grows("(memory.grow (i32.const 2))", "");
    assert_eq!(number(&load_with(&memory, "memory", 3 * 65536).unwrap()), Some(1));
    assert_eq!(number(&load_with(&memory, "memory", 3 * 65536 - 1).unwrap()), Some(-1));
    let table = grows("(table.grow $t (ref.null func) (i32.const 20))", "(table $t 10 funcref)");
    // The glue that wit-component makes has a table too.
    let least =
        (10..200).find(|limit| load_with(&table, "table", *limit).is_ok_and(|c| number(&c) == Some(10)));
    let least = least.unwrap();
    assert!(least >= 30, "{least}");
    assert_eq!(number(&load_with(&table, "table", least - 1).unwrap()), Some(-1));
}

#[test]
fn all_memories_together_have_one_limit() {
    let two = Guest::new(World::Actor).field("(memory $second 3)").component();
    let needs = load_with(&two, "memory", 3 * 65536 - 1).map(|_| ()).unwrap_err();
    assert_eq!(needs.to_string(), "the component needs 196608 from the start, the limit `memory` is 196607");
    assert_eq!(told(&init(&load_with(&two, "memory", 4 * 65536 - 1).unwrap(), None)), "failed memory");
    assert_eq!(told(&init(&load_with(&two, "memory", 4 * 65536).unwrap(), None)), "ok ");
    let table = Guest::new(World::Actor).field("(table 50 funcref)").component();
    assert!(matches!(
        load_with(&table, "table", 49),
        Err(LoadError::Needs { limit: "table", needs: 50, allowed: 49 })
    ));
}

#[test]
fn a_component_with_too_many_memories_or_tables_is_refused_by_every_allocator() {
    let many = |field: &str, count| Guest::new(World::Actor).field(&field.repeat(count)).component();
    let on_demand = crate::common::sandbox(troupe_component::Allocation::OnDemand, None);
    for (field, count, limit) in [("(memory 0)\n", 15, "memories"), ("(table 0 funcref)\n", 62, "tables")] {
        for sandbox in [&*SANDBOX, &on_demand] {
            let fits = sandbox.load(&many(field, count), &small()).unwrap();
            assert_eq!(told(&init(&fits, None)), "ok ");
            assert!(sandbox.load(&many(field, count + 2), &small()).is_err());
        }
        let refused = on_demand.load(&many(field, count + 2), &small()).map(|_| ());
        assert!(matches!(refused, Err(LoadError::Needs { limit: l, .. }) if l == limit), "{refused:?}");
    }
}

#[test]
fn stack_is_what_its_limit_says() {
    for world in World::ALL {
        assert_eq!(apply_told(&load(&guests::endless_recursion(world))), "failed stack");
    }
    let deep = Guest::new(World::Actor)
        .field(
            "(func $deep (param i32) (result i32)
               (if (result i32) (local.get 0)
                 (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                 (else (i32.const 0))))",
        )
        .at(Place::Call(Call::Handle), "(drop (call $deep (local.get $mlen)))")
        .component();
    let at = |stack| told(&apply(&load_with(&deep, "stack", stack).unwrap(), &[b'm'; 4000], b"s"));
    assert_eq!(at(64 << 10), "failed stack");
    assert_eq!(at(1 << 20), "ok s");
}

#[test]
fn a_component_above_its_size_is_not_loaded() {
    let echo = guests::echo(World::Simple);
    let size = echo.len() as u64;
    assert!(load_with(&echo, "component", size).is_ok());
    let refused = load_with(&echo, "component", size - 1).map(|_| ()).unwrap_err();
    let text = format!("the component has {size} bytes, the limit `component` is {}", size - 1);
    assert_eq!(refused.to_string(), text);
}

#[test]
fn core_instances_are_counted_before_anything_runs() {
    for world in World::ALL {
        let echo = guests::echo(world);
        let least = (1..=64).find(|limit| load_with(&echo, "instances", *limit).is_ok()).unwrap();
        assert!(least >= 2, "{world:?}: the module and its glue are {least} instances");
        // The engine, which counts for itself, agrees.
        assert_eq!(apply_told(&load_with(&echo, "instances", least).unwrap()), "ok m");
        let needs = load_with(&echo, "instances", least - 1).map(|_| ());
        assert!(
            matches!(needs, Err(LoadError::Needs { limit: "instances", needs, .. }) if needs == least),
            "{needs:?}"
        );
    }
}

#[test]
fn core_instances_of_nested_components_count_as_often_as_they_are_made() {
    // Each component instantiates the one within it twice.
    let mut text = "(component $c0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for n in 1..=6 {
        let inner = n - 1;
        text = format!(
            "(component $c{n} {text} (instance (instantiate $c{inner})) (instance (instantiate $c{inner})))"
        );
    }
    let refused = |text: &str| {
        let bytes = wat::parse_str(text).unwrap();
        load_with(&bytes, "instances", 63).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(refused(&text), "the component needs 64 from the start, the limit `instances` is 63");
    // Those that are only defined are not made.
    let unused =
        format!("(component {text} (component $other (core module $m) (core instance (instantiate $m))))");
    assert!(refused(&unused).contains("not an actor"), "{}", refused(&unused));
    // Through an alias of what is further out.
    let aliased = format!(
        "(component {text} (component $d (alias outer 1 $c6 (component $e)) (instance (instantiate $e))) \
         (instance (instantiate $d)) (instance (instantiate $d)))"
    );
    assert!(refused(&aliased).contains("needs 128 "), "{}", refused(&aliased));
}

#[test]
fn a_limit_out_of_its_range_is_named() {
    for (name, min, max) in Limits::RANGES {
        let mut limits = Limits::default();
        limits.set(name, *min).unwrap();
        limits.set(name, *max).unwrap();
        assert!(matches!(limits.set(name, max + 1), Err(BadLimit::Range { name: n, .. }) if n == *name));
        if let Some(below) = min.checked_sub(1) {
            assert!(matches!(limits.set(name, below), Err(BadLimit::Range { name: n, .. }) if n == *name));
        }
    }
    assert!(matches!(Limits::default().set("patience", 1), Err(BadLimit::Unknown(_))));
}
