//! What each call may do, and what becomes of a message when it does something else.

use troupe_chain::{
    Asked, Context, EffectId, EffectRef, FailureCode, Hash, Level, Machine, Notice, Nowhere, Outcome, Sender,
    Timestamp,
};
use troupe_component::CallError;
use troupe_testing::guests::{self, Denied};
use troupe_testing::{Call, Guest, Place, World};

use crate::common::{apply, apply_told, effects, init, load, load_with, text, told};

#[test]
fn a_message_contract_that_says_no_rejects_with_the_reason() {
    for world in World::ALL {
        let guest = load(&guests::refuses(world, "no exclamation, please"));
        let reason = match world {
            World::Actor => "no exclamation, please",
            World::Simple | World::SimpleInline => "no reason given: in this world a contract says yes or no",
        };
        assert_eq!(told(&apply(&guest, b"!m", b"s")), format!("rejected {reason}"));
        assert_eq!(told(&apply(&guest, b"m", b"s")), "ok m");
        assert_eq!(guest.message_contract(b"!m", b"s"), Ok(false));
        assert_eq!(guest.message_contract(b"m", b"s"), Ok(true));
        assert!(matches!(guest.handle(b"!m", b"s"), Err(CallError::Rejected(_))));
        assert_eq!(guest.handle(b"m", b"s"), Ok(b"m".to_vec()));
    }
}

#[test]
fn whatever_goes_wrong_before_the_message_contract_answers_is_a_rejection_and_after_it_a_failure() {
    for world in World::ALL {
        for place in Place::ALL {
            let guest = load(&guests::trap_in(world, place));
            let outcome = apply_told(&guest);
            let expected = match place {
                Place::Call(Call::Init) => "ok s",
                Place::Call(Call::Handle | Call::StateContract) => "failed trap:unreachable",
                _ => "rejected trap:unreachable",
            };
            assert!(outcome.starts_with(expected), "{world:?} {place:?}: {outcome}");
            let first = told(&init(&guest, None));
            let expected = match place {
                Place::Call(Call::Init | Call::StateContract)
                | Place::Start
                | Place::PostReturn
                | Place::Realloc => "failed trap:unreachable",
                _ => "ok ",
            };
            assert_eq!(first, expected, "{world:?} {place:?}");
        }
    }
}

#[test]
fn a_trap_that_only_comes_after_handle_has_returned_is_a_failure() {
    for world in World::ALL {
        let guest = Guest::new(world)
            .field("(global $handled (mut i32) (i32.const 0))")
            .at(Place::Call(Call::Handle), "(global.set $handled (i32.const 1))")
            .at(Place::PostReturn, "(if (global.get $handled) (then (unreachable)))")
            .component();
        assert_eq!(apply_told(&load(&guest)), "failed trap:unreachable", "{world:?}");
    }
}

#[test]
fn a_state_contract_binds_the_first_state_and_every_other() {
    for world in World::ALL {
        let guest = load(&guests::state_breaks_contract(world));
        assert_eq!(told(&apply(&guest, b"!", b"s")), "failed state-contract");
        assert_eq!(told(&apply(&guest, b"m", b"s")), "ok m");
        assert_eq!((guest.state_contract(b"!"), guest.state_contract(b"m")), (Ok(false), Ok(true)));
        let guest = load(&guests::first_state_breaks_contract(world));
        assert_eq!(told(&init(&guest, None)), "failed state-contract");
        assert!(matches!(guest.init(None), Err(CallError::Failed(_))));
        let guest = load(&guests::lying_contract(world));
        assert_eq!(told(&apply(&guest, b"!", b"s")), "failed trap:unreachable");
        // The process and the component are as before.
        assert_eq!(told(&apply(&guest, b"m", b"s")), "ok m");
    }
}

