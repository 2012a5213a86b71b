//! An operator who lies: split views, stores that are set back, histories that are signed again.

use troupe_chain::tree::{TreeHash, check_consistency};
use troupe_log::{LogError, NodeLog, Tree};
use troupe_store::{Append, Row};

use crate::common::{Alone, Chain, Direct, at, log, memory, node_key, trust, witness};

const W: &str = "http://w.example";

#[test]
fn a_checkpoint_carries_what_its_witnesses_cosigned() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (one, two) = (witness(&folder), witness(&other));
    let store = memory();
    let mut chain = Chain::begin(&store, 1);
    let log = log(&store, vec![at(W, &one), at("http://v.example", &two)]);
    let only_one = Direct(vec![(W, one.clone())]);
    let round = log.round(&only_one).expect("a round");
    assert_eq!(round.notes.len(), 1);
    let proof = log.proof_file(&chain.id, 1).expect("a proof");
    let keys = vec![one.key().clone(), two.key().clone()];
    assert!(proof.check(&trust(keys.clone(), 2)).is_err());
    assert_eq!(proof.check(&trust(keys.clone(), 1)).expect("true").witnesses.len(), 1);
    // The next round asks the other again, though nothing has grown; and later rounds go on from there.
    let both = Direct(vec![(W, one), ("http://v.example", two)]);
    for step in 0..5 {
        if step > 0 {
            chain.grow(step);
        }
        log.round(&both).expect("a round");
        let proof = log.proof_file(&chain.id, 1).expect("a proof");
        assert_eq!(proof.check(&trust(keys.clone(), 2)).expect("true").size, chain.len());
    }
}

#[test]
fn a_split_view_is_refused_by_the_witness() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let direct = Direct(vec![(W, witness.clone())]);
    // The same key signs one history for some readers, and another for others.
    let (shown, hidden) = (memory(), memory());
    Chain::begin(&shown, 1);
    Chain::begin(&hidden, 2);
    log(&shown, vec![at(W, &witness)]).round(&direct).expect("the first one");
    let split = log(&hidden, vec![at(W, &witness)]);
    assert!(matches!(split.round(&direct), Err(LogError::Forked { .. })));
    assert_eq!(split.checkpoint(), None);
    // However it goes on.
    for nonce in 3..6 {
        Chain::begin(&hidden, nonce);
        assert!(matches!(split.round(&direct), Err(LogError::Stopped(_))));
        // Nor does the next process hand out what the last one signed and the witness refused.
        let again = log(&hidden, vec![at(W, &witness)]);
        assert!(matches!(again.round(&direct), Err(LogError::Forked { .. })));
        assert_eq!(again.checkpoint(), None);
    }
    assert_eq!(split.checkpoint(), None);
}

#[test]
fn a_store_that_was_set_back_signs_nothing_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let direct = Direct(vec![(W, witness.clone())]);
    let (store, backup) = (memory(), memory());
    let mut chain = Chain::begin(&store, 1);
    Chain::begin(&backup, 1);
    let now = log(&store, vec![at(W, &witness)]);
    now.round(&direct).expect("a round");
    log(&backup, Vec::new()).round(&Alone).expect("the backup");
    chain.grow(1);
    now.round(&direct).expect("a round");
    // The backup is as honest as it can be, and lacks the last entry.
    let restored = log(&backup, vec![at(W, &witness)]);
    assert!(matches!(restored.round(&direct), Err(LogError::SetBack { theirs: 2, ours: 1, .. })));
    Chain::begin(&backup, 7);
    assert!(matches!(restored.round(&direct), Err(LogError::Stopped(_))));
}

#[test]
fn nothing_new_is_signed_before_a_witness_was_compared_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let direct = Direct(vec![(W, witness.clone())]);
    let store = memory();
    let mut chain = Chain::begin(&store, 1);
    log(&store, vec![at(W, &witness)]).round(&direct).expect("a round");
    chain.grow(1);
    let started = log(&store, vec![at(W, &witness)]);
    assert!(matches!(started.round(&Alone), Err(LogError::NotCompared(_))));
    assert_eq!(started.checkpoint().expect("the last one").head().size, 1);
    started.round(&direct).expect("a round");
    assert_eq!(started.checkpoint().expect("the next").head().size, 2);
}

