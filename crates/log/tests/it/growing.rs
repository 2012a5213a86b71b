//! Trees that follow their chains, and the proofs that they give.

use std::sync::Arc;

use troupe_chain::Hash;
use troupe_chain::note::NodeLeaf;
use troupe_chain::tree::{TreeHash, check_consistency, check_inclusion};
use troupe_log::{LogError, MAX_LEAVES_A_ROUND, Tree};
use troupe_store::{Append, Row, Store};

use crate::common::{Alone, Chain, log, memory, node_key, trust};

fn leaf(store: &Arc<dyn Store>, chain: &Hash, seq: u64) -> TreeHash {
    let entry = store.entry(chain, seq).expect("reads").expect("is there");
    TreeHash::of_leaf(Hash::of(&entry).as_bytes())
}

#[test]
fn every_entry_has_a_proof_at_every_size_that_was_signed() {
    let store = memory();
    let log = log(&store, Vec::new());
    let mut chain = Chain::begin(&store, 1);
    let tree = Tree::Chain(chain.id);
    let mut heads = Vec::new();
    for step in [0, 1, 1, 3, 60, 64, 65, 130] {
        if step > 0 {
            chain.grow(step);
        }
        log.round(&Alone).expect("a round");
        let signed = log.chain_checkpoint(&chain.id).expect("signed");
        assert!(signed.is_signed_by(node_key().public()));
        assert_eq!(signed.head().size, chain.len());
        heads.push(*signed.head());
    }
    for (step, head) in heads.iter().enumerate() {
        for index in 0..head.size {
            let proof = log.inclusion(tree, index, Some(head.size)).expect("a proof");
            assert_eq!(check_inclusion(&leaf(&store, &chain.id, index), index, head, &proof.hashes), Ok(()));
        }
        for older in &heads[..=step] {
            let (to, proof) = log.consistency(tree, older.size, Some(head.size)).expect("a proof");
            assert_eq!((to, check_consistency(older, head, &proof)), (head.size, Ok(())));
        }
    }
}

#[test]
fn the_nodes_log_has_a_leaf_for_each_size_of_each_chain() {
    let store = memory();
    let log = log(&store, Vec::new());
    let mut chains: Vec<_> = (0..5).map(|nonce| Chain::begin(&store, nonce)).collect();
    let first = log.round(&Alone).expect("a round");
    assert_eq!((first.chains, first.leaves), (5, 10));
    let before = *log.checkpoint().expect("signed").head();
    chains[2].grow(3);
    log.round(&Alone).expect("a round");
    let after = *log.checkpoint().expect("signed").head();
    assert_eq!((before.size, after.size), (5, 6));
    let (_, proof) = log.consistency(Tree::Node, 5, None).expect("a proof");
    assert_eq!(check_consistency(&before, &after, &proof), Ok(()));
    let leaves = log.leaves(0, 100).expect("leaves");
    assert_eq!(leaves.len(), 6);
    let grown =
        NodeLeaf { chain: chains[2].id, head: *log.chain_checkpoint(&chains[2].id).expect("signed").head() };
    assert_eq!(leaves[5], grown);
    for (index, leaf) in leaves.iter().enumerate() {
        let proof = log.inclusion(Tree::Node, index as u64, None).expect("a proof");
        assert_eq!(check_inclusion(&leaf.hash(), index as u64, &after, &proof.hashes), Ok(()));
    }
}

#[test]
fn a_round_with_nothing_new_writes_nothing() {
    let store = memory();
    let log = log(&store, Vec::new());
    Chain::begin(&store, 1);
    log.round(&Alone).expect("a round");
    let (signed, before) = (log.checkpoint(), store.usage().expect("reads").log_bytes);
    let round = log.round(&Alone).expect("a round");
    assert_eq!((round.chains, round.leaves, round.more), (0, 0, false));
    assert_eq!(store.usage().expect("reads").log_bytes, before);
    assert_eq!(log.checkpoint(), signed);
}

