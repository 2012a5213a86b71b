//! Mutated proofs: none is believed.

use troupe_chain::note::{
    Checkpoint, KeyKind, KeyName, LogProof, NodeLeaf, ProofFile, SecretKey, Trust, Untrue,
};
use troupe_chain::tree::{TreeHash, check_consistency, check_inclusion};
use troupe_chain::{Entry, Hash};

use crate::tally;
use crate::trees::Kept;

/// How many of each kind are tried; together more than 100,000.
const MUTATIONS: u64 = 60_000;
const FILE_MUTATIONS: u64 = 20_000;

/// A sequence of numbers that is the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Changes a proof in one of the ways in which a liar would.
fn mutate(random: &mut Random, proof: &mut Vec<TreeHash>) {
    let at = |random: &mut Random, length: usize| random.below(length.max(1) as u64) as usize;
    let place = at(random, proof.len());
    let foreign = TreeHash::of_leaf(&random.next().to_be_bytes());
    match random.below(6) {
        0 if !proof.is_empty() => {
            let mut bytes = *proof[place].as_bytes();
            bytes[at(random, 32)] ^= 1 << random.below(8);
            proof[place] = TreeHash::from_bytes(bytes);
        }
        1 if !proof.is_empty() => drop(proof.remove(place)),
        2 if proof.len() > 1 => {
            let other = (place + 1) % proof.len();
            proof.swap(place, other);
        }
        3 if !proof.is_empty() => proof.truncate(place),
        4 if !proof.is_empty() => proof.insert(place, proof[place]),
        _ => proof.insert(place, foreign),
    }
}

fn leaf(index: u64) -> TreeHash {
    TreeHash::of_leaf(&index.to_be_bytes())
}

fn tree(size: u64) -> Kept {
    let mut tree = Kept::default();
    (0..size).for_each(|index| tree.push(leaf(index)));
    tree
}

#[test]
fn no_mutated_proof_of_inclusion_is_believed() {
    let (tree, mut random) = (tree(300), Random(1));
    for _ in 0..MUTATIONS {
        let size = 1 + random.below(300);
        let index = random.below(size);
        let head = tree.head(size);
        let mut proof = tree.inclusion(index, size);
        assert_eq!(check_inclusion(&leaf(index), index, &head, &proof), Ok(()));
        // Another leaf, another place, or another way.
        let (mut given, mut place) = (leaf(index), index);
        match random.below(3) {
            0 => given = leaf(300 + random.below(300)),
            1 if size > 1 => place = (index + 1 + random.below(size - 1)) % size,
            _ => mutate(&mut random, &mut proof),
        }
        assert!(check_inclusion(&given, place, &head, &proof).is_err(), "leaf {index} of {size}: {proof:?}");
    }
}

#[test]
fn no_mutated_proof_of_consistency_is_believed() {
    let (tree, mut random) = (tree(300), Random(2));
    for _ in 0..MUTATIONS {
        let size = 2 + random.below(299);
        let before = 1 + random.below(size - 1);
        let (mut older, mut newer) = (tree.head(before), tree.head(size));
        let mut proof = tree.consistency(before, size);
        assert_eq!(check_consistency(&older, &newer, &proof), Ok(()));
        match random.below(3) {
            0 => older.root = leaf(random.next()),
            1 => newer.root = leaf(random.next()),
            _ => mutate(&mut random, &mut proof),
        }
        assert!(check_consistency(&older, &newer, &proof).is_err(), "{before} to {size}: {proof:?}");
    }
}

