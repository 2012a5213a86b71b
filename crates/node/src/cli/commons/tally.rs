//! `troupe tally`: a vote counted again, from the chain and not from anybody's word.
//!
//! Invariant: what is said was replayed from genesis; ballots are counted here, and the sums that the chain has are compared.

use std::collections::BTreeMap;

use serde_json::json;
use troupe_chain::{CannotCheck, Hash, History, Machine, NotVerified, Once, Replayer};
use troupe_commons::governance::{
    self, Ballot, Proposal, Stage, Tally as Counted, instant_runoff, passes, recount,
};
use troupe_commons::{Id, State};

use super::proposal::describe;
use crate::cli::failure::{Done, Failure};
use crate::cli::place::{NotOpened, Place, Source, Whose};
use crate::cli::progress;
use crate::cli::screen::{BAD, BOLD, GOOD, Screen, count};
use crate::cli::verify;

/// Count a vote again, from the chain itself
///
/// All of the chain is replayed, every signature checked, and the ballots are counted here. Exit code 0 if that comes to
/// what the chain says, 1 if the chain is false, 2 if it could not be counted.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe tally PROPOSAL\n  \
    troupe tally PROPOSAL --from commons.car\n  \
    troupe export commons -o commons.car && troupe tally PROPOSAL --from commons.car --json")]
pub(crate) struct Tally {
    /// The proposal's id
    proposal: Id,
    /// Where the chain is: an export, a store, the URL of a node or an actor, or the name of an actor of the node
    #[arg(long, value_name = "FILE.car|FOLDER|STORE|URL|ACTOR", default_value = troupe::commons::NAME, alias = "bundle")]
    from: String,
    #[command(flatten)]
    whose: Whose,
}

pub(in crate::cli) fn tally(screen: &Screen, command: &Tally) -> Done {
    let place = &command.from;
    let source = match Place::find(place)?.open(screen, &command.whose) {
        Ok(source) => source,
        Err(NotOpened::Cannot(failure)) => return Err(failure),
        Err(NotOpened::False(error)) => return Err(Failure::is_false(format_args!("{place}: {error}"))),
    };
    let state = replayed(screen, &source).map_err(|fault| match fault {
        Fault::False(what) => Failure::is_false(format_args!("{place}: {what}")),
        Fault::Cannot(what) => Failure::cannot(format_args!("{place}: {what}")),
    })?;
    let proposal = governance::proposal(&state, command.proposal);
    let proposal = proposal.ok_or_else(|| {
        Failure::cannot(format_args!(
            "the chain has no proposal {} by seq {}",
            command.proposal,
            source.seq()
        ))
        .help("`troupe proposal list` lists those there are")
    })?;
    let ballots = governance::ballots(&state, command.proposal);
    let counted = recount(ballots.values());
    let same = counted == proposal.tally;
    show(screen, command, &source, &proposal, (&ballots, &counted))?;
    if same {
        Ok(())
    } else {
        Err(Failure::is_false("the chain says another tally than its ballots come to"))
    }
}

/// Why there is no state to count in.
enum Fault {
    False(String),
    Cannot(String),
}

impl From<NotVerified> for Fault {
    fn from(error: NotVerified) -> Self {
        match error.is_false() {
            true => Self::False(error.to_string()),
            false => Self::Cannot(error.to_string()),
        }
    }
}

/// Replays a chain from genesis; what its last state names.
fn replayed(screen: &Screen, source: &Source) -> Result<State, Fault> {
    let cannot = |error: CannotCheck| Fault::from(NotVerified::from(error));
    let machines = verify::machines(screen);
    let mut entries = source.entries();
    let genesis = entries.next().ok_or(CannotCheck::Empty).map_err(cannot)?;
    let genesis = genesis.map_err(|error| cannot(error.into()))?;
    let mut replayer = Replayer::begin(source, &machines, &genesis)?;
    let mut once = Once::default();
    let bar = progress::bar(screen, "replaying", Some(source.seq()));
    for bytes in entries {
        let bytes = bytes.map_err(|error| cannot(error.into()))?;
        let seq = replayer.tip().seq + 1;
        let missing = |field, name: &Hash| CannotCheck::MissingBlob { seq, field, name: *name };
        let entry = replayer.step(&bytes, |field, name| source.blob(name)?.ok_or(missing(field, name)))?;
        once.check(&entry).map_err(|what| NotVerified::Origin { seq, what })?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (tip, state, machine) = replayer.into_parts();
    if tip.entry != source.head() {
        return Err(NotVerified::Head { seq: tip.seq, expected: source.head(), found: tip.entry }.into());
    }
    let held = machine.held(&state);
    let state = held.as_ref().and_then(|held| held.downcast_ref::<State>());
    state.cloned().ok_or_else(|| Fault::Cannot("it is the chain of no commons".into()))
}

fn show(
    screen: &Screen,
    command: &Tally,
    source: &Source,
    proposal: &Proposal,
    (ballots, counted): (&BTreeMap<String, Ballot>, &Counted),
) -> Done {
    let motion = &proposal.motion;
    let terms = proposal.stage.terms();
    let would = terms.map(|terms| match motion.options.is_empty() {
        true => match passes(counted, terms.electorate, motion.quorum, motion.threshold) {
            true => "passes".to_owned(),
            false => "does not pass".to_owned(),
        },
        false => instant_runoff(&motion.options, counted)
            .map_or_else(|| "chooses nothing".to_owned(), |winner| format!("chooses {winner}")),
    });
    let same = *counted == proposal.tally;
    if screen.json {
        return Ok(screen.json(&json!({
            "proposal": command.proposal, "chain": source.chain().to_string(), "seq": source.seq(),
            "head": source.head().to_string(), "tally": counted, "ballots": ballots.len(), "same": same,
            "stage": proposal.stage.name(), "electorate": terms.map(|terms| terms.electorate), "result": would,
        }))?);
    }
    let (style, word) = if same { (GOOD, "counted") } else { (BAD, "FALSE") };
    screen.line(format_args!(
        "{style}{word}{style:#} {BOLD}{}{BOLD:#}, from {} entries",
        describe(&motion.action),
        count(source.seq() + 1)
    ))?;
    screen.head(source.head(), source.seq())?;
    for (choice, votes) in counted {
        screen.field(choice, count(*votes))?;
    }
    if let Some(terms) = terms {
        let (voted, of) = (count(ballots.len() as u64), count(terms.electorate));
        screen.field("voted", format_args!("{voted} of {of}"))?;
    }
    if let Some(would) = would {
        let open = matches!(proposal.stage, Stage::Open { .. });
        screen.field("result", if open { format!("{would}, if nobody else votes") } else { would })?;
    }
    Ok(screen.field("stage", proposal.stage.name())?)
}