#[test]
fn a_crash_after_the_witness_cosigned_is_no_store_that_was_set_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = witness(&folder);
    let direct = Direct(vec![(W, witness.clone())]);
    let store = memory();
    let mut chain = Chain::begin(&store, 1);
    let log_before = log(&store, vec![at(W, &witness)]);
    log_before.round(&direct).expect("a round");
    chain.grow(1);
    log_before.round(&direct).expect("a round");
    // As it is in the store when the node is killed between the witness's answer and the row with its cosignature.
    let bare = log(&store, Vec::new());
    let signed = bare.checkpoint().expect("signed").to_string();
    let without = signed.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    let append = Append {
        chain: troupe_chain::Hash::from_bytes([0; 32]),
        expected: None,
        entries: Vec::new(),
        blobs: Vec::new(),
        rows: vec![Row::put("ls", without)],
    };
    store.commit(&[append]).expect("commits");
    let started = log(&store, vec![at(W, &witness)]);
    started.round(&direct).expect("a round");
    assert!(started.checkpoint().expect("signed").cosigned_by(witness.key()).is_some());
}

#[test]
fn a_history_that_is_signed_again_does_not_go_on_from_the_old_one() {
    let (before, after) = (memory(), memory());
    let mut chain = Chain::begin(&before, 1);
    chain.grow(5);
    let old = log(&before, Vec::new());
    old.round(&Alone).expect("a round");
    let remembered = *old.checkpoint().expect("signed").head();
    // Everything anew, with another first entry, signed with the same key.
    let mut other = Chain::begin(&after, 2);
    other.grow(20);
    let new = log(&after, Vec::new());
    new.round(&Alone).expect("a round");
    other.grow(1);
    new.round(&Alone).expect("a round");
    let head = *new.checkpoint().expect("signed").head();
    let (_, proof) = new.consistency(Tree::Node, remembered.size, None).expect("a proof");
    assert!(check_consistency(&remembered, &head, &proof).is_err());
}

#[test]
fn a_changed_entry_under_a_signed_tree_is_found_and_keeps_no_other_chain_from_being_signed() {
    let store = memory();
    let (mut changed, mut honest) = (Chain::begin(&store, 1), Chain::begin(&store, 2));
    changed.grow(4);
    log(&store, Vec::new()).round(&Alone).expect("a round");
    // The row that says how far the tree has grown is another history's.
    let mut key = b"lt".to_vec();
    key.extend_from_slice(changed.id.as_bytes());
    let mut value = 6_u64.to_be_bytes().to_vec();
    value.extend_from_slice(TreeHash::of_leaf(b"forged").as_bytes());
    let append = Append {
        chain: changed.id,
        expected: None,
        entries: Vec::new(),
        blobs: Vec::new(),
        rows: vec![Row::put(key, value)],
    };
    store.commit(&[append]).expect("commits");
    changed.grow(1);
    honest.grow(1);
    let log = log(&store, Vec::new());
    let round = log.round(&Alone).expect("a round");
    assert_eq!(round.notes.len(), 1);
    assert!(round.notes[0].contains("is not as it was signed"), "{:?}", round.notes);
    assert_eq!(log.chain_checkpoint(&changed.id).expect("the last").head().size, 6);
    assert_eq!(log.chain_checkpoint(&honest.id).expect("signed").head().size, 3);
}

#[test]
fn a_key_of_another_name_begins_another_log_of_the_same_chains() {
    let store = memory();
    let chain = Chain::begin(&store, 1);
    log(&store, Vec::new()).round(&Alone).expect("a round");
    let kind = troupe_chain::note::KeyKind::Log;
    let other =
        troupe_chain::note::SecretKey::from_seed("other.example".parse().expect("a name"), kind, &[9; 32]);
    let key = other.public().clone();
    let log = NodeLog::open(store, other, Vec::new()).expect("opens");
    assert_eq!((log.checkpoint(), log.formerly()), (None, Some(node_key().public().name())));
    log.round(&Alone).expect("a round");
    let trust = troupe_chain::note::Trust { node: key, witnesses: Vec::new(), quorum: 0 };
    log.proof_file(&chain.id, 1).expect("a proof").check(&trust).expect("true");
}

#[test]
fn a_store_is_not_opened_with_another_key_of_the_same_name() {
    let store = memory();
    Chain::begin(&store, 1);
    log(&store, Vec::new()).round(&Alone).expect("a round");
    let kind = troupe_chain::note::KeyKind::Log;
    let other = troupe_chain::note::SecretKey::from_seed(node_key().public().name().clone(), kind, &[9; 32]);
    assert!(matches!(NodeLog::open(store, other, Vec::new()), Err(LogError::Changed { .. })));
}
