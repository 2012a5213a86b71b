//! What a call of the host ABI costs beyond its work: the same loop with and without it.

use std::collections::BTreeMap;

use troupe::troupe_chain::{Context, Hash, Machine, Nowhere, Outcome, Sender, Text, Timestamp};
use troupe::troupe_component::{Grants, Limits, Sandbox, SandboxConfig, WasmComponent};
use troupe_bench::{cpu_per_call, medians};

use crate::{report, table};

/// Host calls in one run.
const CALLS: u64 = 1000;
const RUNS: usize = 20;
const ROUNDS: usize = 15;
/// What a call may cost.
const GOAL: &str = "≤ 2 µs";

/// What is measured, and the instructions of one turn, which leave nothing.
const TURNS: [(&str, &str); 4] = [
    ("a call that asks how long the input is", "(drop (call $take (i32.const 0) (i32.const 0)))"),
    ("a call that copies 64 bytes of input", "(drop (call $take (i32.const 0) (i32.const 64)))"),
    ("an act that is not granted", "(drop (call $credit (i32.const 0) (i32.const 0) (i64.const 1)))"),
    ("an act that is noted down", "(drop (call $spend (i32.const 0) (i32.const 0) (i64.const 1)))"),
];

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    let empty = load("")?;
    let mut base = || cpu_per_call(RUNS, |_| run(&empty));
    for (what, turn) in TURNS {
        let module = load(turn)?;
        let [without, with] = medians(ROUNDS, [&mut base, &mut || cpu_per_call(RUNS, |_| run(&module))])?;
        let each = (with - without) / CALLS as f64;
        report(what, format!("{each:.3} µs"), f64::NAN, GOAL);
    }
    Ok(())
}

fn load(turn: &str) -> anyhow::Result<WasmComponent> {
    let text = format!(
        r#"(module
          (import "icn" "host_take_input" (func $take (param i32 i32) (result i32)))
          (import "icn" "host_account_spend_mana" (func $spend (param i32 i32 i64) (result i32)))
          (import "icn" "host_account_credit_mana" (func $credit (param i32 i32 i64) (result i32)))
          (memory (export "memory") 1)
          (func (export "run") (result i64) (local $n i64)
            (loop $on
              {turn}
              (local.set $n (i64.add (local.get $n) (i64.const 1)))
              (br_if $on (i64.lt_u (local.get $n) (i64.const {CALLS}))))
            (i64.const 0)))"#
    );
    let member = Hash::from_bytes([7; 32]);
    let grants = ["commons:mana-spend".to_owned(), format!("commons-for:{member}")];
    let grants = grants.into_iter().map(Text::new).collect::<Result<Vec<_>, _>>()?;
    let mut limits = Limits::for_jobs();
    for (name, value) in BTreeMap::from([("fuel", 1_000_000_000), ("sends", 10_000)]) {
        limits.set(name, value)?;
    }
    let sandbox = Sandbox::new(SandboxConfig::default());
    Ok(sandbox.load_granted(&troupe_testing::module_from_wat(&text)?, &limits, &Grants::parse(&grants)?)?)
}

fn run(module: &WasmComponent) -> anyhow::Result<()> {
    let context = Context {
        chain: Hash::from_bytes([0; 32]),
        from: Sender::Http { key: None },
        at: Timestamp(1000),
        seq: 2,
        seed: None,
    };
    let step = module.apply(&context, &mut Nowhere, &[0; 64], b"null")?;
    match step.outcome {
        Outcome::Accepted(_) => Ok(()),
        other => anyhow::bail!("the run came to {other:?}"),
    }
}
