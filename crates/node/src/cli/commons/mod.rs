//! The commons on the command line: a cooperative's members, mana, proposals and trust, over HTTP.
//!
//! Invariant: a secret key never leaves this process, and what it signs is for one chain, one number and a short time.

mod act;
pub(super) mod begin;
pub(super) mod job;
pub(super) mod mana;
pub(super) mod member;
pub(super) mod proposal;
pub(super) mod propose;
pub(super) mod prove;
mod show;
pub(super) mod tally;
pub(super) mod trust;
pub(super) mod vote;

use begin::Begin;
use show::{Members, Parameters, Show};

use super::failure::Done;
use super::screen::Screen;

/// Begin and look into a commons
///
/// A commons is the book of a cooperative: who its members are, what mana they have, what they vote on. Every entry of it
/// is signed by a member, and whoever replays it gets every number.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe commons begin charter.toml --as ada\n  \
    troupe commons show\n  \
    troupe commons members --json | jq -r .did")]
pub(crate) struct Commons {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Begin(Begin),
    Show(Show),
    Members(Members),
    Parameters(Parameters),
}

pub(super) fn commons(screen: &Screen, command: &Commons) -> Done {
    match &command.command {
        Command::Begin(command) => begin::begin(screen, command),
        Command::Show(command) => show::show(screen, command),
        Command::Members(command) => show::members(screen, command),
        Command::Parameters(command) => show::parameters(screen, command),
    }
}
