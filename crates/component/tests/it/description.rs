//! What a component says that it takes: shown, and of no consequence.

use troupe_component::MAX_DESCRIPTION;
use troupe_testing::{Call, Guest, World, guests};

use crate::common::{apply, load, load_with, told};

#[test]
fn a_component_says_what_it_takes() {
    let text = r#"{"message":{"type":"object"}}"#;
    let guest = load(&Guest::new(World::Actor).describing(text).component());
    assert_eq!(guest.description(), Ok(Some(text)));
    // The second time it is remembered.
    assert_eq!(guest.description(), Ok(Some(text)));
}

#[test]
fn a_component_that_says_nothing_has_no_description() {
    for world in World::ALL {
        assert_eq!(load(&guests::echo(world)).description(), Ok(None));
    }
}

#[test]
fn what_cannot_be_used_is_told_and_the_actor_is_as_it_is_without() {
    let said = |guest: Guest| {
        let guest = load(&guest.component());
        assert_eq!(
            told(&apply(&guest, b"m", b"s")),
            told(&apply(&load(&guests::echo(World::Actor)), b"m", b"s"))
        );
        guest.description().unwrap_err().to_string()
    };
    let echo = || Guest::new(World::Actor).body(Call::Handle, "(call $ok (local.get $m) (local.get $mlen))");
    let trap = said(echo().describing_by("(unreachable)"));
    assert!(trap.starts_with("`schema` failed: trap:unreachable: in schema"), "{trap}");
    assert!(said(echo().describing("[]")).starts_with("`schema` gave no JSON object"));
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(MAX_DESCRIPTION));
    let long = said(echo().describing(&long));
    assert!(long.starts_with("`schema` gave 262158 bytes"), "{long}");
}

#[test]
fn it_has_the_fuel_of_a_message_and_no_effects() {
    let endless = Guest::new(World::Actor).describing_by("(loop $on (br $on)) (unreachable)").component();
    let endless = load_with(&endless, "fuel", 100_000).unwrap();
    assert!(endless.description().unwrap_err().to_string().contains("fuel"));
    let mut guest = Guest::new(World::Actor);
    let (to, message) = (guest.constant(b"a"), guest.constant(b"b"));
    let sends = guest.describing_by(&format!("(call $send {to} {message}) (i32.const 32)")).component();
    let error = load(&sends).description().unwrap_err().to_string();
    assert!(error.contains("`send` was called in schema"), "{error}");
}
