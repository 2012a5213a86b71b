//! `troupe job`: what members have run by each other.

mod ask;
mod receipt;
mod show;
mod submit;
mod watch;

use crate::cli::failure::Done;
use crate::cli::screen::Screen;

/// Submit jobs to the commons, watch them, and get their receipts
///
/// A job is a component or a core module, inputs, limits and a price. Executors bid, the best runs it on a chain of its own,
/// and its receipt is what `troupe verify` replays. What it may cost is held until it is settled.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe job submit primes.wasm input.json --price 10 --as ada\n  \
    troupe job list\n  \
    troupe job watch JOB\n  \
    troupe job receipt JOB -o job.receipt\n  \
    troupe verify job.receipt")]
pub(crate) struct Job {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Submit(Box<submit::Submit>),
    List(show::List),
    Show(show::Show),
    Watch(watch::Watch),
    Cancel(ask::Cancel),
    Accept(ask::Accept),
    Dispute(ask::Dispute),
    Receipt(receipt::Get),
}

pub(in crate::cli) fn job(screen: &Screen, command: &Job) -> Done {
    match &command.command {
        Command::Submit(command) => submit::submit(screen, command),
        Command::List(command) => show::list(screen, command),
        Command::Show(command) => show::show(screen, command),
        Command::Watch(command) => watch::watch(screen, command),
        Command::Cancel(command) => ask::cancel(screen, command),
        Command::Accept(command) => ask::accept(screen, command),
        Command::Dispute(command) => ask::dispute(screen, command),
        Command::Receipt(command) => receipt::get(screen, command),
    }
}

pub(in crate::cli) use receipt::{fetch, fetch_all};
pub(in crate::cli) use show::say_inputs;