#[test]
fn an_error_of_handle_or_init_is_a_failure_that_carries_its_reason() {
    let step = apply(&load(&guests::fails_on_mark("not today")), b"!", b"s");
    let Outcome::Failed(failed) = &step.outcome else { panic!("{step:?}") };
    assert_eq!((failed.code.as_str(), failed.detail.as_str()), ("refused", "not today"));
    let guest = load(&guests::fails_in(Call::Init, "no config"));
    assert_eq!(told(&init(&guest, None)), "failed refused");
    let guest = load(&guests::fails_in(Call::StateContract, "never"));
    let step = apply(&guest, b"m", b"s");
    assert!(matches!(&step.outcome, Outcome::Failed(f) if f.detail == "never"), "{step:?}");
}

#[test]
fn sends_leave_from_init_and_handle_and_trap_in_contracts() {
    for world in World::ALL {
        for call in Call::ALL {
            let guest = load(&guests::send_in(world, call));
            let (first, step) = (init(&guest, None), apply(&guest, b"m", b"s"));
            let hello = || vec![Asked::send(text("observer"), b"hello".into())];
            match call {
                Call::Init => assert_eq!((effects(&first), told(&step)), (hello(), "ok s".into())),
                Call::Handle => assert_eq!((told(&first), effects(&step)), ("ok ".into(), hello())),
                Call::MessageContract => {
                    let outcome = told(&step);
                    assert!(outcome.starts_with("rejected trap:send-in-contract"), "{outcome}");
                }
                Call::StateContract => {
                    let both = (told(&first), told(&step));
                    assert_eq!(
                        both,
                        ("failed trap:send-in-contract".into(), "failed trap:send-in-contract".into())
                    );
                }
            }
        }
    }
}

#[test]
fn a_receiver_is_1_to_256_printable_ascii_characters() {
    for world in World::ALL {
        let to = |address: &[u8]| apply_told(&load(&guests::send_to(world, address)));
        for good in [&b"a"[..], &[b'~'; 256], b"with space"] {
            assert_eq!(to(good), "ok m", "{good:?}");
        }
        for bad in [&b""[..], &[b'a'; 257], "caf\u{e9}".as_bytes(), b"a\nb", b"\x7f"] {
            assert_eq!(to(bad), "failed trap:send-address", "{bad:?}");
        }
        assert_eq!(to(b"\xff\xfe"), "failed trap:abi");
    }
}

#[test]
fn values_that_the_canonical_abi_does_not_allow_are_failures() {
    for world in World::ALL {
        for guest in
            [guests::bad_utf8_log(world), guests::out_of_range_list(world), guests::out_of_range_log(world)]
        {
            assert_eq!(apply_told(&load(&guest)), "failed trap:abi", "{world:?}");
        }
    }
    assert_eq!(apply_told(&load(&guests::bad_discriminant())), "failed trap:abi");
}

#[test]
fn every_trap_has_its_code() {
    let traps = [
        ("(unreachable)", "trap:unreachable"),
        ("(drop (i32.load (i32.const -4)))", "trap:memory-out-of-bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.and (local.get $mlen) (i32.const 0))))", "trap:divide-by-zero"),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.const 0) (local.get $mlen))))",
            "trap:integer-overflow",
        ),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "trap:integer-overflow"),
        ("(call_indirect $codes (i32.const 0))", "trap:indirect-call"),
        ("(call_indirect $codes (param i32) (i32.const 1) (i32.const 1))", "trap:indirect-call"),
        ("(call_indirect $codes (i32.const 9))", "trap:table-out-of-bounds"),
    ];
    for (instructions, expected) in traps {
        let guest = Guest::new(World::Actor)
            .field("(table $codes 2 funcref) (func $none) (elem (table $codes) (i32.const 1) func $none)")
            .at(Place::Call(Call::Handle), instructions)
            .component();
        assert_eq!(apply_told(&load(&guest)), format!("failed {expected}"), "{instructions}");
    }
}

#[test]
fn a_guest_that_gives_itself_up_is_quoted_with_its_last_error() {
    for (level, quoted) in [(3, true), (2, false)] {
        let mut guest = Guest::new(World::Actor);
        let line = guest.constant(b"somebody forgot something");
        let log = format!("(call $import-log (i32.const {level}) {line}) (unreachable)");
        let step = apply(&load(&guest.at(Place::Call(Call::Handle), &log).component()), b"m", b"s");
        let Outcome::Failed(failed) = step.outcome else { panic!("{:?}", step.outcome) };
        assert_eq!(failed.code, FailureCode::Unreachable);
        let words = "in handle: somebody forgot something; wasm trap: ";
        assert_eq!(failed.detail.starts_with(words), quoted, "{}", failed.detail);
    }
}

