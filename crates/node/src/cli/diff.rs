//! `troupe diff`: what an entry says, beside what running it again comes to.

use bytes::Bytes;
use serde_json::{Value, json};
use troupe_api::Payload;
use troupe_chain::{
    Asked, Body, Divergence, Entry, Genesis, Hash, History, NotVerified, Outcome, Step, Tip, rerun,
};

use super::differences::differences;
use super::failure::{Done, Failure};
use super::place::{Place, Source, Whose};
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, excerpt_bytes, short};
use super::verify;

/// The most characters of a value that is shown whole.
const MAX_VALUE: usize = 200;

/// Show what an entry says beside what running it again comes to
///
/// The entry is run in the state that the one before names, with its recorded answers from outside; nothing else is
/// replayed. What it changed in the state is shown as well.
///
/// Exit code 0 if both are the same, 1 if not, 2 if it could not be run.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe diff counter 3\n  \
    troupe diff counter.store 3\n  \
    troupe diff http://127.0.0.1:8080 3 --json | jq .differs")]
pub(crate) struct Diff {
    /// The folder of a store, a CAR file or folder made by export, the URL of a node or an actor, or an actor's name
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR")]
    place: String,
    /// The entry's position
    seq: u64,
    #[command(flatten)]
    whose: Whose,
}

/// One thing that an entry says, as it says it and as it came out.
struct Aspect {
    name: &'static str,
    says: Value,
    got: Value,
}

impl Aspect {
    fn differs(&self) -> bool {
        self.says != self.got
    }
}

pub(super) fn diff(screen: &Screen, command: &Diff) -> Done {
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let source = source.map_err(|error| error.into_failure(&command.place))?;
    let Walked { genesis, before, entry } = walk(&source, command.seq)?;
    let changed = changed(&source, &before, &entry)?;
    let aspects = match rerun(&source, &verify::machines(screen), &genesis, &before, &entry) {
        Ok(Some(step)) => aspects(&source, &before, &entry, &step)?,
        Ok(None) => Vec::new(),
        Err(NotVerified::Diverged(divergence)) => {
            let Divergence { field, says, got, .. } = *divergence;
            vec![Aspect { name: field, says: says.into(), got: got.into() }]
        }
        Err(error) => return Err(Failure::cannot(error)),
    };
    show(screen, command, &entry, &changed, &aspects)?;
    if aspects.iter().any(Aspect::differs) { Err(Failure::said(1)) } else { Ok(()) }
}

/// A chain up to an entry.
struct Walked {
    genesis: Genesis,
    before: Tip,
    entry: Entry,
}

/// Checks the entries up to one, which say under which rules it runs.
fn walk(source: &Source, seq: u64) -> Result<Walked, Failure> {
    if seq == 0 || seq > source.seq() {
        let what = format!("nothing is run at seq {seq}: entries from 1 to {} are", source.seq());
        return Err(Failure::cannot(what));
    }
    let is_false = |error: troupe_chain::Broken| Failure::is_false(error);
    let mut entries = source.entries();
    let genesis = entries.next().ok_or_else(|| Failure::cannot("there are no entries"))?;
    let (mut tip, linked) = Tip::check_genesis(&genesis.map_err(Failure::cannot)?).map_err(is_false)?;
    let Body::Genesis(genesis) = linked.entry.body else {
        return Err(Failure::is_false("the first entry is no genesis"));
    };
    for bytes in entries {
        let (bytes, before) = (bytes.map_err(Failure::cannot)?, tip.clone());
        let (_, entry) = tip.check(&bytes).map_err(is_false)?;
        if entry.seq == seq {
            return Ok(Walked { genesis: *genesis, before, entry });
        }
    }
    Err(Failure::cannot(format_args!("there is no entry at seq {seq}")))
}

/// What an entry made of the state, as it says itself.
fn changed(source: &Source, before: &Tip, entry: &Entry) -> Result<Vec<String>, Failure> {
    let states = [before.state, entry.state()].map(|name| match name {
        Some(name) => source.blob(&name).map_err(Failure::cannot),
        None => Ok(None),
    });
    let [before, after] = states;
    Ok(match (before?, after?) {
        (Some(before), Some(after)) if before != after => differences(&value(&before), &value(&after)),
        _ => Vec::new(),
    })
}

/// Bytes as JSON where they are that, else as text, else in base64.
fn value(bytes: &[u8]) -> Value {
    match (serde_json::from_slice(bytes), std::str::from_utf8(bytes)) {
        (Ok(value), _) => value,
        (Err(_), Ok(text)) => text.into(),
        (Err(_), Err(_)) => Payload(bytes).to_value(),
    }
}

