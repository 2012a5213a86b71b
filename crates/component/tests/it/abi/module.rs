//! Core modules as jobs: what is loaded, and each limit by its name.

use std::time::Duration;

use troupe_chain::{Abort, FailureCode, Machine, Nowhere, Outcome};
use troupe_component::{Allocation, Limits, LoadError, World};

use crate::common::{SANDBOX, context, sandbox};

const RUN: &str = "(memory (export \"memory\") 1) (func (export \"run\") (result i64) (i64.const 0))";

fn module(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {fields})")).unwrap()
}

/// A module whose `run` is these instructions.
fn running(instructions: &str, fields: &str) -> Vec<u8> {
    module(&format!(
        "{fields} (memory (export \"memory\") 1)
         (func $run (export \"run\") (result i64) {instructions} (i64.const 0))"
    ))
}

fn refused(bytes: &[u8], limits: &Limits) -> String {
    SANDBOX.load(bytes, limits).map(|_| ()).unwrap_err().to_string()
}

/// What a run fails with, under the limits of a job.
fn failure(bytes: &[u8], limits: &Limits) -> FailureCode {
    let step = SANDBOX.load(bytes, limits).unwrap().apply(&context(), &mut Nowhere, b"", b"null").unwrap();
    match step.outcome {
        Outcome::Failed(failed) => failed.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_module_that_exports_run_and_a_memory_is_a_job() {
    let job = SANDBOX.load(&module(RUN), &Limits::for_jobs()).unwrap();
    assert_eq!(job.world(), World::Job);
    assert_eq!(World::from_name(job.world().name()), Some(World::Job));
    assert!(!job.takes_notices() && !job.draws() && job.imports().is_empty());
    assert_eq!(job.description(), Ok(None));
}

#[test]
fn what_is_no_job_is_refused_with_each_reason() {
    let limits = Limits::for_jobs();
    for not_a_job in ["", "(memory (export \"run\") 1)"] {
        let loaded = SANDBOX.load(&module(not_a_job), &limits);
        assert!(matches!(loaded, Err(LoadError::CoreModule)), "{not_a_job}");
    }
    for (fields, says) in [
        ("(func (export \"run\") (result i64) (i64.const 0))", "the export `memory` is missing"),
        ("(memory (export \"memory\") 1) (func (export \"run\"))", "`run` has another signature"),
        (
            "(memory (export \"memory\") 1) (func (export \"run\") (param i32) (result i64) (i64.const 0))",
            "`run`",
        ),
        (&format!("(import \"icn\" \"host_nothing\" (func)) {RUN}"), "`icn.host_nothing` is not granted"),
        (
            &format!("(import \"env\" \"host_take_input\" (func)) {RUN}"),
            "`env.host_take_input` is not granted",
        ),
        (
            &format!("(import \"icn\" \"host_take_input\" (func (param i64) (result i32))) {RUN}"),
            "expected (i32 i32) -> i32",
        ),
        (&format!("(import \"icn\" \"host_take_input\" (global i32)) {RUN}"), "is not granted"),
    ] {
        let said = refused(&module(fields), &limits);
        assert!(said.contains(says), "{fields}: {said}");
    }
}

#[test]
fn each_count_has_its_limit_imported_ones_included_before_anything_is_compiled() {
    let functions = |n: usize| {
        let import = "(import \"icn\" \"host_take_input\" (func (param i32 i32) (result i32)))";
        module(&format!("{} {RUN} {}", import.repeat(3), "(func)".repeat(n - 4)))
    };
    let globals = |n: usize| module(&format!("{RUN} {}", "(global i32 (i32.const 0))".repeat(n)));
    let tables = |n: usize| module(&format!("{RUN} {}", "(table 1 funcref)".repeat(n)));
    let elements = |n: usize| module(&format!("{RUN} (table {} funcref) (table 1 funcref)", n - 1));
    let pages = |n: usize| {
        module(&format!(
            "(memory (export \"memory\") {n}) (func (export \"run\") (result i64) (i64.const 0))"
        ))
    };
    let limits = Limits::for_jobs();
    type Make<'a> = &'a dyn Fn(usize) -> Vec<u8>;
    let cases: &[(&str, Make<'_>, usize, u64)] = &[
        ("functions", &functions, 1000, 1),
        ("globals", &globals, 100, 1),
        ("tables", &tables, 10, 1),
        ("table", &elements, 10_000, 1),
        ("memory", &pages, 160, 65536),
    ];
    for (limit, make, most, unit) in cases {
        assert!(SANDBOX.load(&make(*most), &limits).is_ok(), "{limit}");
        let (needs, allowed) = ((*most as u64 + 1) * unit, *most as u64 * unit);
        let expected =
            format!("the component needs {needs} from the start, the limit `{limit}` is {allowed}");
        assert_eq!(refused(&make(most + 1), &limits), expected);
    }
    let size = functions(1000).len() as u64;
    let said = refused(&functions(1000), &Limits { component: size - 1, ..limits });
    assert_eq!(said, format!("the component has {size} bytes, the limit `component` is {}", size - 1));
}

#[test]
fn each_core_module_in_a_component_has_the_same_limits() {
    let guest = troupe_testing::guests::echo(troupe_testing::World::Actor);
    let limits = Limits::for_jobs();
    assert!(SANDBOX.load(&guest, &limits).is_ok());
    for (limit, most) in [("functions", 3), ("globals", 0)] {
        let mut less = limits.clone();
        less.set(limit, most).unwrap();
        let said = refused(&guest, &less);
        assert!(said.contains(&format!("the limit `{limit}` is {most}")), "{said}");
    }
}

#[test]
fn what_grows_beyond_its_limit_as_it_runs_fails_by_name_and_is_counted() {
    let limits = Limits::for_jobs();
    let meters = SANDBOX.meters();
    let (memory, table) = (meters.memory_denied(), meters.table_denied());
    let grow = "(if (i32.eq (memory.grow (i32.const 160)) (i32.const -1)) (then (unreachable)))";
    assert_eq!(failure(&running(grow, ""), &limits), FailureCode::Memory);
    let grow =
        "(if (i32.eq (table.grow (ref.null func) (i32.const 10000)) (i32.const -1)) (then (unreachable)))";
    assert_eq!(failure(&running(grow, "(table 1 funcref)"), &limits), FailureCode::Table);
    assert!(meters.memory_denied() > memory && meters.table_denied() > table);
    assert_eq!(failure(&running("(loop $on (br $on))", ""), &limits), FailureCode::Fuel);
    let deep = Limits { fuel: 1_000_000_000, ..limits };
    assert_eq!(failure(&running("(drop (call $run))", ""), &deep), FailureCode::Stack);
}

#[test]
fn a_job_that_takes_too_long_has_no_outcome() {
    let sandbox = sandbox(Allocation::OnDemand, Some(Duration::from_secs(3600)));
    let limits = Limits { time: 30, fuel: 1 << 50, ..Limits::for_jobs() };
    let endless = sandbox.load(&running("(loop $on (br $on))", ""), &limits).unwrap();
    let aborted = endless.apply(&context(), &mut Nowhere, b"", b"null").unwrap_err();
    assert_eq!(aborted, Abort::OutOfTime(30));
}

#[test]
fn a_message_above_its_limit_is_rejected_before_anything_runs() {
    let limits = Limits { message: 3, ..Limits::for_jobs() };
    let job = SANDBOX.load(&running("(unreachable)", ""), &limits).unwrap();
    let step = job.apply(&context(), &mut Nowhere, b"1234", b"null").unwrap();
    assert!(matches!(step.outcome, Outcome::Rejected(_)) && step.fuel.0 == 0);
}
