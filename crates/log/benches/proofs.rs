//! How long a proof takes and how large it is, at a million entries in a store on disk; and what taking them up costs.
//!
//! `cargo bench -p troupe-log`; a number as argument takes so many entries.

use std::sync::Arc;
use std::time::Instant;

use troupe_chain::Hash;
use troupe_chain::note::KeyKind;
use troupe_chain::tree::check_inclusion;
use troupe_log::{NodeLog, PushError, Submit, Submitted, Tree, create_key};
use troupe_store::{Append, DiskStore, NewEntry, Store};

/// Entries, unless an argument says another number.
const ENTRIES: u64 = 1_000_000;
/// The bytes of an entry.
const ENTRY_BYTES: usize = 400;
/// Appends of one batch.
const GROUP: u64 = 1_000;
/// Proofs that are timed.
const PROOFS: usize = 10_000;

/// There are no witnesses.
struct Nobody;

impl Submit for Nobody {
    fn submit(&self, _: &str, _: &str) -> Result<Submitted, PushError> {
        Err(PushError("nobody is asked".into()))
    }
}

fn entry(seq: u64) -> NewEntry {
    let mut bytes = seq.to_be_bytes().to_vec();
    bytes.resize(ENTRY_BYTES, b'.');
    NewEntry::new(seq, bytes)
}

/// Commits groups of appends with one entry each, as a busy node does.
fn fill(store: &dyn Store, chain: Hash, entries: u64) {
    let mut expected: Option<Hash> = None;
    for from in (0..entries).step_by(usize::try_from(GROUP).expect("small")) {
        let append = |seq| {
            let entry = entry(seq);
            let expected = expected.replace(entry.name);
            Append { chain, expected, entries: vec![entry], blobs: Vec::new(), rows: Vec::new() }
        };
        let batch: Vec<_> = (from..entries.min(from + GROUP)).map(append).collect();
        store.commit(&batch).expect("commits");
    }
}

/// The median and the 99th of a hundred, in microseconds.
fn spread(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let done = act();
    (done, begun.elapsed().as_secs_f64() * 1e6)
}

fn main() {
    let entries = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ENTRIES);
    let folder = tempfile::tempdir().expect("a folder");
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path()).expect("opens"));
    let chain = entry(0).name;
    fill(&*store, chain, entries);
    let before = store.usage().expect("reads").total();
    let key = create_key(KeyKind::Log, "troupe.node", None).expect("a key");
    let log = NodeLog::open(Arc::clone(&store), key, Vec::new()).expect("opens");
    let ((), growing) = timed(|| while log.round(&Nobody).expect("a round").more {});
    let after = store.usage().expect("reads").total();
    #[allow(clippy::cast_precision_loss, reason = "for a person")]
    let each = |value: f64| value / entries as f64;
    println!("{entries} entries taken up in {:.2} s, {:.2} µs each", growing / 1e6, each(growing));
    #[allow(clippy::cast_precision_loss, reason = "for a person")]
    let grown = (after - before) as f64;
    println!("rows: {:.1} bytes for each entry", each(grown));

    let head = *log.chain_checkpoint(&chain).expect("signed").head();
    let (mut inclusion, mut consistency, mut files) = (Vec::new(), Vec::new(), Vec::new());
    let (mut checks, mut hashes) = (Vec::new(), 0);
    let mut index = 1;
    for _ in 0..PROOFS {
        index = (index * 6_364_136_223_846_793_005_u64).wrapping_add(1_442_695_040_888_963_407) % entries;
        let (proof, time) = timed(|| log.inclusion(Tree::Chain(chain), index, None).expect("a proof"));
        inclusion.push(time);
        hashes = hashes.max(proof.hashes.len());
        let leaf = troupe_chain::tree::TreeHash::of_leaf(entry(index).name.as_bytes());
        let (checked, time) = timed(|| check_inclusion(&leaf, index, &head, &proof.hashes));
        checked.expect("true");
        checks.push(time);
        let (proof, time) = timed(|| log.consistency(Tree::Chain(chain), index, None).expect("a proof"));
        drop(proof);
        consistency.push(time);
        let (file, time) = timed(|| log.proof_file(&chain, index).expect("a proof"));
        files.push(time);
        drop(file);
    }
    for (what, times) in
        [("inclusion", inclusion), ("its check", checks), ("consistency", consistency), ("proof file", files)]
    {
        let (median, high) = spread(times);
        println!("{what:<12} {median:>7.1} µs, 99 of 100 within {high:.1} µs");
    }
    println!("size         {} bytes in {hashes} hashes at most", 32 * hashes);
    let (round, idle) = timed(|| log.round(&Nobody).expect("a round"));
    println!("a round with nothing new {idle:.1} µs, {} leaves", round.leaves);
}
