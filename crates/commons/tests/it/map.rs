//! The map: its root says what it has and nothing else, and its proofs convince of what is true alone.

use std::collections::BTreeMap;

use proptest::prelude::*;
use troupe_chain::Hash;
use troupe_commons::map::{Found, Map, NotProved};

fn of(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Map {
    let mut map = Map::default();
    entries.iter().for_each(|(key, value)| map.insert(key, value.clone()));
    map
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    (0..40u8).prop_map(|n| vec![n])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_map_is_what_a_tree_of_the_standard_library_is(
        steps in prop::collection::vec((key(), proptest::option::of(0..3u8)), 0..120),
    ) {
        let (mut map, mut model) = (Map::default(), BTreeMap::new());
        for (key, value) in steps {
            let before = (map.clone(), model.clone());
            match value {
                Some(value) => {
                    map.insert(&key, vec![value]);
                    model.insert(key, vec![value]);
                }
                None => prop_assert_eq!(map.remove(&key), model.remove(&key).is_some()),
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert_eq!(before.0.root(), of(&before.1).root(), "a snapshot stays as it is");
        }
        prop_assert_eq!(map.root(), of(&model).root(), "the way does not matter");
        let mut found: Vec<_> = map.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        found.sort();
        prop_assert_eq!(found, model.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_differs_makes_the_one_of_the_other(
        before in prop::collection::btree_map(key(), prop::collection::vec(0..3u8, 1), 0..30),
        steps in prop::collection::vec((key(), proptest::option::of(0..3u8)), 0..10),
    ) {
        let before = of(&before);
        let mut after = before.clone();
        for (key, value) in steps {
            match value {
                Some(value) => after.insert(&key, vec![value]),
                None => drop(after.remove(&key)),
            }
        }
        let mut made = before.clone();
        let changes = after.since(&before);
        for (key, value) in &changes {
            prop_assert_ne!(before.get(key), *value, "only what differs");
            match value {
                Some(value) => made.insert(key, value.to_vec()),
                None => drop(made.remove(key)),
            }
        }
        prop_assert_eq!(made.root(), after.root());
    }

    #[test]
    fn every_key_is_proved_to_be_there_or_not(
        entries in prop::collection::btree_map(key(), prop::collection::vec(any::<u8>(), 0..4), 0..40),
        asked in key(),
        other in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let map = of(&entries);
        let mut proof = map.prove(&asked);
        prop_assert_eq!(proof.check(&map.root(), &asked), Ok(map.get(&asked)));
        // Nobody is convinced of another value, of another root, or by a changed way.
        let is_wrong = |result: Result<Option<&[u8]>, NotProved>| result.is_err();
        prop_assert!(is_wrong(proof.check(&Hash::of(b"another root"), &asked)));
        if !proof.siblings.is_empty() {
            let mut changed = proof.clone();
            changed.siblings[0] = Hash::of(b"another sibling");
            prop_assert!(is_wrong(changed.check(&map.root(), &asked)));
            changed.siblings.remove(0);
            prop_assert!(is_wrong(changed.check(&map.root(), &asked)));
        }
        if entries.get(&asked) != Some(&other) {
            proof.found = Found::Value(other);
            prop_assert!(is_wrong(proof.check(&map.root(), &asked)));
        }
        if entries.contains_key(&asked) {
            proof.found = Found::Nothing;
            prop_assert!(is_wrong(proof.check(&map.root(), &asked)));
            let (path, value) = (Hash::of(&asked), Hash::of(map.get(&asked).unwrap()));
            proof.found = Found::Other { path, value };
            prop_assert_eq!(proof.check(&map.root(), &asked), Err(NotProved::Elsewhere));
        }
    }
}

#[test]
fn a_way_longer_than_a_path_is_no_proof() {
    let map = of(&[(vec![1], vec![1])].into());
    let mut proof = map.prove(&[1]);
    proof.siblings = vec![Hash::of(b""); 257];
    assert_eq!(proof.check(&map.root(), &[1]), Err(NotProved::TooLong(257)));
}