#[test]
fn where_several_reasons_apply_the_first_of_the_list_is_recorded() {
    let memory = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";
    let table = "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 65536)) (i32.const -1))))";
    let (endless, trap, divide) =
        ("(loop $f (br $f))", "(unreachable)", "(drop (i32.div_u (i32.const 1) (i32.const 0)))");
    let recurse = "(call $deeper)";
    let cases = [
        (format!("{memory} {endless}"), "fuel"),
        (format!("{table} {endless}"), "fuel"),
        (format!("{memory} {table} {trap}"), "memory"),
        (format!("{table} {memory} {trap}"), "memory"),
        (format!("{memory} {divide}"), "memory"),
        (format!("{table} {divide}"), "table"),
        (format!("{memory} {recurse}"), "memory"),
        (format!("{table} {recurse}"), "table"),
    ];
    for (instructions, expected) in cases {
        let guest = Guest::new(World::Actor)
            .field("(table $t 1 funcref) (func $deeper (call $deeper) (call $deeper))")
            .at(Place::Call(Call::Handle), &instructions)
            .component();
        assert_eq!(apply_told(&load(&guest)), format!("failed {expected}"), "{instructions}");
    }
    // What returned is judged by what it returned, whatever it was denied before.
    let guest = Guest::new(World::Actor)
        .body(Call::Handle, format!("{memory} (call $refuse (i32.const 0) (i32.const 0))"));
    assert_eq!(apply_told(&load(&guest.component())), "failed refused");
    assert_eq!(apply_told(&load(&guests::memory_bomb(World::Actor, Denied::GoesOn))), "ok s");
}

#[test]
fn log_lines_come_in_order_from_every_call_whatever_the_outcome() {
    for world in World::ALL {
        let guest = load(&guests::logs(world));
        let lines = |step: troupe_chain::Step| -> Vec<String> {
            assert!(step.log.iter().all(|line| line.level == Level::Info));
            step.log.into_iter().map(|line| line.line).collect()
        };
        assert_eq!(lines(init(&guest, None)), ["init", "state-contract"]);
        assert_eq!(lines(apply(&guest, b"m", b"s")), ["message-contract", "handle", "state-contract"]);
        let cut = load_with(&guests::logs(world), "log", 20).unwrap();
        let step = apply(&cut, b"m", b"s");
        assert_eq!((told(&step).as_str(), step.log.len()), ("failed too-large:log", 1));
    }
}

#[test]
fn init_gets_the_configuration_in_the_world_that_has_one() {
    let guest = load(&guests::config_echo());
    assert_eq!(told(&init(&guest, Some(b"{}"))), "ok \u{1}{}");
    assert_eq!(told(&init(&guest, Some(b""))), "ok \u{1}");
    assert_eq!(told(&init(&guest, None)), "ok \0");
    for world in [World::Simple, World::SimpleInline] {
        assert_eq!(told(&init(&load(&guests::echo(world)), Some(b"{}"))), "ok ");
    }
}

