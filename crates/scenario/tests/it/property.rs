//! What must hold for every actor, found where it does not.

use troupe_component::{Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_scenario::{Setup, Suite, Tried, run, try_properties};
use troupe_testing::{Call, Guest, World};

fn tried(guest: Guest) -> Tried {
    let sandbox = Sandbox::new(SandboxConfig::default());
    let component: WasmComponent = sandbox.load(&guest.component(), &Limits::default()).unwrap();
    try_properties(&component, &Setup::default(), None, 1, 200).unwrap()
}

/// Takes every message as its state.
fn echo() -> Guest {
    Guest::new(World::Actor).body(Call::Handle, "(call $ok (local.get $m) (local.get $mlen))")
}

#[test]
fn an_actor_that_keeps_the_rules_passes() {
    let tried = tried(echo());
    assert!(tried.broken.is_none(), "{:?}", tried.broken);
    assert_eq!((tried.cases, tried.accepted), (200, 200));
}

#[test]
fn a_trap_is_found_and_its_message_made_small() {
    let long = "(if (i32.gt_u (local.get $mlen) (i32.const 6)) (then (unreachable)))
                (call $ok (local.get $m) (local.get $mlen))";
    let broken = tried(Guest::new(World::Actor).body(Call::Handle, long)).broken.unwrap();
    assert!(broken.what.starts_with("the actor failed: trap:unreachable: in handle"), "{}", broken.what);
    // Nothing that leads to it is left but itself, and little of that.
    assert_eq!(broken.messages.len(), 1);
    assert!((7..=12).contains(&broken.messages[0].message.len()), "{}", broken.scenario());
    assert!(broken.scenario().starts_with("[[step]]\nraw = "), "{}", broken.scenario());
}

#[test]
fn a_contract_that_traps_and_one_that_gives_no_reason_are_found() {
    let broken = tried(echo().body(Call::MessageContract, "(unreachable)")).broken.unwrap();
    assert!(
        broken.what.starts_with("the message contract has no answer: trap:unreachable"),
        "{}",
        broken.what
    );
    let mut guest = echo();
    let nothing = guest.constant(b"");
    let broken =
        tried(guest.body(Call::MessageContract, format!("(call $refuse {nothing})"))).broken.unwrap();
    assert_eq!(broken.what, "the message was refused without a reason");
}

#[test]
fn what_is_shown_of_a_case_is_played_as_a_scenario_and_fails_there_too() {
    // The message contract takes only what its parent sends, and `handle` traps where the position is 3.
    let contract = "(if (i32.ne (local.get $from) (i32.const 6)) (then (return (call $refuse {no}))))
                    (call $accept)";
    let mut guest = echo();
    let no = guest.constant(b"no");
    let guest = guest.body(Call::MessageContract, contract.replace("{no}", &no)).body(
        Call::Handle,
        "(if (i64.eq (local.get $seq) (i64.const 3)) (then (unreachable)))
                             (call $ok (local.get $m) (local.get $mlen))",
    );
    let sandbox = Sandbox::new(SandboxConfig::default());
    let machine: WasmComponent = sandbox.load(&guest.component(), &Limits::default()).unwrap();
    let mut setup = Setup::default();
    setup.config = Some(b"{\"a\":1}".to_vec());
    let tried = try_properties(&machine, &setup, None, 1, 2000).unwrap();
    let broken = tried.broken.unwrap();
    let text = broken.scenario();
    assert!(text.starts_with("config = ") && text.matches("from = \"parent\"").count() == 2, "{text}");
    let suite = Suite::parse(text, "case.toml", &Setup::default()).unwrap();
    let played = run(&suite, &suite.scenarios[0], &machine);
    let found = format!("{:?}", played.findings);
    assert!(found.contains("trap:unreachable"), "{found}");
}
