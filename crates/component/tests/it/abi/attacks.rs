//! Guests that mean ill: they get a number, or end themselves, and nothing else happens.

use troupe_chain::{FailureCode, Outcome};
use troupe_component::abi::{Does, FUNCTIONS, HostError, HostFunction, MAX_DOCUMENT, MAX_ID, Param};

use super::{Book, OTHER, PRINCIPAL, all_grants, args, ask, call, load, number, run, sent, wat};

fn named(name: &str) -> &'static HostFunction {
    HostFunction::named(name).unwrap()
}

/// What a function says to a stretch of memory, with all granted.
fn at(function: &HostFunction, stretch: (u32, u32)) -> i64 {
    let say = format!("(call $say {})", call(function, &args(function, stretch)));
    let step = run(&load(&wat(&say, b""), &all_grants()), &mut Book::default(), b"in");
    assert!(sent(&step).is_empty(), "{}", function.name);
    number(&step)
}

#[test]
fn pointers_and_lengths_that_a_guest_makes_up_are_refused() {
    let page = 65536;
    for function in FUNCTIONS.iter().filter(|function| !function.params.is_empty()) {
        for stretch in
            [(page, 1), (page - 1, 2), (u32::MAX, 1), (u32::MAX, u32::MAX), (0, u32::MAX), (1, 1 << 31)]
        {
            let number = at(function, stretch);
            let refused = [HostError::BadPointer, HostError::TooLarge].map(HostError::number);
            let expected = if function.does == Does::NotHere {
                number == HostError::NotAvailable.number()
            } else {
                refused.contains(&number)
            };
            assert!(expected, "{} at {stretch:?}: {number}", function.name);
        }
    }
}

#[test]
fn lengths_are_looked_at_before_anything_is_copied() {
    for function in FUNCTIONS {
        let max = match function.params.first() {
            Some(Param::Id(_)) => MAX_ID,
            Some(Param::Document(_)) => MAX_DOCUMENT,
            _ => continue,
        };
        if function.does == Does::NotHere {
            continue;
        }
        assert_eq!(at(function, (0, max + 1)), HostError::TooLarge.number(), "{}", function.name);
        // As long as may be, it is read; of zeros it is nothing.
        assert_eq!(at(function, (0, max)), HostError::Malformed.number(), "{}", function.name);
    }
    // An output and a state are bounded by the job's limits.
    for name in ["host_put_output", "host_put_state"] {
        assert_eq!(at(named(name), (0, (4 << 20) + 1)), HostError::TooLarge.number(), "{name}");
    }
}

#[test]
fn nothing_is_done_for_a_guest_that_was_granted_nothing() {
    for function in FUNCTIONS.iter().filter(|function| function.capability.is_some()) {
        let id = OTHER.to_string();
        let stretch = (1024, u32::try_from(id.len()).unwrap());
        let say = format!("(call $say {})", call(function, &args(function, stretch)));
        let others: Vec<String> = all_grants()
            .into_iter()
            .filter(|grant| Some(grant) != function.capability.map(|it| it.grant()).as_ref())
            .collect();
        for grants in [Vec::new(), others] {
            let mut book = Book::default();
            let step = run(&load(&wat(&say, id.as_bytes()), &grants), &mut book, b"");
            assert_eq!(number(&step), HostError::Denied.number(), "{}", function.name);
            assert_eq!((sent(&step), book.0, step.calls.len()), (Vec::new(), 0, 0), "{}", function.name);
        }
    }
}

#[test]
fn a_guest_cannot_act_for_another_than_its_principal() {
    let other = OTHER.to_string();
    let denied = HostError::Denied.number();
    let spend = named("host_account_spend_mana");
    assert_eq!(ask(spend, other.as_bytes()), (denied, Vec::new()));
    let vote = named("host_cast_governance_vote");
    let ballot = format!("{{\"choice\":[\"yes\"],\"for\":[\"{other}\"]}}");
    assert_eq!(ask(vote, ballot.as_bytes()), (denied, Vec::new()));
    // Whoever the document says that it is from, the message is the principal's.
    let forged = format!("{{\"for\":\"{other}\",\"submitter\":\"{other}\"}}");
    let (_, sent) = ask(named("host_submit_mesh_job"), forged.as_bytes());
    assert!(sent[0].ends_with(&format!("\"for\":\"{PRINCIPAL}\"}}")), "{sent:?}");
    // Without a principal there is nobody to act for.
    let grants: Vec<String> = all_grants().into_iter().filter(|it| !it.starts_with("commons-for")).collect();
    let say = format!("(call $say {})", call(spend, &args(spend, (1024, 0))));
    let step = run(&load(&wat(&say, b""), &grants), &mut Book::default(), b"");
    assert_eq!(number(&step), denied);
}

