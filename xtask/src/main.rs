//! The repository's own tasks: `cargo xtask TASK`.

mod actors;
mod api_fuzz;
mod cache;
mod counters;
mod deny;
mod explorer;
mod fuzz;
mod python;
mod shell;
mod stock;
mod summary;
mod templates;
mod test;
mod third_party;
mod zig;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

tasks:
  test [--quick] [STEP…]
      Runs every check and test of the repository, installs what they need, and ends with a table of what ran and
      how long it took. With --quick, only the steps that take little time; with names, only those steps.
  fuzz [--seconds N] [TARGET…]
      Runs the fuzz targets, all of them unless some are named, for a minute each unless told otherwise.
  templates [LANG…] [guide]
      Makes a project in each language from an empty folder, builds it with tools that it installs into it, runs its
      tests, and sends its actor a message; then runs the guide with these tools.
  actors [--check] [--skip-if-unavailable] [NAME…]
      Rebuilds the components of the example actors and the module of the explorer's page (verifier), all of them
      unless some are named; with --check, says whether the committed ones are what their sources give. With --skip-if-unavailable it is no failure that the compiler cannot be had.
  counters
      Builds the counter of `sdk/counters` with the SDKs and without them, into `target/counters`, for
      `cargo bench -p troupe-bench -- sdk`.
  stock
      Tests the SDKs for JavaScript and Python, and builds the actor `stock` with each, into `target/stock`; the
      components must do what those of every language do. It installs the tools into the cache folder.
  third-party [NAME…]
      Builds or fetches components that were not written for this repository, runs them as actors and verifies their
      chains; those that are no actors must be refused with the reason.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["actors", options @ ..] => actors::run(options),
        ["counters"] => counters::run(),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["stock", options @ ..] => stock::run(options),
        ["templates", names @ ..] => templates::run(names),
        ["third-party", names @ ..] => third_party::run(names),
        ["test", options @ ..] => test::run(options),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
