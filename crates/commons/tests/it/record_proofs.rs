//! A balance is proved to a stranger by one file, and no changed file is believed.

use troupe_chain::note::{Checkpoint, KeyKind, KeyName, LogProof, NodeLeaf, ProofFile, SecretKey, Trust};
use troupe_chain::tree::{Nodes, TreeHash, TreeHead, prove_inclusion, root};
use troupe_chain::{Entry, Hash};
use troupe_commons::mana::{Account, Owner};
use troupe_commons::{BadRecordProof, NotShown, RecordProof, from_bytes};

use crate::cooperative::person;
use crate::machine::Live;

/// The leaves of a tree; nodes are made as they are asked for.
struct Leaves(Vec<TreeHash>);

impl Nodes for Leaves {
    type Error = String;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, String> {
        match level {
            0 => self.0.get(index as usize).copied().ok_or_else(|| "no such leaf".into()),
            _ => Ok(TreeHash::of_children(
                &self.node(level - 1, 2 * index)?,
                &self.node(level - 1, 2 * index + 1)?,
            )),
        }
    }
}

impl Leaves {
    fn head(&self) -> TreeHead {
        let size = self.0.len() as u64;
        TreeHead { size, root: root(self, size).unwrap() }
    }
}

/// The file that shows a record after the chain's last entry, and the key of the node that signed.
pub(crate) fn file(live: &Live, key: &str) -> (RecordProof, Trust) {
    let name: KeyName = "node.example/log".parse().unwrap();
    let node = SecretKey::from_seed(name.clone(), KeyKind::Log, &[1; 32]);
    let entries = &live.chain.entries;
    let of_chain =
        Leaves(entries.iter().map(|entry| TreeHash::of_leaf(Hash::of(entry).as_bytes())).collect());
    let (chain, head, index) = (live.tip.chain, of_chain.head(), entries.len() as u64 - 1);
    let of_node = Leaves(vec![NodeLeaf { chain, head }.hash()]);
    let entry = ProofFile {
        key: node.public().clone(),
        entry: entries[index as usize].clone(),
        in_chain: LogProof {
            index,
            hashes: prove_inclusion(&of_chain, index, head.size).unwrap().unwrap(),
            checkpoint: Checkpoint::new(KeyName::of_chain(&chain), head).sign(&node),
        },
        in_node: LogProof {
            index: 0,
            hashes: Vec::new(),
            checkpoint: Checkpoint::new(name, of_node.head()).sign(&node),
        },
    };
    let in_map = live.coop.state.prove(key);
    let trust = Trust { node: node.public().clone(), witnesses: Vec::new(), quorum: 0 };
    (RecordProof { key: key.into(), in_map, entry }, trust)
}

#[test]
fn a_balance_is_proved_offline() {
    let live = Live::history();
    let owner = Owner::Member(person(2).id);
    let (proof, trust) = file(&live, &Account::key(owner));
    let read = RecordProof::parse(proof.to_string().as_bytes()).unwrap();
    assert_eq!(read, proof);
    let shown = read.check(&trust).unwrap();
    let account: Account = from_bytes(&shown.record.unwrap()).unwrap();
    assert_eq!(
        account.balance,
        troupe_commons::mana::accounts(&live.coop.state)
            .iter()
            .find(|(name, _)| *name == owner.to_string())
            .unwrap()
            .1
            .balance
    );
    assert_eq!((shown.entry.name, shown.root), (live.tip.entry, live.coop.state.root()));
}

#[test]
fn it_is_proved_that_somebody_has_no_account() {
    let live = Live::history();
    for seed in 50..90 {
        let (proof, trust) = file(&live, &Account::key(Owner::Member(person(seed).id)));
        let read = RecordProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(read.check(&trust).unwrap().record, None);
    }
}

#[test]
fn no_changed_file_is_believed() {
    let live = Live::history();
    let (proof, trust) = file(&live, &Account::key(Owner::Member(person(2).id)));
    let text = proof.to_string();
    for at in 0..text.find("troupe.proof/v1").unwrap() {
        for bit in [1, 2, 4] {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= bit;
            let believed = RecordProof::parse(&changed).is_ok_and(|proof| proof.check(&trust).is_ok());
            assert!(!believed, "byte {at}");
        }
    }
}

#[test]
fn the_record_of_another_state_is_not_believed() {
    let mut live = Live::history();
    let key = Account::key(Owner::Member(person(1).id));
    let (older, _) = file(&live, &key);
    live.act(1, troupe_commons::Act::Transfer { amount: 1, to: person(2).id });
    let (newer, trust) = file(&live, &key);
    let mixed = RecordProof { in_map: older.in_map, ..newer };
    assert!(matches!(mixed.check(&trust), Err(NotShown::State { .. })));
    // An entry that names no state shows nothing of one.
    let genesis = Entry::decode(&live.chain.entries[0]).unwrap();
    assert_eq!(genesis.state(), None);
}

#[test]
fn a_mistake_in_a_file_is_told_by_its_line() {
    let live = Live::history();
    let (proof, _) = file(&live, "account/nobody");
    let text = proof.to_string();
    for (line, changed) in [
        (1, text.replacen("commons-proof/v1", "commons-proof/v2", 1)),
        (2, text.replacen("key account", "account", 1)),
        (
            4,
            text.replacen("\n\n", "\nff\n\n", 1).lines().take(3).chain(["ff"]).collect::<Vec<_>>().join("\n")
                + "\n",
        ),
    ] {
        match RecordProof::parse(changed.as_bytes()) {
            Err(BadRecordProof::Line { line: found, .. }) => assert_eq!(found, line),
            other => panic!("{line}: {other:?}"),
        }
    }
}