#[test]
fn a_guest_sees_who_sent_the_message_when_and_where_it_stands() {
    let guest = load(&guests::context_echo());
    let (chain, entry) = (Hash::of(b"x"), Hash::of(b"y"));
    let (by, own) = (EffectRef { chain, entry, n: 7 }, EffectId { seq: 33, n: 8 });
    let about = |about, chain, entry| Sender::Notice { of: own, about, chain, entry };
    // The case, the number of the effect, when a timer is due, the position of an effect, the case of a notice, texts.
    let both = [chain, entry].map(|name| name.to_string()).to_vec();
    let cases = [
        (Sender::Http { key: Some(chain) }, 0_u32, 0_u32, 0_u64, 0_u64, 0_u32, vec![]),
        (Sender::Did { did: text("did:key:z6"), sig: text("s") }, 1, 0, 0, 0, 0, vec!["did:key:z6".into()]),
        (Sender::Actor(by), 2, 7, 0, 0, 0, both.clone()),
        (Sender::Timer { set: own, due: Timestamp(99) }, 3, 8, 99, 33, 0, vec![]),
        (Sender::Reply { to: own, chain, entry }, 4, 8, 0, 33, 0, both.clone()),
        (about(Notice::Busy, None, None), 5, 8, 0, 33, 0, vec![]),
        (about(Notice::Refused, Some(chain), None), 5, 8, 0, 33, 7, vec![chain.to_string()]),
        (about(Notice::Unknown, Some(chain), Some(entry)), 5, 8, 0, 33, 11, both.clone()),
        (Sender::Parent(by), 6, 7, 0, 0, 0, both),
    ];
    for (from, case, n, due, set, about, texts) in cases {
        let shown = format!("{from:?}");
        let context = Context {
            chain: Hash::from_bytes([0; 32]),
            from,
            at: Timestamp(1_700_000_000_123),
            seq: 42,
            seed: None,
        };
        let step = guest.apply(&context, &mut Nowhere, b"m", b"s").unwrap();
        let Outcome::Accepted(accepted) = step.outcome else { panic!("{step:?}") };
        let mut expected = [case.to_le_bytes(), n.to_le_bytes()].concat();
        for number in [1_700_000_000_123_u64, 42, due, set] {
            expected.extend(number.to_le_bytes());
        }
        expected.extend([about, u32::try_from(texts.len()).unwrap()].map(u32::to_le_bytes).concat());
        expected.extend(texts.concat().as_bytes());
        assert_eq!(accepted.state, expected, "{shown}");
    }
}

#[test]
fn nothing_in_a_guests_memory_outlives_its_message() {
    for world in World::ALL {
        // Counts in memory and in a global; what each says is the state.
        let handle = "(local $p i32)
            (i32.store (i32.const 32) (i32.add (i32.load (i32.const 32)) (i32.const 1)))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (local.set $p (call $alloc (i32.const 2)))
            (i32.store8 (local.get $p) (i32.add (i32.load (i32.const 32)) (i32.const 48)))
            (i32.store8 offset=1 (local.get $p) (i32.add (global.get $count) (i32.const 48)))
            (call $ok (local.get $p) (i32.const 2))";
        let guest = Guest::new(world)
            .field("(global $count (mut i32) (i32.const 0))")
            .body(Call::Handle, handle)
            .component();
        let guest = load(&guest);
        for _ in 0..40 {
            assert_eq!(apply_told(&guest), "ok 11", "{world:?}");
        }
    }
}

#[test]
fn guests_that_behave_do_what_they_say() {
    for world in World::ALL {
        assert_eq!(apply_told(&load(&guests::echo(world))), "ok m");
        assert_eq!(apply_told(&load(&guests::append(world))), "ok sm");
        let counter = load(&guests::counter(world));
        let mut state = counter.init(None).unwrap();
        for _ in 0..3 {
            state = counter.handle(b"m", &state).unwrap();
        }
        assert_eq!(state, 3_u64.to_le_bytes());
        assert_eq!(told(&apply(&counter, b"m", b"short")), "failed state-contract");
        let three = load(&guests::three_calls(world));
        let state = three.handle(b"12345678", &three.init(None).unwrap()).unwrap();
        assert_eq!((state.len(), &state[..9]), (256, &b"12345678x"[..]));
    }
    let step = apply(&load(&guests::replies()), b"m", b"s");
    assert!(matches!(&step.outcome, Outcome::Accepted(a) if a.reply.as_deref() == Some(b"m")), "{step:?}");
}

#[test]
fn a_reason_without_end_is_cut_for_the_person_who_reads_it() {
    let guest = load(&guests::refuses(World::Actor, &"ä".repeat(5000)));
    let reason = told(&apply(&guest, b"!m", b"s"));
    assert!(reason.len() < 4200, "{}", reason.len());
    assert!(reason.ends_with("ä…"));
}
