//! A state that other code led to: carried over by the component if it says how, and held to its contract either way.

use troupe_chain::{Machine, Nowhere, Outcome, Step};
use troupe_component::WasmComponent;
use troupe_testing::{Call, Guest, World, guests};

use crate::common::{apply, context, load, load_with, told};

fn migrate(component: &WasmComponent, state: &[u8]) -> Step {
    component.migrate(&context(), &mut Nowhere, state).unwrap()
}

#[test]
fn a_component_that_says_how_carries_the_state_over() {
    let guest = load(&guests::migrates());
    assert!(guest.migrates());
    assert_eq!(told(&migrate(&guest, b"one")), "ok v2 one");
    assert_eq!(told(&apply(&guest, b"m", b"v2 one")), "ok m");
    assert!(migrate(&guest, b"one").fuel.0 > 0);
}

#[test]
fn any_other_keeps_the_state_as_it_is() {
    for world in World::ALL {
        let guest = load(&guests::echo(world));
        assert!(!guest.migrates());
        assert_eq!(told(&migrate(&guest, b"one")), "ok one");
    }
}

#[test]
fn an_error_of_migrate_is_a_failure_that_carries_its_reason() {
    let step = migrate(&load(&guests::migrates()), b"");
    let Outcome::Failed(failed) = &step.outcome else { panic!("{step:?}") };
    assert_eq!((failed.code.as_str(), failed.detail.as_str()), ("refused", "there is nothing to carry over"));
}

#[test]
fn the_state_contract_judges_what_was_carried_over_and_what_was_kept() {
    assert_eq!(told(&migrate(&load(&guests::migrates()), b"!")), "failed state-contract");
    for world in World::ALL {
        let guest = load(&guests::state_breaks_contract(world));
        assert_eq!(told(&migrate(&guest, b"!")), "failed state-contract");
        assert_eq!(told(&migrate(&guest, b"fine")), "ok fine");
    }
}

#[test]
fn a_state_that_is_carried_over_has_the_same_limit_as_any() {
    let at = |guest: &[u8], limit| told(&migrate(&load_with(guest, "state", limit).unwrap(), b"one"));
    assert_eq!(at(&guests::migrates(), 5), "failed too-large:state");
    assert_eq!(at(&guests::migrates(), 6), "ok v2 one");
    assert_eq!(at(&guests::echo(World::Simple), 2), "failed too-large:state");
    assert_eq!(at(&guests::echo(World::Simple), 3), "ok one");
}

#[test]
fn effects_may_be_asked_for_as_a_state_is_carried_over() {
    let mut guest = Guest::new(World::Actor);
    let (to, message) = (guest.constant(b"observer"), guest.constant(b"hello"));
    let migrate_body = format!("(call $send {to} {message}) (call $ok (local.get $s) (local.get $slen))");
    let step = migrate(&load(&guest.migrating(&migrate_body).component()), b"one");
    assert_eq!(crate::common::effects(&step).len(), 1, "{step:?}");
}

#[test]
fn a_migration_of_another_signature_is_named() {
    let wit = World::Actor.wit().replace("migrate: func(ctx: context, state: list<u8>)", "migrate: func()");
    let guest = Guest::new(World::Actor)
        .wit(wit, "migrating-actor")
        .field("(func (export \"troupe:actor/migration@0.1.0#migrate\") (result i32) (i32.const 0))")
        .body(Call::Handle, "(call $ok (local.get $m) (local.get $mlen))")
        .component();
    let refused = load_with(&guest, "state", 10).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("`troupe:actor/migration@0.1.0.migrate` has another signature"), "{refused}");
}
