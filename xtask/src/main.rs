//! The repository's own tasks: `cargo xtask TASK`.

mod actors;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

tasks:
  actors [--check] [--skip-if-unavailable]
      Rebuilds the components of the example actors; with --check, says whether the committed ones are what
      their sources give. With --skip-if-unavailable it is no failure that the compiler cannot be had.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["actors", options @ ..] => actors::run(options),
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
