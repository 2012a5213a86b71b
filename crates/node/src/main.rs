//! The binary `troupe`.

mod cli;

use std::process::ExitCode;

/// Messages are made on one thread and freed on another, all the time, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
