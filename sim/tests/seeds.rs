//! What holds for every seed.

use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_thousand_seeds_hold() {
    let (next, crashes, taken) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= 1000 {
                        break;
                    }
                    match std::panic::catch_unwind(|| troupe_sim::run(seed)) {
                        Ok(Ok(report)) => {
                            crashes.fetch_add(report.crashes, Ordering::Relaxed);
                            taken.fetch_add(report.taken, Ordering::Relaxed);
                        }
                        Ok(Err(why)) => {
                            panic!("{why}\nto see it again: cargo run -p troupe-sim -- --seed {seed}")
                        }
                        Err(_) => panic!("to see it again: cargo run -p troupe-sim -- --seed {seed}"),
                    }
                }
            });
        }
    });
    // That something happened at all.
    assert!(crashes.into_inner() > 1500 && taken.into_inner() > 5000);
}

#[test]
fn the_same_seed_comes_to_the_same_chains() {
    for seed in [3, 500, 12_345] {
        assert_eq!(troupe_sim::run(seed), troupe_sim::run(seed));
    }
    assert_ne!(
        troupe_sim::run(1).map(|report| report.chains),
        troupe_sim::run(2).map(|report| report.chains)
    );
}
