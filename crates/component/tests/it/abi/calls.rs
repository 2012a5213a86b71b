//! What each function does for a guest that was granted all.

use troupe_chain::{Machine, Outcome};
use troupe_component::abi::{Does, FUNCTIONS, HostError, HostFunction};

use super::{Book, OTHER, PRINCIPAL, all_grants, ask, load, number, output, run, wat};
use crate::common::{Record, context, whole};

fn named(name: &str) -> &'static HostFunction {
    HostFunction::named(name).unwrap()
}

#[test]
fn a_job_takes_its_input_and_puts_its_output_piece_by_piece() {
    let echo = "(local $n i32)
        (local.set $n (call $host_take_input (i32.const 2048) (i32.const 3)))
        (drop (call $host_put_output (i32.const 2048) (i32.const 3)))
        (if (i32.ne (call $host_put_output (i32.const 2048) (local.get $n)) (i32.add (local.get $n) (i32.const 3)))
          (then (unreachable)))";
    let step = run(&load(&wat(echo, b""), &[]), &mut Book::default(), b"hello");
    // Three bytes fit the room; the rest of the second piece is memory as it was.
    assert_eq!(output(&step), b"helhel\0\0");
}

#[test]
fn a_state_is_put_by_for_the_next_message() {
    let count = "(local $n i32)
        (local.set $n (call $host_take_state (i32.const 2048) (i32.const 100)))
        (i32.store8 (i32.add (i32.const 2048) (local.get $n)) (i32.const 43))
        (drop (call $host_put_state (i32.const 2048) (i32.add (local.get $n) (i32.const 1))))";
    let module = load(&wat(count, b""), &[]);
    let first = Machine::init(&module, &context(), &mut Book::default(), None).unwrap();
    let Outcome::Accepted(first) = first.outcome else { panic!() };
    assert_eq!(first.state, b"null");
    let mut state = Machine::init(&module, &context(), &mut Book::default(), Some(b"a")).unwrap().outcome;
    for _ in 0..2 {
        let Outcome::Accepted(accepted) = state else { panic!() };
        state = module.apply(&context(), &mut Book::default(), b"", &accepted.state).unwrap().outcome;
    }
    let Outcome::Accepted(accepted) = state else { panic!() };
    assert_eq!(accepted.state, b"a++");
}

#[test]
fn a_run_that_returns_less_than_nothing_has_failed() {
    let step = run(&load(&wat("(return (i64.const -3))", b""), &[]), &mut Book::default(), b"");
    let Outcome::Failed(failed) = step.outcome else { panic!("{step:?}") };
    assert_eq!(failed.to_string(), "refused: `run` returned -3");
}

#[test]
fn reads_are_answered_from_outside_and_from_the_record_again() {
    let mana = named("host_account_get_mana");
    assert_eq!(ask(mana, OTHER.to_string().as_bytes()).0, 8);
    assert_eq!(ask(mana, b"").0, 7, "the principal's");
    assert_eq!(ask(named("host_get_reputation"), b"").0, 7);
    let nobody = troupe_chain::Hash::from_bytes([0; 32]).to_string();
    assert_eq!(ask(mana, nobody.as_bytes()).0, HostError::NotFound.number());
    let body = "(call $say (call $host_get_pending_mesh_jobs))
        (drop (call $host_take_result (i32.const 2048) (i32.const 100)))
        (drop (call $host_put_output (i32.const 2048) (i32.const 7)))";
    let module = load(&wat(body, b""), &all_grants());
    let live = module.apply(&context(), &mut Book::default(), b"", b"null");
    let step = live.as_ref().unwrap();
    assert_eq!(output(step), [&7_u64.to_le_bytes()[..], b"[\"job\"]"].concat());
    let [call] = &step.calls[..] else { panic!("{step:?}") };
    assert_eq!(call.function.as_str(), "icn.host_get_pending_mesh_jobs");
    let mut record = Record::of(step.calls.clone());
    assert_eq!(whole(&module.apply(&context(), &mut record, b"", b"null")), whole(&live));
}

#[test]
fn acts_leave_as_messages_of_the_principal_to_the_commons() {
    let (mine, theirs) = (PRINCIPAL.to_string(), OTHER.to_string());
    let proposal = theirs.as_str();
    let act = |act: &str| format!("{{\"act\":{act},\"for\":\"{mine}\"}}");
    let cases: &[(&str, &str, String)] = &[
        ("host_account_spend_mana", &mine, act("{\"spend\":{\"amount\":5}}")),
        ("host_account_spend_mana", "", act("{\"spend\":{\"amount\":5}}")),
        (
            "host_account_credit_mana",
            proposal,
            act(&format!("{{\"credit\":{{\"amount\":5,\"to\":\"{proposal}\"}}}}")),
        ),
        ("host_submit_mesh_job", "{\"b\":1, \"a\":2}", act("{\"submit\":{\"jobs\":[{\"a\":2,\"b\":1}]}}")),
        ("host_create_governance_proposal", "{\"x\":1}", act("{\"propose\":{\"x\":1}}")),
        (
            "host_open_governance_voting",
            proposal,
            act(&format!("{{\"open\":{{\"proposal\":\"{proposal}\"}}}}")),
        ),
        ("host_cast_governance_vote", "{\"choice\":[\"yes\"]}", act("{\"ballot\":{\"choice\":[\"yes\"]}}")),
        (
            "host_close_governance_proposal_voting",
            proposal,
            format!("{{\"tick\":{{\"close\":\"{proposal}\"}}}}"),
        ),
        (
            "host_execute_governance_proposal",
            proposal,
            format!("{{\"tick\":{{\"execute\":\"{proposal}\"}}}}"),
        ),
        ("host_anchor_receipt", "{\"job\":\"j\"}", act("{\"receipt\":{\"job\":\"j\"}}")),
    ];
    for (name, data, expected) in cases {
        let (number, sent) = ask(named(name), data.as_bytes());
        assert_eq!((number, sent.as_slice()), (0, std::slice::from_ref(expected)), "{name}");
    }
    let acts = FUNCTIONS.iter().filter(|function| matches!(function.does, Does::Acts(_)));
    let tried = |function: &HostFunction| cases.iter().any(|(name, ..)| *name == function.name);
    assert!(acts.into_iter().all(tried), "every act is tried");
}

#[test]
fn what_is_not_there_yet_says_so() {
    for name in ["host_verify_zk_proof", "host_generate_zk_proof"] {
        assert_eq!(ask(named(name), b"{}"), (HostError::NotAvailable.number(), Vec::new()), "{name}");
    }
}

#[test]
fn a_call_costs_what_the_table_says_and_a_copy_by_its_bytes() {
    let fuel = |body: &str| {
        let step = run(&load(&wat(body, b""), &[]), &mut Book::default(), &[0; 6400]);
        output(&step);
        step.fuel.0
    };
    let take = |cap: u32| format!("(drop (call $host_take_input (i32.const 0) (i32.const {cap})))");
    assert_eq!(fuel(&take(6400)) - fuel(&take(0)), 100);
    let instructions = 4;
    assert_eq!(fuel(&take(0)) - fuel(""), named("host_take_input").fuel + instructions - 1);
    let step = run(&load(&wat("(call $say (i64.const 1))", b""), &[]), &mut Book::default(), b"");
    assert_eq!(number(&step), 1);
}
