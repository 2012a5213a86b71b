//! What an actor may ask of the runtime, as it stands in the entry afterwards.

use troupe_chain::{
    Asked, Code, Context, Effect, EffectId, Hash, Machine, Nowhere, OnFailure, Outcome, Spawn, Supervision,
};
use troupe_testing::{Call, guests};

use crate::common::{apply, apply_told, context, effects, init, load, load_with, text, told};

/// What a relay asks for because of a command.
fn asked(command: &str) -> Vec<Asked> {
    let step = apply(&load(&guests::relay()), command.as_bytes(), b"41");
    assert!(matches!(&step.outcome, Outcome::Accepted(a) if a.state == b"42"), "{step:?}");
    effects(&step)
}

#[test]
fn each_effect_is_noted_down_with_the_bytes_that_it_carries() {
    let cases = [
        ("Sbob\nhello", Asked::send(text("bob"), b"hello".into())),
        ("Rbob\nhello", Asked::request(text("bob"), b"hello".into(), 1000)),
        ("Tlater", Asked::timer(10, b"later".into())),
        ("Z0 * * * *\nagain", Asked::cron(text("0 * * * *"), b"again".into())),
        ("K7", Asked::bare(Effect::Cancel(EffectId { seq: 7, n: 0 }))),
        ("Ebob", Asked::bare(Effect::Stop { child: text("bob") })),
        ("X", Asked::bare(Effect::Exit { reason: text("done") })),
        (r#"{"do":"Sbob|hello"}"#, Asked::send(text("bob"), b"hello".into())),
    ];
    for (command, expected) in cases {
        assert_eq!(asked(command), [expected], "{command}");
    }
    assert_eq!(asked("nothing"), []);
}

#[test]
fn a_child_is_of_the_own_code_unless_another_is_named() {
    let own = Code::Component(Hash::of(&guests::relay()));
    let child = |name: Option<&str>| Spawn {
        code: own.clone(),
        config: None,
        grants: Vec::new(),
        name: name.map(text),
        supervision: Supervision::default(),
    };
    assert_eq!(asked("C"), [Asked::spawn(child(None), None)]);
    assert_eq!(asked("Cbob"), [Asked::spawn(child(Some("bob")), None)]);
    assert_eq!(asked("Cbob\n{}"), [Asked::spawn(child(Some("bob")), Some(b"{}".into()))]);
    assert_eq!(asked("Cbob|"), [Asked::spawn(child(Some("bob")), Some(Vec::new()))]);
}

/// Starts a child whose record was written at `$x`.
fn child(fields: &str) -> String {
    format!("{fields} (call $spawn (global.get $x) (i32.const 32))")
}

fn store(offset: u32, value: &str) -> String {
    format!("(i32.store offset={offset} (global.get $x) {value})")
}

#[test]
fn a_child_has_its_grants_in_order_and_its_supervision_as_asked() {
    // Two equal grants `b` and one `a`, as a list of three at 100; a component of 64 digits.
    let bytes = |at: u32, byte: u8| format!("(i32.store8 offset={at} (global.get $x) (i32.const {byte}))");
    let point = |at: u32, to: u32| {
        store(at, &format!("(i32.add (global.get $x) (i32.const {to}))")) + &store(at + 4, "(i32.const 1)")
    };
    let mut fields = String::new();
    fields += &(bytes(140, b'b') + &bytes(141, b'a'));
    fields += &(point(100, 140) + &point(108, 141) + &point(116, 140));
    fields += &(store(36, "(i32.add (global.get $x) (i32.const 100))") + &store(40, "(i32.const 3)"));
    fields += "(memory.fill (i32.add (global.get $x) (i32.const 160)) (i32.const 97) (i32.const 64))";
    fields +=
        &(bytes(0, 1) + &store(4, "(i32.add (global.get $x) (i32.const 160))") + &store(8, "(i32.const 64)"));
    fields += &(bytes(48, 1) + &bytes(56, 3) + &store(60, "(i32.const 2)") + &store(64, "(i32.const 300)"));
    fields += &(store(72, "(i32.const 4)") + &store(80, "(i32.const 500)") + &store(88, "(i32.const 6)"));
    let step = apply(&load(&guests::asks_in(Call::Handle, &child(&fields))), b"m", b"s");
    let supervision = Supervision {
        on_failure: OnFailure::Restore,
        failures: 2,
        within: 300,
        backoff: 4,
        max_backoff: 500,
        max_restarts: 6,
    };
    let spawn = Spawn {
        code: Code::Component("a".repeat(64).parse().unwrap()),
        config: None,
        grants: vec![text("a"), text("b")],
        name: None,
        supervision,
    };
    assert_eq!(effects(&step), [Asked::spawn(spawn, None)], "{step:?}");
    // Two for the child, and one for each grant.
    let guest = guests::asks_in(Call::Handle, &child(&fields));
    assert_eq!(apply_told(&load_with(&guest, "sends", 4).unwrap()), "failed too-large:sends");
    assert_eq!(apply_told(&load_with(&guest, "sends", 5).unwrap()), "ok s");
    // Repeated failures are at least one.
    let never = guests::asks_in(Call::Handle, &child(&(fields + &store(60, "(i32.const 0)"))));
    assert_eq!(apply_told(&load(&never)), "failed trap:effect");
}

const LONG: &str = "(global.get $long) (i32.const 300)";
const SHORT: &str = "(global.get $long) (i32.const 2)";
const NONE: &str = "(i32.const 0) (i32.const 0)";

#[test]
fn what_cannot_stand_in_an_entry_traps_by_a_reason_of_its_own() {
    let large = "(i64.const 0x20000000000000)";
    let largest = "(i64.const 0x1fffffffffffff)";
    let ret = "(i32.const 32)";
    let name =
        |len: &str| child(&(store(24, "(i32.const 1)") + &store(28, "(global.get $long)") + &store(32, len)));
    let component =
        child(&(store(0, "(i32.const 1)") + &store(4, "(global.get $long)") + &store(8, "(i32.const 64)")));
    let cases = [
        (format!("(call $request {SHORT} {NONE} {largest} {ret})"), "ok s"),
        (format!("(call $request {SHORT} {NONE} {large} {ret})"), "failed trap:effect"),
        (format!("(call $request {LONG} {NONE} {largest} {ret})"), "failed trap:send-address"),
        (format!("(call $set-timer {largest} {NONE} {ret})"), "ok s"),
        (format!("(call $set-timer {large} {NONE} {ret})"), "failed trap:effect"),
        (format!("(call $set-cron {SHORT} {NONE} {ret})"), "ok s"),
        (format!("(call $set-cron {LONG} {NONE} {ret})"), "failed trap:effect"),
        (format!("(call $cancel {largest} (i32.const -1))"), "ok s"),
        (format!("(call $cancel {large} (i32.const 0))"), "failed trap:effect"),
        (format!("(call $stop {LONG})"), "failed trap:send-address"),
        (format!("(call $exit {NONE})"), "failed trap:effect"),
        (name("(i32.const 256)"), "ok s"),
        (name("(i32.const 257)"), "failed trap:effect"),
        (component, "failed trap:effect"),
        (store(24, "(i32.const 9)") + &child(""), "failed trap:abi"),
    ];
    for (instructions, expected) in cases {
        let guest = load(&guests::asks_in(Call::Handle, &instructions));
        assert_eq!(apply_told(&guest), expected, "{instructions}");
    }
}

/// One of each effect, what it carries, and as how many it counts.
fn each() -> [(&'static str, u64, u64); 7] {
    [
        ("(call $request (global.get $long) (i32.const 2) (global.get $long) (i32.const 20) (i64.const 1) (i32.const 32))", 20, 1),
        ("(call $set-timer (i64.const 1) (global.get $long) (i32.const 20) (i32.const 32))", 20, 1),
        ("(call $set-cron (global.get $long) (i32.const 2) (global.get $long) (i32.const 20) (i32.const 32))", 20, 1),
        ("(call $cancel (i64.const 1) (i32.const 1))", 0, 1),
        ("(i32.store8 offset=12 (global.get $x) (i32.const 1)) (i32.store offset=16 (global.get $x) (global.get $long))
          (i32.store offset=20 (global.get $x) (i32.const 20)) (call $spawn (global.get $x) (i32.const 32))", 20, 2),
        ("(call $stop (global.get $long) (i32.const 2))", 0, 1),
        ("(call $exit (global.get $long) (i32.const 2))", 0, 1),
    ]
}

#[test]
fn every_effect_traps_in_a_contract() {
    for (instructions, ..) in each() {
        for call in Call::ALL {
            let guest = load(&guests::asks_in(call, instructions));
            let (first, step) = (init(&guest, None), apply(&guest, b"m", b"s"));
            let outcome = told(&step);
            match call {
                Call::Init => assert_eq!((effects(&first).len(), outcome.as_str()), (1, "ok s")),
                Call::Handle => assert_eq!((told(&first).as_str(), effects(&step).len()), ("ok ", 1)),
                Call::MessageContract => {
                    assert!(outcome.starts_with("rejected trap:send-in-contract"), "{outcome}");
                }
                Call::StateContract => assert_eq!(outcome, "failed trap:send-in-contract"),
            }
        }
    }
}

#[test]
fn every_effect_counts_against_the_limits() {
    for (instructions, bytes, count) in each() {
        let guest = guests::asks_in(Call::Handle, instructions);
        let with = |limit, value| apply_told(&load_with(&guest, limit, value).unwrap());
        assert_eq!(with("sends", count - 1), "failed too-large:sends", "{instructions}");
        assert_eq!(with("sends", count), "ok s", "{instructions}");
        assert_eq!(with("send", bytes), "ok s", "{instructions}");
        if bytes > 0 {
            assert_eq!(with("send", bytes - 1), "failed too-large:send", "{instructions}");
        }
    }
}

#[test]
fn an_effect_is_named_by_the_position_of_its_entry_and_its_number() {
    // The state is what the third effect was named.
    let one = "(call $set-timer (i64.const 1) (i32.const 0) (i32.const 0) (i32.const 32))";
    let instructions = format!("{one} {one} {one} (return (call $ok (i32.const 32) (i32.const 12)))");
    let guest = load(&guests::asks_in(Call::Handle, &instructions));
    let step = guest.apply(&Context { seq: 77, ..context() }, &mut Nowhere, b"m", b"s").unwrap();
    let Outcome::Accepted(accepted) = step.outcome else { panic!("{step:?}") };
    assert_eq!(accepted.state, [&77_u64.to_le_bytes()[..], &2_u32.to_le_bytes()[..]].concat());
    assert_eq!(accepted.effects.len(), 3);
}

#[test]
fn what_failed_or_was_refused_asked_for_nothing() {
    let relay = load(&guests::relay());
    assert_eq!(told(&apply(&relay, b"F", b"0")), "failed trap:unreachable");
    assert_eq!(told(&apply(&relay, b"Q", b"0")), "rejected a message that begins with Q is refused");
    let step = apply(&relay, b"Ayes", b"0");
    assert!(matches!(&step.outcome, Outcome::Accepted(a) if a.reply.as_deref() == Some(b"yes")), "{step:?}");
    let first = init(&relay, Some(b"Sparent\nhello"));
    assert_eq!((told(&first).as_str(), effects(&first).len()), ("ok 0", 1));
}
