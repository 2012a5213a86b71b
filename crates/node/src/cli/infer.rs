//! `troupe schema infer`: a first schema from what an actor was sent and came to.

use std::path::Path;

use serde_json::{Map, Value};
use troupe_chain::{Body, Entry, Hash, History};
use troupe_schema::infer::Seen;

use super::failure::{Done, Failure};
use super::parse;
use super::place::{Place, Source, Whose};
use super::screen::Screen;

/// Make a first schema of what an actor was sent, and what that led to
///
/// It says what was seen, which may be less than what is possible: go on from it by hand.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe schema infer counter.store\n  \
    troupe schema infer counter.car > schema.json\n  \
    troupe schema infer messages.ndjson")]
pub(crate) struct Infer {
    /// Where the chain is; or a file of messages, one a line
    #[arg(value_name = "STORE|FILE.car|FOLDER|URL|ACTOR|FILE.ndjson")]
    place: String,
    #[command(flatten)]
    whose: Whose,
}

/// What was seen of an actor, by the parts of a description.
#[derive(Default)]
struct Traffic {
    message: Seen,
    state: Seen,
    config: Seen,
    reply: Seen,
}

pub(super) fn infer(screen: &Screen, command: &Infer) -> Done {
    let place = &command.place;
    let mut traffic = Traffic::default();
    if Path::new(place).extension().is_some_and(|extension| extension == "ndjson") {
        let bytes = parse::file(Path::new(place))?;
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            see(&mut traffic.message, line);
        }
    } else {
        let source = Place::find(place)?.open(screen, &command.whose);
        let source = source.map_err(|error| error.into_failure(place))?;
        for bytes in source.entries() {
            let entry = Entry::decode(&bytes.map_err(Failure::cannot)?).map_err(Failure::cannot)?;
            traffic.entry(&source, &entry)?;
        }
    }
    let description = traffic.description();
    if description.is_empty() {
        return Err(Failure::cannot(format_args!("{place} has nothing that is JSON")));
    }
    match screen.json {
        true => Ok(screen.json(&description)?),
        false => Ok(screen.line(serde_json::to_string_pretty(&description).map_err(Failure::cannot)?)?),
    }
}

/// Looks at bytes; what is not JSON has no schema.
fn see(seen: &mut Seen, bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice(bytes) {
        seen.see(&value);
    }
}

impl Traffic {
    fn entry(&mut self, source: &Source, entry: &Entry) -> Result<(), Failure> {
        let look = |seen: &mut Seen, name: Option<Hash>| {
            let Some(name) = name else { return Ok(()) };
            // A store does not keep each state.
            if let Some(bytes) = source.blob(&name).map_err(Failure::cannot)? {
                see(seen, &bytes);
            }
            Ok::<_, Failure>(())
        };
        match &entry.body {
            Body::Genesis(genesis) => look(&mut self.config, genesis.config),
            Body::Init(init) => look(&mut self.state, Some(init.state)),
            Body::Message(message) => {
                look(&mut self.message, Some(message.message))?;
                look(&mut self.state, Some(message.state))?;
                look(&mut self.reply, message.reply)
            }
            Body::Failure(failure) => look(&mut self.message, Some(failure.message)),
            Body::Upgrade(_) | Body::Engine(_) | Body::Stop(_) => Ok(()),
        }
    }

    fn description(&self) -> Map<String, Value> {
        let parts = [
            ("message", &self.message),
            ("state", &self.state),
            ("config", &self.config),
            ("reply", &self.reply),
        ];
        let seen = parts.into_iter().filter(|(_, seen)| !seen.is_empty());
        seen.map(|(name, seen)| (name.to_owned(), seen.schema())).collect()
    }
}
