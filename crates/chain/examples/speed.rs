//! Measures how long one entry takes to name, decode, check and write: `cargo run --release --example speed`.
//!
//! Each figure is the best of several rounds, in nanoseconds per entry, since other load only ever adds to it.

use std::hint::black_box;
use std::time::Instant;

use troupe_chain::{
    Accepted, Code, Entry, Fuel, Genesis, Hash, Linked, NotText, Outcome, Sender, Step, Text, Timestamp, Tip,
};

const ENTRIES: u64 = 500;
const ROUNDS: u32 = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chain = chain()?;
    let entries = &chain[2..];
    let bytes: usize = entries.iter().map(Vec::len).sum();
    println!("{} entries of {} bytes on average", entries.len(), bytes / entries.len());
    let decoded: Vec<Entry> = entries.iter().map(|bytes| Entry::decode(bytes)).collect::<Result<_, _>>()?;

    measure("name", || {
        entries.iter().for_each(|bytes| {
            black_box(Hash::of(bytes));
        })
    });
    measure("decode", || entries.iter().for_each(|bytes| drop(black_box(Entry::decode(bytes)))));
    measure("encode", || decoded.iter().for_each(|entry| drop(black_box(entry.encode()))));
    measure("check (decode, name and link)", || {
        let mut tip = Tip::check_genesis(&chain[0]).map(|(tip, _)| tip);
        for bytes in &chain[1..] {
            if let Ok(tip) = &mut tip {
                black_box(tip.check(bytes)).ok();
            }
        }
    });
    Ok(())
}

fn measure(what: &str, mut round: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{what:32} {:6.0} ns", best.as_nanos() as f64 / ENTRIES as f64);
}

/// A chain whose messages come from HTTP clients and carry a reply, as most do.
fn chain() -> Result<Vec<Vec<u8>>, NotText> {
    let genesis = Genesis {
        code: Code::Component(Hash::of(b"code")),
        world: Text::new("troupe:actor/actor@0.1.0")?,
        config: None,
        limits: [(Text::new("fuel")?, 1_000_000)].into(),
        engine: [(Text::new("engine")?, Text::new("none")?)].into(),
        grants: Vec::new(),
        owner: None,
        nonce: Hash::of(b"nonce"),
        fork: None,
        started_by: None,
    };
    let (mut tip, genesis) = Tip::start(genesis, Timestamp(1_700_000_000_000));
    let mut entries = vec![genesis.bytes];
    for n in 0..=ENTRIES {
        let accepted =
            Accepted { state: n.to_be_bytes().to_vec(), reply: Some(b"ok".to_vec()), effects: Vec::new() };
        let step = Step {
            outcome: Outcome::Accepted(accepted),
            fuel: Fuel(12_345),
            calls: Vec::new(),
            log: Vec::new(),
        };
        let from = Sender::Http { key: Some(Hash::of(&n.to_le_bytes())) };
        let context = tip.next_context(from, Timestamp(1_700_000_000_000 + n));
        let linked: Option<Linked> = match n {
            0 => tip.init(&context, &step).ok(),
            _ => tip.message(&context, Hash::of(&n.to_be_bytes()), &step),
        };
        entries.extend(linked.map(|linked| linked.bytes));
    }
    Ok(entries)
}
