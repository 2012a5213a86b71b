//! What the actor commits, as it happens: message, state, reply, effects.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use troupe_chain::{Body, Entry, Hash};
use troupe_runtime::{Actor, Span, SpanSink};

use crate::cli::differences::differences;
use crate::cli::failure::{Done, Failure};
use crate::cli::log;
use crate::cli::place::{Source, history_of};
use crate::cli::screen::{DIM, Screen, WARN, excerpt_bytes};

/// How wide what stands before a state or a reply is, as in `troupe log`.
const INDENT: usize = 37;

/// Shows what comes after `seq`, on a thread that ends with the chain.
pub(super) fn follow(screen: Screen, actor: Actor, seq: u64) {
    let thread = std::thread::Builder::new().name("troupe-dev-show".into());
    let spawned = thread.spawn(move || {
        if let Err(failure) = show_all(&screen, &actor, seq) {
            screen.warn(format_args!("what the actor does is not shown any more: {failure}"));
        }
    });
    if let Err(error) = spawned {
        screen.warn(format_args!("what the actor does is not shown: {error}"));
    }
}

fn show_all(screen: &Screen, actor: &Actor, mut seq: u64) -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::cannot)?;
    let store = Arc::clone(actor.store());
    let chain = actor.id();
    let mut watch = actor.watch(seq);
    let mut state = None;
    loop {
        let last = store.head(&chain)?.map_or(0, |head| head.seq);
        if last > seq {
            let source = Source::Store(Arc::clone(&store), history_of(&store, &chain)?);
            for bytes in source.range(seq + 1, last)? {
                if show(screen, &source, actor, &bytes, &mut state)? {
                    return Ok(());
                }
            }
            seq = last;
        }
        if !runtime.block_on(watch.after(seq)) {
            return Ok(());
        }
    }
}

/// Shows one entry; `true` if it is the last.
fn show(
    screen: &Screen,
    source: &Source,
    actor: &Actor,
    bytes: &Bytes,
    before: &mut Option<(Hash, Value)>,
) -> Result<bool, Failure> {
    let entry = Entry::decode(bytes).map_err(Failure::cannot)?;
    log::print(screen, source, bytes)?;
    if screen.json {
        return Ok(matches!(entry.body, Body::Stop(_)));
    }
    if let Some(name) = entry.state()
        && before.as_ref().is_none_or(|(known, _)| *known != name)
    {
        let blob = actor.store().blob(&actor.id(), &name)?.unwrap_or_default();
        let value = serde_json::from_slice(&blob).ok();
        let lines = match (before.as_ref(), &value) {
            (Some((_, before)), Some(after)) => differences(before, after),
            _ => vec![excerpt_bytes(&blob, screen.width().saturating_sub(INDENT + 8))],
        };
        for line in lines {
            field(screen, "state", &line)?;
        }
        *before = value.map(|value| (name, value));
    }
    if let Body::Message(message) = &entry.body
        && let Some(reply) = &message.reply
    {
        let blob = actor.store().blob(&actor.id(), reply)?.unwrap_or_default();
        field(screen, "reply", &excerpt_bytes(&blob, screen.width().saturating_sub(INDENT + 8)))?;
    }
    Ok(matches!(entry.body, Body::Stop(_)))
}

/// Shows that a message was refused, of which no entry tells.
pub(super) fn refusals(screen: Screen) -> SpanSink {
    Arc::new(move |Span { seq, outcome, from, .. }| {
        if outcome == "rejected" && !screen.json {
            screen.note(format_args!(
                "{seq:>6}  {WARN}refused{WARN:#} a message from {from}; the answer says why"
            ));
        }
    })
}

fn field(screen: &Screen, name: &str, text: &str) -> Done {
    Ok(screen.line(format_args!("{:>INDENT$}{DIM}{name:<6}{DIM:#} {text}", ""))?)
}
