//! Runs simulations: `troupe-sim --seed N`, or `troupe-sim --seeds A..B`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => seed.parse().ok().map(|seed: u64| seed..seed + 1),
        ["--seeds", range] => {
            range.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?))
        }
        _ => None,
    };
    let Some(seeds) = seeds else {
        eprintln!("usage: troupe-sim --seed N | --seeds A..B");
        return ExitCode::from(2);
    };
    let mut failed = 0;
    for seed in seeds {
        match troupe_sim::run(seed) {
            Ok(report) => println!("seed {seed}: {report:?}"),
            Err(why) => {
                failed += 1;
                println!("seed {seed} FAILED: {why}");
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