/// A blob that an entry names; its name alone where it is not kept.
fn named(source: &Source, name: Option<Hash>) -> Result<Value, Failure> {
    let Some(name) = name else { return Ok(Value::Null) };
    let blob: Option<Bytes> = source.blob(&name).map_err(Failure::cannot)?;
    Ok(match blob.filter(|blob| Hash::of(blob) == name) {
        Some(blob) => value(&blob),
        None => json!({ "not kept": name.to_string() }),
    })
}

fn aspects(source: &Source, before: &Tip, entry: &Entry, step: &Step) -> Result<Vec<Aspect>, Failure> {
    let aspect = |name, says, got| Aspect { name, says, got };
    let outcome = match &step.outcome {
        Outcome::Accepted(_) => "accepted".to_owned(),
        Outcome::Rejected(rejection) => format!("rejected: {rejection}"),
        Outcome::Failed(failed) => format!("failed: {}", failed.code),
    };
    let (accepted, reply) = match &step.outcome {
        Outcome::Accepted(accepted) => (Some(accepted), accepted.reply.as_ref()),
        _ => (None, None),
    };
    let (fuel, says_reply, says) = match &entry.body {
        Body::Init(init) => (init.fuel, None, "accepted".to_owned()),
        Body::Message(message) => (message.fuel, message.reply, "accepted".to_owned()),
        Body::Upgrade(upgrade) => (upgrade.fuel, None, "accepted".to_owned()),
        Body::Failure(failure) => (failure.fuel, None, format!("failed: {}", failure.error)),
        _ => return Ok(Vec::new()),
    };
    let mut all = vec![aspect("outcome", says.into(), outcome.into())];
    let state = match accepted {
        Some(accepted) => Some(Hash::of(&accepted.state)),
        None => before.state,
    };
    // By name, so that bytes which mean the same JSON are not taken for the same state.
    if state != entry.state() {
        let got = accepted.map_or(Value::Null, |accepted| value(&accepted.state));
        all.push(aspect("state", named(source, entry.state())?, got));
    }
    if reply.map(|reply| Hash::of(reply)) != says_reply {
        let got = reply.map_or(Value::Null, |reply| value(reply));
        all.push(aspect("reply", named(source, says_reply)?, got));
    }
    let asked = accepted.map_or(&[][..], |accepted| &accepted.effects);
    let says: Vec<_> = entry.body.effects().iter().map(ToString::to_string).collect();
    let got: Vec<_> = asked.iter().map(|asked: &Asked| asked.effect.to_string()).collect();
    all.push(aspect("effects", says.into(), got.into()));
    all.push(aspect("fuel", fuel.0.into(), step.fuel.0.into()));
    Ok(all)
}

fn show(screen: &Screen, command: &Diff, entry: &Entry, changed: &[String], aspects: &[Aspect]) -> Done {
    let same = !aspects.iter().any(Aspect::differs);
    if screen.json {
        let of = |aspect: &Aspect| json!({ "field": aspect.name, "says": aspect.says, "got": aspect.got });
        let differs: Vec<_> = aspects.iter().filter(|aspect| aspect.differs()).map(of).collect();
        return Ok(screen.json(&json!({
            "seq": entry.seq, "kind": entry.body.kind(), "same": same, "run": !aspects.is_empty(),
            "changed": changed, "differs": differs,
        }))?);
    }
    let (style, word) = match (same, aspects.is_empty()) {
        (true, true) => (WARN, "not run"),
        (true, false) => (GOOD, "same"),
        (false, _) => (BAD, "FALSE"),
    };
    let (place, name) = (&command.place, short(Hash::of(&entry.encode())));
    let (kind, seq) = (entry.body.kind(), entry.seq);
    screen.line(format_args!("{style}{word}{style:#} {BOLD}{place}{BOLD:#}: {kind} {name} at seq {seq}"))?;
    for (at, line) in changed.iter().enumerate() {
        screen.field(if at == 0 { "changed" } else { "" }, line)?;
    }
    for aspect in aspects.iter().filter(|aspect| aspect.differs()) {
        let shown = |value: &Value| excerpt_bytes(value.to_string().as_bytes(), MAX_VALUE);
        screen.field(aspect.name, format_args!("{DIM}the chain says → the replay got{DIM:#}"))?;
        let lines = differences(&aspect.says, &aspect.got);
        if lines.is_empty() {
            screen.field("", format_args!("{} → {}", shown(&aspect.says), shown(&aspect.got)))?;
        }
        lines.iter().try_for_each(|line| screen.field("", line))?;
    }
    Ok(())
}