#[test]
fn documents_that_are_no_objects_and_ids_that_are_no_names_are_malformed() {
    for document in ["", "[]", "1", "{", "{\"a\":1}x", "\u{0}"] {
        let (number, sent) = ask(named("host_submit_mesh_job"), document.as_bytes());
        assert_eq!((number, sent.len()), (HostError::Malformed.number(), 0), "{document:?}");
    }
    for id in ["x", &"G".repeat(64), &"a".repeat(63), &"a".repeat(65)] {
        let (number, sent) = ask(named("host_open_governance_voting"), id.as_bytes());
        assert_eq!((number, sent.len()), (HostError::Malformed.number(), 0), "{id:?}");
    }
    let (number, sent) = ask(named("host_open_governance_voting"), &[0xff; 64]);
    assert_eq!((number, sent.len()), (HostError::Malformed.number(), 0));
    let less = "(call $say (i64.extend_i32_s (call $host_account_spend_mana (i32.const 0) (i32.const 0) (i64.const -5))))";
    let step = run(&load(&wat(less, b""), &all_grants()), &mut Book::default(), b"");
    assert_eq!(super::number(&step), HostError::Malformed.number());
}

#[test]
fn a_flood_of_host_calls_ends_with_the_fuel() {
    for function in FUNCTIONS {
        let flood = format!("(loop $on (drop {}) (br $on))", call(function, &args(function, (1024, 0))));
        let mut book = Book::default();
        let step = run(&load(&wat(&flood, b""), &all_grants()), &mut book, b"");
        let Outcome::Failed(failed) = &step.outcome else { panic!("{}: {step:?}", function.name) };
        assert_eq!(failed.code, FailureCode::Fuel, "{}", function.name);
        // A million units of fuel pay for so many calls and no more.
        let most = usize::try_from(1_000_000 / function.fuel).unwrap();
        assert!(book.0 <= most.min(1000) && step.calls.len() == book.0, "{}: {}", function.name, book.0);
    }
}

#[test]
fn calls_beyond_their_limit_are_refused_and_not_asked() {
    let flood = "(local $n i32) (local $last i64)
        (loop $on
          (local.set $last (call $host_get_reputation (i32.const 0) (i32.const 0)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $on (i32.lt_u (local.get $n) (i32.const 20))))
        (call $say (local.get $last))";
    let grants: Vec<_> = all_grants().iter().map(|grant| crate::common::text(grant)).collect();
    let grants = troupe_component::Grants::parse(&grants).unwrap();
    let module = crate::common::SANDBOX
        .load_granted(&wat(flood, b""), &troupe_component::Limits::for_jobs(), &grants)
        .unwrap();
    let mut book = Book::default();
    let step = run(&module, &mut book, b"");
    assert_eq!((number(&step), book.0), (HostError::Exhausted.number(), 16));
}

#[test]
fn what_a_guest_did_before_it_trapped_is_not_done() {
    let body =
        "(drop (call $host_account_spend_mana (i32.const 0) (i32.const 0) (i64.const 5))) (unreachable)";
    let step = run(&load(&wat(body, b""), &all_grants()), &mut Book::default(), b"");
    assert!(matches!(&step.outcome, Outcome::Failed(failed) if failed.code == FailureCode::Unreachable));
    assert!(sent(&step).is_empty());
}

#[test]
fn an_act_in_a_start_function_is_nobodys() {
    let module =
        "(module (import \"icn\" \"host_account_spend_mana\" (func $spend (param i32 i32 i64) (result i32)))
        (memory (export \"memory\") 1)
        (func $start (drop (call $spend (i32.const 0) (i32.const 0) (i64.const 1))))
        (start $start)
        (func (export \"run\") (result i64) (i64.const 0)))";
    let step = run(&load(&::wat::parse_str(module).unwrap(), &all_grants()), &mut Book::default(), b"");
    assert!(matches!(&step.outcome, Outcome::Failed(failed) if failed.code == FailureCode::SendInContract));
}
