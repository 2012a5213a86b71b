//! The same code, limits and input come to the same, however and wherever they are run.

use std::process::Command;
use std::time::Duration;

use troupe_chain::{Hash, Machine, Nowhere, Outcome};
use troupe_component::{Allocation, Limits, Sandbox, SandboxConfig};
use troupe_testing::guests::{self, Denied};
use troupe_testing::{Call, Place, World};

use crate::common::{apply, context, load, sandbox, small, whole};

/// Asks a process of this test to print what everything came to.
const PRINT: &str = "TROUPE_TEST_PRINT";

/// Guests whose outcomes are the most likely to depend on the host.
fn suspects() -> Vec<Vec<u8>> {
    let mut suspects = Vec::new();
    for world in [World::Simple, World::Actor] {
        suspects.extend([
            guests::append(world),
            guests::counter(world),
            guests::endless_recursion(world),
            guests::memory_bomb(world, Denied::Traps),
            guests::memory_bomb(world, Denied::GoesOn),
            guests::table_bomb(world, Denied::Traps),
            guests::table_bomb(world, Denied::GoesOn),
            guests::huge_state(world, 1 << 20),
            guests::many_sends(world, 20, 10),
            guests::refuses(world, "no"),
            guests::lying_contract(world),
            guests::float_nan(world),
            guests::relaxed_simd(world),
            guests::trap_in(world, Place::PostReturn),
            guests::endless_loop_in(world, Place::Call(Call::StateContract)),
        ]);
    }
    suspects
}

/// Everything that the suspects come to, fuel included.
fn outcomes(sandbox: &Sandbox) -> Vec<String> {
    let mut outcomes = Vec::new();
    for limits in [small(), Limits { fuel: 3000, memory: 1 << 20, ..Limits::default() }] {
        for guest in suspects() {
            let guest = sandbox.load(&guest, &limits).unwrap();
            outcomes.push(whole(&Machine::init(&guest, &context(), &mut Nowhere, None)));
            for message in [&b"12345678"[..], b"!", b""] {
                outcomes.push(whole(&guest.apply(&context(), &mut Nowhere, message, b"8 bytes.")));
            }
        }
    }
    outcomes
}

fn long() -> Option<Duration> {
    Some(Duration::from_secs(600))
}

#[test]
fn allocator_deadline_and_cache_change_nothing() {
    let expected = outcomes(&sandbox(Allocation::OnDemand, None));
    let pooling = Allocation::Pooling { instances: 2 };
    let folder = tempfile::tempdir().unwrap();
    let cache = Some(folder.path().join("cache").into());
    let cached = SandboxConfig { allocation: pooling, cache, deadline: long(), ..SandboxConfig::default() };
    let sandboxes = [
        ("pooling", sandbox(pooling, None)),
        ("with a deadline", sandbox(Allocation::OnDemand, long())),
        ("into the cache", Sandbox::new(cached.clone())),
        ("from the cache", Sandbox::new(cached)),
    ];
    for (name, sandbox) in sandboxes {
        for (n, (expected, found)) in expected.iter().zip(outcomes(&sandbox)).enumerate() {
            assert_eq!(*expected, found, "{name}, {n}");
        }
    }
    assert!(folder.path().join("cache").read_dir().unwrap().count() > 20);
}

fn digest() -> String {
    Hash::of(outcomes(&sandbox(Allocation::Pooling { instances: 1 }, None)).concat().as_bytes()).to_string()
}

#[test]
fn another_process_comes_to_the_same() {
    if std::env::var_os(PRINT).is_some() {
        println!("\ndigest {}", digest());
        return;
    }
    let other = Command::new(std::env::current_exe().unwrap())
        .args(["determinism::another_process_comes_to_the_same", "--exact", "--nocapture"])
        .env(PRINT, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(other.stdout).unwrap();
    let theirs = text.lines().find_map(|line| line.strip_prefix("digest "));
    assert_eq!(theirs, Some(digest().as_str()), "{text}");
}

fn state(guest: &[u8]) -> Vec<u8> {
    let step = apply(&load(guest), b"m", b"s");
    let Outcome::Accepted(accepted) = step.outcome else { panic!("{step:?}") };
    accepted.state
}

#[test]
fn not_a_number_has_one_pattern_of_bits() {
    let mut expected = [0x7ff8_0000_0000_0000_u64.to_le_bytes(); 2].concat();
    expected.extend(0x7fc0_0000_u32.to_le_bytes());
    for world in World::ALL {
        assert_eq!(state(&guests::float_nan(world)), expected);
    }
}

#[test]
fn relaxed_simd_has_one_result() {
    // Multiplied and added in one, rounded once: 2^-46 in each lane.
    let expected = 2_f32.powi(-46).to_le_bytes().repeat(4);
    for world in World::ALL {
        assert_eq!(state(&guests::relaxed_simd(world)), expected);
    }
}
