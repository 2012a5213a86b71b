//! `troupe redact`: payloads that are taken back, of a running node, of a store, or of an exported history.

mod bundle;
mod offline;

use clap::Subcommand;
use serde_json::json;
use troupe_api::{ListedRedaction, RedactActor, RedactedActor};
use troupe_chain::{Text, Timestamp};

use super::failure::{Done, Failure};
use super::node::explain;
use super::parse::utc;
use super::place::{Place, Source, Whose};
use super::screen::{BOLD, DIM, GOOD, Screen, WARN, plural, short, size};
use super::table::{Align, Table};

/// Erase or withhold what an actor was told, while its chain stays as it is
///
/// The chain names payloads by hash: entries, links and every proof stay valid without the bytes. Whoever replays the
/// history is told which entries could not be replayed, and why. What is still guessed easily can be found out by its
/// hash; docs/spec/redaction.md says what is out of reach.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe redact erase counter 17 --message --reason 'asked for by the customer'\n  \
    troupe redact list counter")]
pub(crate) struct Redact {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Overwrite payloads for good, in every copy that the store or the exported history has
    ///
    /// The state that the actor goes on from cannot be erased: send a message first that takes the data out of it. States
    /// before it that hold the data are erased by naming their entries: SEQ..SEQ.
    #[command(after_help = "Examples:\n  \
        troupe redact erase counter 17 --message --reason 'asked for by the customer'\n  \
        troupe redact erase counter 17..25 --reason 'asked for by the customer' --everywhere\n  \
        troupe redact erase troupe.store 17 --actor counter --reply --reason 'a secret'\n  \
        troupe redact erase counter.car 17..25 --reason 'asked for by the customer'")]
    Erase(Erase),
    /// Keep payloads, and hand them out only to whoever may manage the node
    #[command(after_help = "Examples:\n  \
        troupe redact withhold counter 17 --message --reason 'under review'")]
    Withhold(Withhold),
    /// Hand out again what was withheld
    #[command(after_help = "Examples:\n  \
        troupe redact release counter 17")]
    Release(Withhold),
    /// List what was erased or is withheld
    #[command(after_help = "Examples:\n  \
        troupe redact list counter\n  \
        troupe redact list counter.car --json | jq -r .kind")]
    List(List),
}

#[derive(clap::Args)]
struct Erase {
    #[command(flatten)]
    withhold: Withhold,
    /// Erase the same bytes of all other actors of the node or store, too
    #[arg(long)]
    everywhere: bool,
}

#[derive(clap::Args)]
struct Withhold {
    /// The name of an actor of the node, its URL, the folder of a store, or an exported history
    #[arg(value_name = "ACTOR|URL|STORE|BUNDLE")]
    place: String,
    /// The position of an entry, or of the first and the last of several
    #[arg(value_name = "SEQ|SEQ..SEQ", value_parser = range)]
    entries: (u64, u64),
    #[command(flatten)]
    which: Which,
    /// Why, for whoever finds that they are not there: up to 256 characters of plain text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// Which payloads; all without any.
#[derive(clap::Args)]
struct Which {
    /// The message
    #[arg(long)]
    message: bool,
    /// The state that the entry led to, where it is kept
    #[arg(long)]
    state: bool,
    /// The reply
    #[arg(long)]
    reply: bool,
    /// What was asked of the outside, and its answers
    #[arg(long)]
    calls: bool,
    /// What was sent to others
    #[arg(long)]
    effects: bool,
}

#[derive(clap::Args)]
struct List {
    /// The name of an actor of the node, its URL, the folder of a store, or an exported history
    #[arg(value_name = "ACTOR|URL|STORE|BUNDLE")]
    place: String,
    #[command(flatten)]
    whose: Whose,
}

impl Which {
    fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        for (is_wanted, names) in [
            (self.message, &["message"][..]),
            (self.state, &["state", "fork.state"]),
            (self.reply, &["reply"]),
            (self.calls, &["calls.in", "calls.out"]),
            (self.effects, &["effects.message"]),
        ] {
            if is_wanted {
                fields.extend(names.iter().map(|name| (*name).to_owned()));
            }
        }
        fields
    }
}

/// Reads `SEQ` or `SEQ..SEQ`, both ends included.
fn range(text: &str) -> Result<(u64, u64), String> {
    let number =
        |part: &str| part.parse::<u64>().map_err(|_| "expected SEQ or SEQ..SEQ, such as 17 or 17..25");
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    if from > to { Err(format!("{from} comes after {to}")) } else { Ok((from, to)) }
}

pub(super) fn redact(screen: &Screen, command: &Redact) -> Done {
    match &command.task {
        Task::Erase(erase) => change(screen, "erase", &erase.withhold, erase.everywhere),
        Task::Withhold(withhold) => change(screen, "withhold", withhold, false),
        Task::Release(release) => change(screen, "release", release, false),
        Task::List(list) => self::list(screen, list),
    }
}

