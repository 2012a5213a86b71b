//! Verification on several threads: the verdict of one replay, whatever the threads do first.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use troupe::host::Setup;
use troupe::parallel::{self, Verification};
use troupe::troupe_chain::{
    Body, Entry, Hash, History, NotVerified, PART_ENTRIES, Report, Sender, Unreadable, verify,
};
use troupe::troupe_component::{Allocation, Sandbox, SandboxConfig};
use troupe::troupe_runtime::StoreHistory;
use troupe::troupe_store::MemoryStore;

/// A history that can be tampered with.
struct Copied {
    history: StoreHistory,
    entries: Vec<Bytes>,
}

impl History for Copied {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        Hash::of(self.entries.last().unwrap())
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        self.entries.iter().cloned().map(Ok)
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        self.history.blob(name)
    }
}

/// A counter that has taken enough for several parts, and what replays it.
fn counted() -> (Copied, Sandbox) {
    let component = include_bytes!("../../../actors/counter/counter.wasm").to_vec();
    let mut setup = Setup::new(component, Arc::new(MemoryStore::new()));
    setup.settings.allocation = Allocation::OnDemand;
    let running = setup.open().unwrap();
    for _ in 0..4 * PART_ENTRIES {
        running.actor.send_blocking(Sender::Http { key: None }, Bytes::from_static(b"{\"add\":1}")).unwrap();
    }
    let store = Arc::clone(running.actor.store());
    let history = StoreHistory::new(store, running.actor.id()).unwrap().unwrap();
    let entries = history.entries().collect::<Result<_, _>>().unwrap();
    let config = SandboxConfig { allocation: Allocation::OnDemand, ..SandboxConfig::default() };
    (Copied { history, entries }, Sandbox::new(config))
}

fn threads(number: usize) -> NonZero<usize> {
    NonZero::new(number).unwrap()
}

#[test]
fn any_number_of_threads_comes_to_the_report_of_one_replay() {
    let (history, sandbox) = counted();
    let expected = verify(&history, &sandbox, |_| {}).unwrap();
    for number in [1, 2, 7] {
        let replayed = AtomicU64::new(0);
        let verified = Mutex::new(Vec::<Report>::new());
        let how = Verification {
            threads: threads(number),
            replayed: &|| drop(replayed.fetch_add(1, Ordering::Relaxed)),
            verified: &|report| verified.lock().unwrap().push(report.clone()),
            ..Verification::default()
        };
        assert_eq!(parallel::verify(&history, &sandbox, &how).unwrap(), expected, "{number} threads");
        assert_eq!(replayed.load(Ordering::Relaxed), expected.seq);
        let verified = verified.into_inner().unwrap();
        assert!(verified.is_sorted_by(|one, other| one.seq < other.seq), "it goes forward");
        assert_eq!(verified.last(), Some(&expected));
        // Each was verified from genesis on without a gap.
        for report in verified {
            assert_eq!(report.messages, report.seq - 1);
            assert_eq!(report.head, Hash::of(&history.entries[usize::try_from(report.seq).unwrap()]));
        }
    }
}

#[test]
fn the_first_of_several_lies_is_found_by_any_number_of_threads() {
    let (mut history, sandbox) = counted();
    let (first, second) = (PART_ENTRIES + 40, 3 * PART_ENTRIES + 7);
    let mut parent = None;
    for (seq, bytes) in history.entries.iter_mut().enumerate() {
        let mut entry = Entry::decode(bytes).unwrap();
        entry.parent = parent;
        if let Body::Message(message) = &mut entry.body
            && (seq == first || seq == second)
        {
            message.fuel.0 += 1;
        }
        *bytes = entry.encode().into();
        parent = Some(Hash::of(bytes));
    }
    let expected = verify(&history, &sandbox, |_| {}).unwrap_err().to_string();
    for number in [1, 2, 7] {
        let beyond = AtomicU64::new(0);
        let how = Verification {
            threads: threads(number),
            verified: &|report| drop(beyond.fetch_max(report.seq, Ordering::Relaxed)),
            ..Verification::default()
        };
        let found = parallel::verify(&history, &sandbox, &how).unwrap_err();
        assert_eq!(found.to_string(), expected, "{number} threads");
        assert!(matches!(&found, NotVerified::Diverged(lie) if lie.seq == first as u64), "{found}");
        assert!(
            beyond.load(Ordering::Relaxed) < first as u64,
            "nothing after the lie was said to be verified"
        );
    }
}

#[test]
fn what_was_verified_before_is_left_out() {
    let (history, sandbox) = counted();
    let at = 2 * PART_ENTRIES;
    let trusted = Some((at as u64, Hash::of(&history.entries[at])));
    let how = Verification { trusted, ..Verification::default() };
    let report = parallel::verify(&history, &sandbox, &how).unwrap();
    assert_eq!((report.seq, report.head), (history.entries.len() as u64 - 1, history.head()));
    assert_eq!(report.messages, report.seq - at as u64);
}
