//! The command line: what a person types, and what they see.
//!
//! Invariant: the exit code is 0 for yes, 1 for "checked, and it is not so", 2 for "could not be done or checked, or
//! wrong use". Results go to standard output, everything else to standard error, and nothing panics on a closed pipe.
//!
//! One file for each command; [`screen`] prints, [`failure`] is how a command ends badly, [`place`] finds the chain that
//! STORE, BUNDLE, URL or the name of an actor means, [`node`] talks to a running node, [`server`] is what `run` and
//! `serve` have in common.

mod accuse;
mod args;
mod begin;
mod bench;
mod bisect;
mod branch;
mod build;
mod cache;
mod check;
mod check_proof;
mod checkpoint;
mod code;
mod commons;
mod completions;
mod config;
mod contracts;
mod dag;
mod debug;
mod demo;
mod dev;
mod did;
mod diff;
mod differences;
mod executor;
mod export;
mod failure;
mod follow;
mod follow_log;
mod id;
mod import;
mod infer;
mod inspect;
mod key;
mod log;
mod new;
mod node;
mod origins;
mod parse;
mod passphrase;
mod place;
mod progress;
mod prove;
mod ps;
mod redact;
mod remote;
mod run;
mod schema;
mod screen;
mod send;
mod serve;
mod server;
mod signer;
mod signing;
mod sse;
mod start;
mod state;
mod steer;
mod table;
mod test;
mod token;
mod top;
mod ui;
mod upgrade;
mod verify;
mod verify_proof;
mod witness;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Done;
use screen::Screen;

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    args.color.write_global();
    let screen = Screen::new(args.json);
    let done = match args.command {
        Command::New(command) => new::new(&screen, &command),
        Command::Build(command) => build::build(&screen, &command),
        Command::Dev(command) => dev::dev(&screen, command),
        Command::Run(command) => run::run(&screen, command),
        Command::Serve(command) => serve::serve(&screen, command),
        Command::Start(command) => start::start(&screen, &command),
        Command::Ps(command) => ps::ps(&screen, &command),
        Command::Top(command) => top::top(&screen, &command),
        Command::Inspect(command) => inspect::inspect(&screen, &command),
        Command::Pause(command) => steer::pause(&screen, &command),
        Command::Resume(command) => steer::resume(&screen, &command),
        Command::Stop(command) => steer::stop(&screen, &command),
        Command::Remove(command) => steer::remove(&screen, &command),
        Command::Upgrade(command) => upgrade::upgrade(&screen, &command),
        Command::Fork(command) => branch::fork(&screen, &command),
        Command::Rewind(command) => branch::rewind(&screen, &command),
        Command::Logs(command) => follow::logs(&screen, &command),
        Command::Watch(command) => follow::watch(&screen, &command),
        Command::Demo(command) => demo::demo(&screen, &command),
        Command::Check(command) => check::check(&screen, &command),
        Command::Schema(command) => schema::schema(&screen, &command),
        Command::Test(command) => test::test(&screen, &command),
        Command::Send(command) => send::send(&screen, &command),
        Command::Log(command) => log::log(&screen, &command),
        Command::State(command) => state::state(&screen, &command),
        Command::Debug(command) => debug::debug(&screen, &command),
        Command::Verify(command) => verify::verify(&screen, command),
        Command::Checkpoint(command) => checkpoint::checkpoint(&screen, &command),
        Command::Prove(command) => prove::prove(&screen, &command),
        Command::VerifyProof(command) => verify_proof::verify_proof(&screen, &command),
        Command::Follow(command) => verify::follow::follow(&screen, command),
        Command::Diff(command) => diff::diff(&screen, &command),
        Command::Bisect(command) => bisect::bisect(&screen, &command),
        Command::Accuse(command) => accuse::accuse(&screen, &command),
        Command::CheckProof(command) => check_proof::check_proof(&screen, &command),
        Command::Witness(command) => witness::witness(&screen, command),
        Command::FollowLog(command) => follow_log::follow_log(&screen, &command),
        Command::Export(command) => export::export(&screen, &command),
        Command::Import(command) => import::import(&screen, &command),
        Command::Ui(command) => ui::ui(&screen, &command),
        Command::Commons(command) => commons::commons(&screen, &command),
        Command::Mana(command) => commons::mana::mana(&screen, &command),
        Command::Propose(command) => commons::propose::propose(&screen, &command),
        Command::Proposal(command) => commons::proposal::proposal(&screen, &command),
        Command::Vote(command) => commons::vote::vote(&screen, &command),
        Command::Delegate(command) => commons::vote::delegate(&screen, &command),
        Command::Tally(command) => commons::tally::tally(&screen, &command),
        Command::Execute(command) => commons::vote::execute(&screen, &command),
        Command::Member(command) => commons::member::member(&screen, &command),
        Command::Trust(command) => commons::trust::trust(&screen, &command),
        Command::Redact(command) => redact::redact(&screen, &command),
        Command::Config(command) => config::config(&screen, &command),
        Command::Job(command) => commons::job::job(&screen, &command),
        Command::Dag(command) => dag::dag(&screen, &command),
        Command::Id(command) => id::id(&screen, &command),
        Command::Key(command) => key::key(&screen, &command),
        Command::Token(command) => token::token(&screen, command),
        Command::Cache(command) => cache::cache(&screen, &command),
        Command::Bench(command) => bench::bench(&screen, &command),
        Command::Completions(command) => completions::completions(&screen, &command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&screen),
    }
}