/// A node with two chains, one cosigning witness, and the proof of one entry.
pub(crate) fn file() -> (ProofFile, Trust) {
    let name = |text: &str| text.parse::<KeyName>().expect("a name");
    let node = SecretKey::from_seed(name("node.example/log"), KeyKind::Log, &[1; 32]);
    let witness = SecretKey::from_seed(name("witness.example"), KeyKind::Witness, &[2; 32]);
    let chain = tally::short();
    let entries = &chain.entries;
    let id = Hash::of(&entries[0]);
    let mut of_chain = Kept::default();
    entries.iter().for_each(|entry| of_chain.push(TreeHash::of_leaf(Hash::of(entry).as_bytes())));
    let (seq, size) = (2, entries.len() as u64);
    let head = of_chain.head(size);
    let mut of_node = Kept::default();
    of_node.push(NodeLeaf { chain: Hash::of(b"another"), head }.hash());
    of_node.push(NodeLeaf { chain: id, head }.hash());
    let mut signed = Checkpoint::new(node.public().name().clone(), of_node.head(2)).sign(&node);
    signed.add(witness.sign(&signed.note().text, 1_700_000_000));
    let checkpoint = Checkpoint::new(KeyName::of_chain(&id), head).sign(&node);
    let file = ProofFile {
        key: node.public().clone(),
        entry: entries[seq as usize].clone(),
        in_chain: LogProof { index: seq, hashes: of_chain.inclusion(seq, size), checkpoint },
        in_node: LogProof { index: 1, hashes: of_node.inclusion(1, 2), checkpoint: signed },
    };
    let witnesses = vec![witness.public().clone()];
    (file, Trust { node: node.public().clone(), witnesses, quorum: 1 })
}

#[test]
fn a_proof_file_shows_the_entry_offline_and_reads_back_as_it_was_written() {
    let (file, trust) = file();
    let text = file.to_string();
    assert_eq!(ProofFile::parse(text.as_bytes()), Ok(file.clone()));
    let proved = file.check(&trust).expect("true");
    assert_eq!(proved.name, Hash::of(&file.entry));
    assert_eq!(proved.entry, Entry::decode(&file.entry).expect("an entry"));
    assert_eq!(proved.witnesses, [("witness.example".parse().expect("a name"), 1_700_000_000)]);
}

#[test]
fn no_mutated_proof_file_is_believed() {
    let (file, trust) = file();
    let text = file.to_string().into_bytes();
    let mut random = Random(3);
    for _ in 0..FILE_MUTATIONS {
        let mut mutated = text.clone();
        let at = random.below(text.len() as u64) as usize;
        match random.below(4) {
            0 => mutated[at] ^= 1 << random.below(8),
            1 => drop(mutated.remove(at)),
            2 => mutated.insert(at, random.next() as u8),
            _ => mutated.truncate(at),
        }
        let believed = ProofFile::parse(&mutated).is_ok_and(|file| file.check(&trust).is_ok());
        assert!(mutated == text || !believed, "{}", String::from_utf8_lossy(&mutated));
    }
}

#[test]
fn a_proof_for_another_node_is_not_believed_nor_one_with_too_few_witnesses() {
    let (file, trust) = file();
    let other = SecretKey::from_seed(trust.node.name().clone(), KeyKind::Log, &[9; 32]);
    let of_other = Trust { node: other.public().clone(), ..trust.clone() };
    assert!(matches!(file.check(&of_other), Err(Untrue::Signature { .. })));
    let renamed = SecretKey::from_seed("other.example".parse().expect("a name"), KeyKind::Log, &[1; 32]);
    let of_renamed = Trust { node: renamed.public().clone(), ..trust.clone() };
    assert!(matches!(file.check(&of_renamed), Err(Untrue::Origin { .. })));
    // The same witness twice is one witness.
    let twice =
        Trust { witnesses: [trust.witnesses.clone(), trust.witnesses.clone()].concat(), quorum: 2, ..trust };
    assert_eq!(file.check(&twice).err(), Some(Untrue::Witnesses { got: 1, needed: 2 }));
}

#[test]
fn an_entry_does_not_stand_in_for_another_of_its_chain() {
    let (file, trust) = file();
    let mut moved = file.clone();
    moved.in_chain.index += 1;
    assert!(matches!(moved.check(&trust), Err(Untrue::Place { .. })));
    let mut other = file;
    other.entry = tally::fork().entries[2].clone();
    assert!(matches!(other.check(&trust), Err(Untrue::NotInChain(_))));
}