fn change(screen: &Screen, what: &str, command: &Withhold, everywhere: bool) -> Done {
    let reason = match (&command.reason, what) {
        (Some(reason), _) => reason.clone(),
        (None, "release") => "released".to_owned(),
        (None, _) => {
            return Err(Failure::cannot("why is not said")
                .help("--reason TEXT: whoever finds that it is not there reads it"));
        }
    };
    Text::new(reason.clone()).map_err(|error| Failure::cannot(format_args!("--reason: {error}")))?;
    let asked = RedactActor {
        r#do: what.to_owned(),
        from: command.entries.0,
        to: Some(command.entries.1),
        fields: command.which.fields(),
        reason: Some(reason),
        everywhere,
    };
    let told = match Place::find(&command.place)? {
        Place::Store(path) => offline::redact(screen, &path, command.whose.actor.as_deref(), &asked)?,
        Place::Bundle(path) if what == "erase" => bundle::erase(&path, &asked)?,
        Place::Bundle(_) => {
            return Err(Failure::cannot("an exported history has no readers to withhold from").help(
                "`troupe export` leaves out what is withheld; `troupe redact erase` takes it out of a file",
            ));
        }
        place @ (Place::Url(_) | Place::Actor(_)) => match open(screen, &place, command)? {
            Source::Remote(remote) => remote.client().redact(&asked).map_err(|error| explain(&error))?,
            _ => return Err(Failure::cannot("this is no actor of a node")),
        },
    };
    say(screen, command, &told)
}

fn open(screen: &Screen, place: &Place, command: &Withhold) -> Result<Source, Failure> {
    place.open(screen, &command.whose).map_err(|error| error.into_failure(&command.place))
}

fn say(screen: &Screen, command: &Withhold, told: &RedactedActor) -> Done {
    if screen.json {
        return Ok(screen.json(&json!(told))?);
    }
    let RedactedActor { done, blobs, copies, bytes, snapshot, also, elsewhere } = told;
    let (from, to) = command.entries;
    let entries = if from == to { format!("entry {from}") } else { format!("entries {from} to {to}") };
    let place = &command.place;
    screen.line(format_args!(
        "{GOOD}{done}{GOOD:#} {BOLD}{place}{BOLD:#}: {} of {entries}",
        plural(blobs.len() as u64, "payload")
    ))?;
    for part in blobs {
        let of = part.seq.map_or(String::new(), |seq| format!("seq {seq} "));
        screen.field("", format_args!("{of}{} {DIM}{}{DIM:#}", part.field, short(&part.name)))?;
    }
    if done == "erased" {
        let what = if *copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") };
        screen.field("gone", format_args!("{what}, {}", size(*bytes)))?;
    }
    if let Some(seq) = snapshot {
        screen.field("goes on", format_args!("from the state at seq {seq}, which is stored"))?;
    }
    if !also.is_empty() {
        screen.field("also", format_args!("of {}", plural(also.len() as u64, "other actor")))?;
    }
    for actor in elsewhere {
        let what = "has the same bytes";
        screen.field(
            "left",
            format_args!("{WARN}{} {what}{WARN:#}: --everywhere erases them, too", short(actor)),
        )?;
    }
    Ok(())
}

fn list(screen: &Screen, command: &List) -> Done {
    let place = Place::find(&command.place)?;
    let source = place.open(screen, &command.whose).map_err(|error| error.into_failure(&command.place))?;
    let listed = match &source {
        Source::Remote(remote) => {
            let mut listed: Vec<ListedRedaction> = Vec::new();
            loop {
                let after = listed.last().map(|last| last.part.name.clone());
                let page = remote.client().redactions(after.as_deref()).map_err(|error| explain(&error))?;
                let is_last = page.next.is_none() || page.redactions.is_empty();
                listed.extend(page.redactions);
                if is_last {
                    break listed;
                }
            }
        }
        Source::Store(store, history) => offline::list(&**store, &history.chain())?,
        Source::Bundle(bundle) => bundle::list(bundle)?,
    };
    if screen.json {
        return listed.iter().try_for_each(|one| screen.json(&json!(one))).map_err(Failure::from);
    }
    if listed.is_empty() {
        return Ok(screen.line("nothing was redacted")?);
    }
    let mut table = Table::new(&[
        ("WHAT", Align::Left),
        ("SEQ", Align::Right),
        ("FIELD", Align::Left),
        ("NAME", Align::Left),
        ("WHEN", Align::Left),
        ("WHY", Align::Left),
    ]);
    for one in &listed {
        let seq = one.part.seq.map_or("-".to_owned(), |seq| seq.to_string());
        let field = if one.part.field.is_empty() { "-" } else { &one.part.field };
        let at = utc(Timestamp(one.at));
        let name = short(&one.part.name);
        table.row(vec![one.kind.clone(), seq, field.to_owned(), name, at, one.reason.clone()]);
    }
    table.print(screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_both_its_ends() {
        assert_eq!(range("17"), Ok((17, 17)));
        assert_eq!(range("17..25"), Ok((17, 25)));
        for bad in ["", "..", "a", "1..", "..2", "3..2", "1...2", "-1"] {
            assert!(range(bad).is_err(), "{bad}");
        }
    }
}
