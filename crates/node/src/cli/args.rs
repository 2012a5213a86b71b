//! The arguments that every command has, and the list of commands.

use clap::{Parser, Subcommand, ValueEnum};

use super::{
    accuse, bench, bisect, branch, build, cache, check, check_proof, checkpoint, commons, completions,
    config, dag, debug, demo, dev, diff, export, follow, follow_log, id, import, inspect, key, log, new,
    prove, ps, redact, run, schema, send, serve, start, state, steer, test, token, top, ui, upgrade, verify,
    verify_proof, witness,
};

/// Runs WebAssembly components as actors whose whole history anyone can check.
#[derive(Parser)]
#[command(
    name = "troupe",
    version,
    max_term_width = 100,
    propagate_version = true,
    after_help = "Begin with `troupe demo`.\n\n\
        Exit codes: 0 yes; 1 checked, and it is not so; 2 could not be done or checked, or wrong use."
)]
pub(super) struct Args {
    /// Print JSON, one value a line, for programs
    #[arg(long, global = true, help_heading = "Output")]
    pub(super) json: bool,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: Color,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    Demo(demo::Demo),
    New(new::New),
    Build(build::Build),
    Dev(dev::Dev),
    Run(run::Run),
    Serve(serve::Serve),
    Check(check::Check),
    Schema(schema::Schema),
    Test(test::Test),
    Start(start::Start),
    Ps(ps::Ps),
    Top(top::Top),
    Inspect(inspect::Inspect),
    Send(send::Send),
    Log(log::Log),
    State(state::State),
    Debug(debug::Debug),
    Logs(follow::Logs),
    Watch(follow::Watch),
    Verify(verify::Verify),
    Checkpoint(checkpoint::Checkpoint),
    Prove(prove::Prove),
    VerifyProof(verify_proof::VerifyProof),
    Follow(verify::follow::Follow),
    Diff(diff::Diff),
    Bisect(bisect::Bisect),
    Accuse(accuse::Accuse),
    CheckProof(check_proof::CheckProof),
    Witness(witness::Witness),
    FollowLog(follow_log::FollowLog),
    Export(export::Export),
    Import(import::Import),
    Ui(ui::Ui),
    Pause(steer::Pause),
    Resume(steer::Resume),
    Stop(steer::Stop),
    Remove(steer::Remove),
    Upgrade(upgrade::Upgrade),
    Fork(branch::Fork),
    Rewind(branch::Rewind),
    Commons(commons::Commons),
    Mana(commons::mana::Mana),
    Propose(commons::propose::Propose),
    Proposal(commons::proposal::Proposal),
    Vote(commons::vote::Vote),
    Delegate(commons::vote::Delegate),
    Tally(commons::tally::Tally),
    Execute(commons::vote::Execute),
    Member(commons::member::Member),
    Trust(commons::trust::Trust),
    Redact(redact::Redact),
    Config(config::Config),
    Job(commons::job::Job),
    Dag(dag::Dag),
    Id(id::Id),
    Key(key::Key),
    Token(token::Token),
    Cache(cache::Cache),
    Bench(bench::Bench),
    Completions(completions::Completions),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    pub(super) fn write_global(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_flag_takes_the_same_kind_of_value_in_every_command() {
        /// Of an actor and of a node, of a history and of a commons: another thing, and no other name is as short.
        const DIFFER: [&str; 6] = ["config", "from", "limit", "quorum", "replay", "scope"];
        fn collect(command: &clap::Command, seen: &mut BTreeMap<String, BTreeSet<String>>) {
            for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
                if !arg.get_action().takes_values() {
                    continue;
                }
                let value = arg.get_value_names().unwrap_or_default().join(" ").replace("|none", "");
                let names = arg.get_long_and_visible_aliases().unwrap_or_default();
                for name in names.into_iter().filter(|name| !DIFFER.contains(name)) {
                    seen.entry(name.to_owned()).or_default().insert(value.clone());
                }
            }
            command.get_subcommands().for_each(|command| collect(command, seen));
        }
        let mut seen = BTreeMap::new();
        collect(&Args::command(), &mut seen);
        seen.retain(|_, values| values.len() > 1);
        assert_eq!(seen, BTreeMap::new());
    }

    #[test]
    fn every_command_shows_examples() {
        fn check(command: &clap::Command) {
            for command in command.get_subcommands() {
                let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(examples.contains("Examples:"), "{}", command.get_name());
                check(command);
            }
        }
        check(&Args::command());
    }
}
