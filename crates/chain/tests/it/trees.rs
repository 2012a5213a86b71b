//! Merkle trees: known answers, another implementation for all pairs of sizes, and what no proof may show.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2_11::Sha256;
use troupe_chain::tree::{
    Frontier, MAX_TREE_SIZE, Nodes, NotProved, TreeHash, TreeHead, check_consistency, check_inclusion,
    frontier, inner_hashes, inner_position, prove_consistency, prove_inclusion, root,
};

/// The largest tree that is compared with another implementation.
const LARGEST: u64 = 256;

/// A tree as a store keeps it: leaves, and the list of complete nodes above them.
#[derive(Default)]
pub(crate) struct Kept {
    leaves: Vec<TreeHash>,
    inner: Vec<TreeHash>,
    frontier: Frontier,
}

impl Kept {
    pub(crate) fn push(&mut self, leaf: TreeHash) {
        self.leaves.push(leaf);
        self.frontier.push(leaf, |node| self.inner.push(node));
    }

    fn of(size: u64, data: impl Fn(u64) -> Vec<u8>) -> Self {
        let mut tree = Self::default();
        (0..size).for_each(|leaf| tree.push(TreeHash::of_leaf(&data(leaf))));
        tree
    }

    pub(crate) fn head(&self, size: u64) -> TreeHead {
        TreeHead { size, root: root(self, size).expect("kept") }
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Vec<TreeHash> {
        prove_inclusion(self, index, size).expect("kept").expect("within")
    }

    pub(crate) fn consistency(&self, before: u64, size: u64) -> Vec<TreeHash> {
        prove_consistency(self, before, size).expect("kept").expect("within")
    }
}

impl Nodes for Kept {
    type Error = String;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, String> {
        let hash = match inner_position(level, index) {
            None => self.leaves.get(index as usize),
            Some(position) => self.inner.get(position as usize),
        };
        hash.copied().ok_or_else(|| format!("no node {index} of level {level}"))
    }
}

fn hash(hex: &str) -> TreeHash {
    TreeHash::from_hex(hex.as_bytes()).expect("hex")
}

/// The leaves that implementations of Certificate Transparency test with (`transparency-dev/merkle`, `testonly`).
fn known_leaf(index: u64) -> Vec<u8> {
    let leaves: [&[u8]; 8] = [
        b"",
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];
    leaves[index as usize].to_vec()
}

/// Their roots, from 0 leaves on.
const KNOWN_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn roots_are_those_that_certificate_transparency_knows() {
    let tree = Kept::of(8, known_leaf);
    for (size, known) in KNOWN_ROOTS.iter().enumerate() {
        assert_eq!(tree.head(size as u64).root.to_hex(), *known, "{size} leaves");
    }
    assert_eq!(TreeHead::empty().root.to_hex(), KNOWN_ROOTS[0]);
}

#[test]
fn proofs_are_those_that_certificate_transparency_knows() {
    let tree = Kept::of(8, known_leaf);
    let hashes = |list: &[&str]| list.iter().map(|hex| hash(hex)).collect::<Vec<_>>();
    let six_to_eight = hashes(&[
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    assert_eq!(tree.consistency(6, 8), six_to_eight);
    let two_to_five = hashes(&[
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]);
    assert_eq!(tree.consistency(2, 5), two_to_five);
    let third_of_three = hashes(&["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
    assert_eq!(tree.inclusion(2, 3), third_of_three);
}

#[test]
fn the_seven_leaves_of_the_rfc_have_the_proofs_that_it_draws() {
    // RFC 6962, section 2.1.3: leaves d0 to d6, and nodes a to l, named from below and from the left.
    let tree = Kept::of(7, |leaf| vec![leaf as u8]);
    let node = |level, index| tree.node(level, index).expect("complete");
    let [b, c, d, f, j] = [node(0, 1), node(0, 2), node(0, 3), node(0, 5), node(0, 6)];
    let [g, h, i] = [node(1, 0), node(1, 1), node(1, 2)];
    let (k, l) = (node(2, 0), TreeHash::of_children(&i, &j));
    assert_eq!(tree.inclusion(0, 7), [b, h, l]);
    assert_eq!(tree.inclusion(3, 7), [c, g, l]);
    assert_eq!(tree.inclusion(4, 7), [f, j, k]);
    assert_eq!(tree.inclusion(6, 7), [i, k]);
    assert_eq!(tree.consistency(3, 7), [c, d, g, l]);
    assert_eq!(tree.consistency(4, 7), [l]);
    assert_eq!(tree.consistency(6, 7), [i, j, k]);
}

#[test]
fn another_implementation_makes_the_same_proofs_and_believes_ours_for_every_pair_of_sizes() {
    let data = |leaf: u64| leaf.to_be_bytes().to_vec();
    let ours = Kept::of(LARGEST, data);
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let bytes = |proof: &[TreeHash]| proof.iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<u8>>();
    let their_root = |head: &TreeHead| RootHash::<Sha256>::new((*head.root.as_bytes()).into(), head.size);
    for size in 1..=LARGEST {
        theirs.push(data(size - 1));
        let head = ours.head(size);
        assert_eq!(head.root.as_bytes(), theirs.root().as_bytes().as_slice(), "{size} leaves");
        for index in 0..size {
            let proof = ours.inclusion(index, size);
            let their_proof = theirs.prove_inclusion(index as usize);
            assert_eq!(bytes(&proof), their_proof.as_bytes(), "leaf {index} of {size}");
            assert_eq!(check_inclusion(&TreeHash::of_leaf(&data(index)), index, &head, &proof), Ok(()));
            let given = InclusionProof::<Sha256>::from_bytes(bytes(&proof));
            their_root(&head).verify_inclusion(&data(index), index, &given).expect("ours is theirs");
        }
        for before in 0..=size {
            let proof = ours.consistency(before, size);
            assert_eq!(check_consistency(&ours.head(before), &head, &proof), Ok(()), "{before} to {size}");
            if before > 0 && before < size {
                let their_proof = theirs.prove_consistency((size - before) as usize);
                assert_eq!(bytes(&proof), their_proof.as_bytes(), "{before} to {size}");
                let given = ConsistencyProof::<Sha256>::try_from_bytes(bytes(&proof)).expect("hashes");
                let older = their_root(&ours.head(before));
                their_root(&head).verify_consistency(&older, &given).expect("ours is theirs");
            }
        }
    }
}

#[test]
fn a_tree_goes_on_from_any_size_as_if_it_had_never_stopped() {
    let whole = Kept::of(200, |leaf| leaf.to_be_bytes().to_vec());
    for size in 0..200 {
        let mut edge = frontier(&whole, size).expect("kept");
        assert_eq!(edge.head(), whole.head(size));
        let mut at = inner_hashes(size) as usize;
        for leaf in size..200 {
            edge.push(whole.leaves[leaf as usize], |node| {
                assert_eq!(node, whole.inner[at]);
                at += 1;
            });
        }
        assert_eq!((edge.head(), at), (whole.head(200), whole.inner.len()));
    }
    assert_eq!(Frontier::new(3, vec![TreeHash::of_nothing()]), None);
}

#[test]
fn what_is_beyond_a_tree_has_no_proof() {
    let tree = Kept::of(5, known_leaf);
    assert!(prove_inclusion(&tree, 5, 5).expect("read").is_err());
    assert!(prove_consistency(&tree, 6, 5).expect("read").is_err());
    let head = tree.head(5);
    let leaf = TreeHash::of_leaf(&known_leaf(4));
    let out = NotProved::OutOfTree { part: 5, size: 5 };
    assert_eq!(check_inclusion(&leaf, 5, &head, &tree.inclusion(4, 5)), Err(out));
    assert!(check_consistency(&TreeHead { size: 6, ..head }, &head, &[]).is_err());
    let huge = TreeHead { size: MAX_TREE_SIZE + 1, root: leaf };
    assert!(check_inclusion(&leaf, 0, &huge, &[leaf; 64]).is_err());
    assert!(check_consistency(&head, &huge, &[leaf; 64]).is_err());
    let largest = TreeHead { size: MAX_TREE_SIZE, root: leaf };
    assert!(check_inclusion(&leaf, MAX_TREE_SIZE - 1, &largest, &[leaf; 62]).is_err());
}

#[test]
fn a_tree_of_the_same_size_and_another_root_is_not_consistent() {
    let tree = Kept::of(5, known_leaf);
    let other = TreeHead { root: TreeHash::of_leaf(b"other"), ..tree.head(5) };
    assert!(check_consistency(&other, &tree.head(5), &[]).is_err());
    assert!(check_consistency(&TreeHead { size: 0, ..other }, &tree.head(5), &[]).is_err());
    assert!(check_consistency(&tree.head(0), &tree.head(5), &tree.inclusion(0, 5)).is_err());
}
