//! `troupe bisect`: the first entry in which two histories of an actor differ, and which of them is false there.
//!
//! An entry names the one before, so histories that differ somewhere differ from there on: halving finds the place in as
//! many steps as the length has binary digits. Deliberately absent: halving within one history. A false entry leaves those
//! after it true to the state that it claims, so that there is nothing to halve by, and `verify` replays all of it.

use serde_json::{Value, json};
use troupe::machines::AllMachines;
use troupe_chain::fraud::{NotShown, examine};
use troupe_chain::{Entry, Hash, History, NotVerified, first_difference};

use super::failure::{Done, Failure};
use super::place::{Place, Source, Whose};
use super::screen::{BAD, BOLD, GOOD, Screen, WARN, count, plural};
use super::verify;

/// Find the first entry in which two histories of an actor differ
///
/// Entries are compared by name, by halving, so that twenty comparisons do for a million entries. Then that one entry is
/// run again from what both agree on, and it is said whose is false.
///
/// Exit code 0 if the histories agree as far as both go, 1 if they differ, 2 if they could not be compared.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe bisect http://127.0.0.1:8080 mine.car\n  \
    troupe bisect counter.store http://127.0.0.1:8080\n  \
    troupe bisect theirs.car mine.car --json | jq .seq")]
pub(crate) struct Bisect {
    /// One history: a store, a CAR file or folder made by export, the URL of a node or an actor, or an actor's name
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR")]
    one: String,
    /// The other
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR")]
    other: String,
    #[command(flatten)]
    whose: Whose,
}

/// What running one entry again says of it.
enum Judged {
    True,
    False(Box<NotVerified>),
    Unknown(String),
}

pub(super) fn bisect(screen: &Screen, command: &Bisect) -> Done {
    let open = |place: &str| -> Result<Source, Failure> {
        let source = Place::find(place)?.open(screen, &command.whose);
        source.map_err(|error| error.into_failure(place))
    };
    let (one, other) = (open(&command.one)?, open(&command.other)?);
    if one.chain() != other.chain() {
        return Err(Failure::cannot("these are two actors, which differ from the beginning")
            .help("--actor NAME says which one of a store"));
    }
    let last = one.seq().min(other.seq());
    let mut steps = 0;
    let mut differ = |seq: u64| -> Result<bool, Failure> {
        steps += 1;
        Ok(one.name_at(seq)? != other.name_at(seq)?)
    };
    let found = if differ(last)? { Some(first_difference(0, last, differ)?) } else { None };
    let Some(seq) = found else {
        let what = format!("both have the same entry at seq {}", count(last));
        if screen.json {
            return Ok(screen.json(&json!({ "same": true, "to": last, "steps": steps }))?);
        }
        screen.line(format_args!("{GOOD}same{GOOD:#} as far as both go: {what}"))?;
        return Ok(());
    };
    let machines = verify::machines(screen);
    let judged = [(&command.one, &one), (&command.other, &other)]
        .map(|(place, source)| (place.as_str(), judge(source, seq, &machines)));
    show(screen, &one, seq, steps, judged)?;
    Err(Failure::said(1))
}

/// Runs one entry again, after those before it, which are checked to be a chain.
fn judge(source: &Source, seq: u64, machines: &AllMachines) -> Judged {
    let take = usize::try_from(seq).map_or(usize::MAX, |seq| seq.saturating_add(1));
    let entries: Result<Vec<_>, _> =
        source.entries().take(take).map(|entry| entry.map(|bytes| bytes.to_vec())).collect();
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return Judged::Unknown(error.to_string()),
    };
    match examine(&Blobs(source), source.chain(), &entries, machines) {
        Ok((_, fault)) => Judged::False(Box::new(fault)),
        Err(NotShown::True(_)) => Judged::True,
        Err(NotShown::Earlier { fault, .. }) => Judged::False(fault),
        Err(error) => Judged::Unknown(error.to_string()),
    }
}

/// The blobs of a source.
struct Blobs<'a>(&'a Source);

impl History for Blobs<'_> {
    type Bytes = Vec<u8>;

    fn head(&self) -> Hash {
        self.0.head()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Vec<u8>, troupe_chain::Unreadable>> {
        self.0.entries().map(|entry| entry.map(|bytes| bytes.to_vec()))
    }

    fn blob(&self, name: &Hash) -> Result<Option<Vec<u8>>, troupe_chain::Unreadable> {
        Ok(self.0.blob(name)?.map(|bytes| bytes.to_vec()))
    }

    fn has_results(&self) -> bool {
        false
    }
}

fn show(screen: &Screen, one: &Source, seq: u64, steps: u32, judged: [(&str, Judged); 2]) -> Done {
    if screen.json {
        let of = |(place, judged): &(&str, Judged)| {
            let (verified, reason) = match judged {
                Judged::True => (json!(true), Value::Null),
                Judged::False(fault) => (json!(false), fault.to_string().into()),
                Judged::Unknown(why) => (Value::Null, why.clone().into()),
            };
            json!({ "place": place, "verified": verified, "reason": reason })
        };
        let sides = judged.each_ref().map(of);
        return Ok(screen.json(&json!({ "same": false, "seq": seq, "steps": steps, "sides": sides }))?);
    }
    let kind = one.range(seq, seq)?.first().and_then(|bytes| Entry::decode(bytes).ok());
    let kind = kind.map_or("entry", |entry| entry.body.kind());
    let steps = plural(u64::from(steps), "comparison");
    screen.line(format_args!(
        "{BAD}differ{BAD:#} from seq {BOLD}{}{BOLD:#} on, a {kind}; found in {steps}",
        count(seq)
    ))?;
    for (place, judged) in judged {
        screen.line(match judged {
            Judged::True => format!("  {GOOD}true{GOOD:#}   {place}: its replay comes to the same"),
            Judged::False(fault) => format!("  {BAD}FALSE{BAD:#}  {place}: {fault}"),
            Judged::Unknown(why) => format!("  {WARN}?{WARN:#}      {place}: {why}"),
        })?;
    }
    Ok(())
}