#[test]
fn a_log_goes_on_after_a_start_with_the_same_checkpoint() {
    let store = memory();
    let mut chain = Chain::begin(&store, 1);
    let signed = {
        let log = log(&store, Vec::new());
        log.round(&Alone).expect("a round");
        log.checkpoint()
    };
    let log = log(&store, Vec::new());
    assert_eq!(log.checkpoint(), signed);
    assert_eq!(log.round(&Alone).expect("a round").chains, 0);
    chain.grow(200);
    assert_eq!(log.round(&Alone).expect("a round").leaves, 200);
    let proof = log.proof_file(&chain.id, 150).expect("a proof");
    assert_eq!(proof.check(&trust(Vec::new(), 0)).expect("true").size, 202);
}

#[test]
fn a_backlog_is_taken_up_in_rounds() {
    let store = memory();
    let log = log(&store, Vec::new());
    let mut chain = Chain::begin(&store, 1);
    chain.grow(MAX_LEAVES_A_ROUND);
    let mut other = Chain::begin(&store, 2);
    other.grow(10);
    let round = log.round(&Alone).expect("a round");
    assert_eq!((round.leaves, round.more), (MAX_LEAVES_A_ROUND, true));
    let mut rounds = 1;
    while log.round(&Alone).expect("a round").more {
        rounds += 1;
    }
    assert_eq!(rounds, 1);
    for chain in [&chain, &other] {
        assert_eq!(log.chain_checkpoint(&chain.id).expect("signed").head().size, chain.len());
    }
}

#[test]
fn what_is_not_signed_yet_has_no_proof() {
    let store = memory();
    let log = log(&store, Vec::new());
    let mut chain = Chain::begin(&store, 1);
    assert!(matches!(log.proof_file(&chain.id, 0), Err(LogError::NotYet(_))));
    log.round(&Alone).expect("a round");
    chain.grow(1);
    assert!(matches!(log.proof_file(&chain.id, 2), Err(LogError::OutOfTree(_))));
    assert!(matches!(log.inclusion(Tree::Chain(chain.id), 0, Some(3)), Err(LogError::OutOfTree(_))));
    assert!(matches!(log.consistency(Tree::Node, 2, None), Err(LogError::OutOfTree(_))));
    let unknown = Tree::Chain(Hash::of(b"unknown"));
    assert!(matches!(log.inclusion(unknown, 0, None), Err(LogError::NotYet(_))));
}

/// Writes rows as somebody with the disk in hand would.
fn put(store: &Arc<dyn Store>, rows: Vec<Row>) {
    let chain = Hash::from_bytes([0; 32]);
    let append = Append { chain, expected: None, entries: Vec::new(), blobs: Vec::new(), rows };
    store.commit(&[append]).expect("commits");
}

#[test]
fn hashes_that_are_lost_are_made_again_from_the_entries() {
    let store = memory();
    let mut chain = Chain::begin(&store, 1);
    chain.grow(300);
    let signed = {
        let log = log(&store, Vec::new());
        log.round(&Alone).expect("a round");
        log.checkpoint().expect("signed")
    };
    let pages = store.rows(b"lp", None, 1000).expect("reads");
    assert!(pages.len() > 4);
    put(&store, pages.into_iter().map(|(key, _)| Row::remove(key)).collect());
    let log = log(&store, Vec::new());
    assert!(matches!(log.proof_file(&chain.id, 3), Err(LogError::Changed { .. })));
    chain.grow(1);
    let round = log.round(&Alone).expect("a round");
    assert_eq!((round.leaves, round.notes.len()), (1, 0));
    let proof = log.proof_file(&chain.id, 3).expect("a proof");
    proof.check(&trust(Vec::new(), 0)).expect("true");
    let (_, proof) = log.consistency(Tree::Node, signed.head().size, None).expect("a proof");
    assert_eq!(check_consistency(signed.head(), log.checkpoint().expect("signed").head(), &proof), Ok(()));
}
