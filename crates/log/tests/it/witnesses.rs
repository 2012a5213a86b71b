//! A witness by itself: what it cosigns, what it refuses and with which status, and what it remembers.

use std::sync::Arc;

use troupe_chain::note::{Checkpoint, KeyKind, NoteSignature, SecretKey, Submission};
use troupe_chain::tree::{Frontier, Nodes, TreeHash, TreeHead, inner_position, prove_consistency, root};
use troupe_log::{Refused, Witness, WitnessError};

use crate::common::{name, node_key, witness};

/// A log that says what its test wants it to say.
#[derive(Default)]
struct Log {
    leaves: Vec<TreeHash>,
    inner: Vec<TreeHash>,
    edge: Frontier,
}

impl Nodes for Log {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, Self::Error> {
        Ok(match inner_position(level, index) {
            None => self.leaves[index as usize],
            Some(position) => self.inner[position as usize],
        })
    }
}

impl Log {
    fn of(leaves: &[&str]) -> Self {
        let mut log = Self::default();
        for leaf in leaves {
            let leaf = TreeHash::of_leaf(leaf.as_bytes());
            log.leaves.push(leaf);
            log.edge.push(leaf, |hash| log.inner.push(hash));
        }
        log
    }

    fn head(&self, size: u64) -> TreeHead {
        let Ok(root) = root(self, size);
        TreeHead { size, root }
    }

    fn submission(&self, old: u64, size: u64, key: &SecretKey) -> String {
        let Ok(proof) = prove_consistency(self, old, size);
        let checkpoint = Checkpoint::new(name("node.example/log"), self.head(size)).sign(key);
        Submission { old, proof: proof.expect("within"), checkpoint }.to_string()
    }
}

fn ask(witness: &Witness, body: &str) -> Result<NoteSignature, Refused> {
    witness.add_checkpoint(body.as_bytes(), 1_700_000_000)
}

fn status(witness: &Witness, body: &str) -> u16 {
    ask(witness, body).map_or_else(|refused| refused.status(), |_| 200)
}

#[test]
fn each_refusal_has_the_status_that_the_protocol_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let (log, key) = (Log::of(&["a", "b", "c", "d", "e"]), node_key());
    assert_eq!(status(&witness, "old 0\n"), 400);
    assert_eq!(status(&witness, &log.submission(0, 3, &key).replace("node.example", "other.example")), 404);
    let stranger = SecretKey::from_seed(name("node.example/log"), KeyKind::Log, &[9; 32]);
    assert_eq!(status(&witness, &log.submission(0, 3, &stranger)), 403);
    assert_eq!(status(&witness, &log.submission(0, 3, &key)), 200);
    // Once more is fine, with the size that it has now.
    assert_eq!(status(&witness, &log.submission(3, 3, &key)), 200);
    assert!(matches!(ask(&witness, &log.submission(0, 5, &key)), Err(Refused::Conflict(3))));
    assert!(matches!(ask(&witness, &log.submission(2, 5, &key)), Err(Refused::Conflict(3))));
    assert_eq!(status(&witness, &log.submission(3, 3, &key).replace("old 3", "old 4")), 400);
    let other = Log::of(&["a", "b", "X", "d", "e"]);
    assert_eq!(status(&witness, &other.submission(3, 5, &key)), 422);
    assert!(matches!(ask(&witness, &other.submission(3, 3, &key)), Err(Refused::Conflict(3))));
    assert_eq!(status(&witness, &log.submission(3, 5, &key)), 200);
    assert_eq!(witness.logs(), [(name("node.example/log"), 5)]);
}

#[test]
fn a_cosignature_is_of_the_witnesss_key_and_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let log = Log::of(&["a"]);
    let signature = ask(&witness, &log.submission(0, 1, &node_key())).expect("cosigns");
    let text = Checkpoint::new(name("node.example/log"), log.head(1)).text();
    assert_eq!(witness.key().verify(&text, &signature), Some(1_700_000_000));
    assert_eq!(witness.key().kind(), KeyKind::Witness);
}

#[test]
fn what_was_cosigned_is_remembered_by_the_next_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::of(&["a", "b", "c"]);
    let key = {
        let witness = witness(&folder);
        assert_eq!(status(&witness, &log.submission(0, 2, &node_key())), 200);
        witness.key().clone()
    };
    let witness = witness(&folder);
    assert_eq!(*witness.key(), key);
    let fork = Log::of(&["a", "X", "c"]);
    assert_eq!(status(&witness, &fork.submission(0, 3, &node_key())), 409);
    assert_eq!(status(&witness, &fork.submission(2, 3, &node_key())), 422);
    assert_eq!(status(&witness, &log.submission(2, 3, &node_key())), 200);
}

#[test]
fn a_memory_that_is_broken_is_no_empty_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = witness(&folder);
    assert_eq!(status(&first, &Log::of(&["a"]).submission(0, 1, &node_key())), 200);
    drop(first);
    let files = std::fs::read_dir(folder.path()).expect("lists").map(|entry| entry.expect("an entry").path());
    let memory = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "checkpoint"));
    std::fs::write(memory.expect("is there"), "").expect("writes");
    let logs = vec![node_key().public().clone()];
    assert!(matches!(Witness::open(folder.path(), None, logs, None), Err(WitnessError::Broken { .. })));
}

#[test]
fn two_witnesses_do_not_share_a_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = witness(&folder);
    let logs = vec![node_key().public().clone()];
    assert!(matches!(Witness::open(folder.path(), None, logs, None), Err(WitnessError::InUse(_))));
}

#[test]
fn of_two_forks_at_the_same_time_one_is_cosigned() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let sides = [Log::of(&["a", "b"]), Log::of(&["a", "X"])];
    let bodies = sides.map(|side| side.submission(0, 2, &node_key()));
    let threads = bodies.map(|body| {
        let witness = Arc::clone(&witness);
        std::thread::spawn(move || status(&witness, &body))
    });
    let mut statuses = threads.map(|thread| thread.join().expect("ends"));
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
