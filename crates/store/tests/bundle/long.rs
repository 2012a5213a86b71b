//! A long chain, changed at random places.

use troupe_chain::{Hash, Sender, check_blobs, check_links};
use troupe_store::bundle::{Car, Folder};

use crate::forms::{car, folder_in_memory, sections};
use crate::tally::{Chain, Live, text};

const ENTRIES: usize = 10_000;
const SEED: u64 = 0x74_72_6f_75_70_65;

/// A small generator of numbers, the same on every machine.
struct Random(u64);

impl Random {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

fn long() -> Chain {
    let mut random = Random(SEED);
    let mut live = Live::start(Some(b"1"));
    while live.chain.entries.len() < ENTRIES {
        let n = live.chain.entries.len();
        let line = match random.below(10) {
            0 => format!("send to {n}"),
            1 => format!("refuse {n}"),
            2 => format!("quiet {n}"),
            _ => format!("add {n}"),
        };
        let from = match random.below(4) {
            0 => Sender::Did { did: text("did:key:z"), sig: text("s") },
            _ => Sender::Http { key: Some(Hash::of(line.as_bytes())) },
        };
        assert!(live.message(from, random.below(50) as u64, line.as_bytes()));
    }
    live.chain
}

#[test]
fn a_random_change_of_a_long_car_file_is_detected_where_it_is() {
    let good = car(&long());
    let all = sections(&good);
    assert_eq!(all.iter().filter(|section| section.is_entry).count(), ENTRIES);
    assert!(Car::open(good.clone()).is_ok());
    let mut random = Random(SEED);
    for _ in 0..60 {
        let section = &all[random.below(all.len())];
        let place = section.cid + 4 + random.below(section.end - section.cid - 4);
        let mut bad = good.clone();
        bad[place] ^= 1 << random.below(8);
        let error = Car::open(bad).expect_err("changed");
        assert!(error.is_false(), "{error}");
        assert_eq!(error.seq(), Some(section.seq), "{error}");
    }
}

#[test]
fn a_random_change_of_long_entries_is_detected_where_it_is() {
    let mut chain = long();
    let mut random = Random(SEED);
    for round in 0..200 {
        // A line may be cut and joined too, which the short chain tests.
        let seq = random.below(ENTRIES);
        let place = random.below(chain.entries[seq].len());
        let bit = 1 << random.below(8);
        chain.entries[seq][place] ^= bit;
        let error = check_links(&chain).expect_err("changed");
        assert!(error.is_false(), "{error}");
        assert_eq!(error.seq(), Some(seq as u64), "round {round}: {error}");
        chain.entries[seq][place] ^= bit;
    }
    assert!(check_links(&chain).is_ok());
}

#[test]
fn a_random_change_of_a_long_folder_is_detected() {
    let chain = long();
    let good = folder_in_memory(&chain);
    let paths: Vec<&String> = good.0.keys().collect();
    let mut random = Random(SEED);
    assert!(Folder::open(good.clone()).is_ok());
    for round in 0..12 {
        let mut bad = good.clone();
        let path = if round % 2 == 0 { "entries.ndjson" } else { paths[random.below(paths.len())] };
        let bytes = bad.0.get_mut(path).expect("a file");
        let place = random.below(bytes.len());
        bytes[place] ^= 1 << random.below(8);
        assert!(Folder::open(bad).expect_err("changed").is_false(), "{path}, byte {place}");
    }
    let mut blobs = chain.clone();
    let name = *chain.blobs.keys().nth(random.below(chain.blobs.len())).expect("a blob");
    blobs.blobs.insert(name, b"other".to_vec());
    assert!(check_blobs(&blobs).expect_err("changed").is_false());
}
