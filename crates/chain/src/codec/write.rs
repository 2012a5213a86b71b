//! Entries to canonical bytes.
//!
//! The invariant: whatever is written here, `read` accepts, and it accepts nothing else. Deliberately absent: buffers
//! handed in from outside; an entry is small, and its bytes are kept.

use std::collections::BTreeMap;

use super::FORMAT_VERSION;
use crate::entry::{Body, Call, Code, Entry, Genesis};
use crate::json::{ObjectWriter, write_integer, write_text};
use crate::{Effect, EffectId, Sender, Spawn, Supervision, Text};

impl Entry {
    /// Writes the canonical bytes, about 550 for a message. The entry's name is their hash.
    ///
    /// # Panics
    /// If the entry could not be read back, so that no such entry is ever stored: an integer above
    /// [`MAX_INTEGER`](crate::MAX_INTEGER), empty `limits` or `engine`, `grants` that do not ascend, a parent at seq 0
    /// or none elsewhere, more than [`Entry::MAX_LENGTH`] bytes. [`Genesis::check`] tells beforehand for what comes
    /// from a person; all else is the work of a machine under limits.
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.parent.is_none() == (self.seq == 0), "genesis alone has no parent");
        let mut out = Vec::with_capacity(640);
        let mut entry = ObjectWriter::new(&mut out);
        write_data(self, entry.key("data"));
        match &self.parent {
            Some(parent) => entry.hash("parent", parent),
            None => entry.key("parent").extend_from_slice(b"null"),
        }
        entry.end();
        assert!(out.len() <= Self::MAX_LENGTH, "{} bytes are more than an entry may have", out.len());
        out
    }
}

fn write_data(entry: &Entry, out: &mut Vec<u8>) {
    let mut data = ObjectWriter::new(out);
    data.integer("at", entry.at.0);
    match &entry.body {
        Body::Genesis(genesis) => {
            write_genesis(&mut data, genesis);
            data.integer("seq", entry.seq);
            if let Some(by) = &genesis.started_by {
                let mut object = ObjectWriter::new(data.key("started-by"));
                object.hash("chain", &by.chain);
                object.hash("entry", &by.entry);
                object.integer("n", by.n);
                object.end();
            }
            data.integer("v", FORMAT_VERSION);
            data.text("world", genesis.world.as_str());
        }
        Body::Init(init) => {
            data.array("calls", &init.calls, write_call);
            data.array("effects", &init.effects, write_effect);
            data.integer("fuel", init.fuel.0);
            data.text("kind", "init");
            data.maybe_hash("seed", init.seed.as_ref());
            data.integer("seq", entry.seq);
            data.hash("state", &init.state);
            data.integer("v", FORMAT_VERSION);
        }
        Body::Message(message) => {
            data.hash("before", &message.before);
            data.array("calls", &message.calls, write_call);
            data.array("effects", &message.effects, write_effect);
            write_sender(data.key("from"), &message.from);
            data.integer("fuel", message.fuel.0);
            data.text("kind", "message");
            data.hash("message", &message.message);
            data.maybe_hash("reply", message.reply.as_ref());
            data.maybe_hash("seed", message.seed.as_ref());
            data.integer("seq", entry.seq);
            data.hash("state", &message.state);
            data.integer("v", FORMAT_VERSION);
        }
        Body::Failure(failure) => {
            data.hash("before", &failure.before);
            data.array("calls", &failure.calls, write_call);
            data.text("error", failure.error.as_str());
            write_sender(data.key("from"), &failure.from);
            data.integer("fuel", failure.fuel.0);
            data.text("kind", "failure");
            data.hash("message", &failure.message);
            data.maybe_hash("seed", failure.seed.as_ref());
            data.integer("seq", entry.seq);
            data.integer("v", FORMAT_VERSION);
        }
        Body::Engine(engine) => {
            write_map(data.key("engine"), engine, |out, value| write_text(out, value.as_str()));
            data.text("kind", "engine");
            data.integer("seq", entry.seq);
            data.integer("v", FORMAT_VERSION);
        }
        Body::Upgrade(upgrade) => {
            data.hash("before", &upgrade.before);
            data.array("calls", &upgrade.calls, write_call);
            write_component(&mut data, &upgrade.code);
            data.array("effects", &upgrade.effects, write_effect);
            write_sender(data.key("from"), &upgrade.from);
            data.integer("fuel", upgrade.fuel.0);
            write_grants(&mut data, &upgrade.grants);
            data.text("kind", "upgrade");
            write_map(data.key("limits"), &upgrade.limits, |out, value| write_integer(out, *value));
            write_native(&mut data, &upgrade.code);
            data.maybe_hash("seed", upgrade.seed.as_ref());
            data.integer("seq", entry.seq);
            data.hash("state", &upgrade.state);
            data.integer("v", FORMAT_VERSION);
            data.text("world", upgrade.world.as_str());
        }
        Body::Stop(stop) => {
            write_sender(data.key("from"), &stop.from);
            data.text("kind", "stop");
            data.text("reason", stop.reason.as_str());
            data.integer("seq", entry.seq);
            data.integer("v", FORMAT_VERSION);
        }
    }
    data.end();
}

fn write_genesis(data: &mut ObjectWriter<'_>, genesis: &Genesis) {
    write_component(data, &genesis.code);
    data.maybe_hash("config", genesis.config.as_ref());
    write_map(data.key("engine"), &genesis.engine, |out, value| write_text(out, value.as_str()));
    if let Some(fork) = &genesis.fork {
        let mut object = ObjectWriter::new(data.key("fork"));
        object.hash("chain", &fork.chain);
        object.hash("entry", &fork.entry);
        object.integer("seq", fork.seq);
        object.hash("state", &fork.state);
        object.end();
    }
    write_grants(data, &genesis.grants);
    data.text("kind", "genesis");
    write_map(data.key("limits"), &genesis.limits, |out, value| write_integer(out, *value));
    write_native(data, &genesis.code);
    data.hash("nonce", &genesis.nonce);
    if let Some(owner) = &genesis.owner {
        data.text("owner", owner.as_str());
    }
}

fn write_component(data: &mut ObjectWriter<'_>, code: &Code) {
    if let Code::Component(hash) = code {
        data.hash("component-hash", hash);
    }
}

fn write_native(data: &mut ObjectWriter<'_>, code: &Code) {
    if let Code::Native(machine) = code {
        data.text("machine", machine.as_str());
    }
}

fn write_grants(data: &mut ObjectWriter<'_>, grants: &[Text]) {
    assert!(grants.is_sorted_by(|a, b| a < b), "`grants` of an entry ascend");
    data.array("grants", grants, |out, grant| write_text(out, grant.as_str()));
}

fn write_map<T>(out: &mut Vec<u8>, map: &BTreeMap<Text, T>, mut write: impl FnMut(&mut Vec<u8>, &T)) {
    assert!(!map.is_empty(), "`limits` and `engine` of an entry are never empty");
    for (index, (key, value)) in map.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        write_text(out, key.as_str());
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}

fn write_call(out: &mut Vec<u8>, call: &Call) {
    let mut object = ObjectWriter::new(out);
    object.text("fn", call.function.as_str());
    object.hash("in", &call.input);
    object.hash("out", &call.output);
    object.end();
}

fn write_effect(out: &mut Vec<u8>, effect: &Effect) {
    let mut object = ObjectWriter::new(out);
    let mut inner = ObjectWriter::new(object.key(effect.kind()));
    match effect {
        Effect::Send { to, message } => {
            inner.hash("message", message);
            inner.text("to", to.as_str());
        }
        Effect::Request { to, message, timeout } => {
            inner.hash("message", message);
            inner.integer("timeout", *timeout);
            inner.text("to", to.as_str());
        }
        Effect::Timer { after, message } => {
            inner.integer("after", *after);
            inner.hash("message", message);
        }
        Effect::Cron { cron, message } => {
            inner.text("cron", cron.as_str());
            inner.hash("message", message);
        }
        Effect::Cancel(EffectId { seq, n }) => {
            inner.integer("n", *n);
            inner.integer("seq", *seq);
        }
        Effect::Spawn(spawn) => write_spawn(&mut inner, spawn),
        Effect::Stop { child } => inner.text("child", child.as_str()),
        Effect::Exit { reason } => inner.text("reason", reason.as_str()),
    }
    inner.end();
    object.end();
}

fn write_spawn(object: &mut ObjectWriter<'_>, spawn: &Spawn) {
    write_component(object, &spawn.code);
    object.maybe_hash("config", spawn.config.as_ref());
    write_grants(object, &spawn.grants);
    write_native(object, &spawn.code);
    if let Some(name) = &spawn.name {
        object.text("name", name.as_str());
    }
    write_supervision(object.key("supervision"), &spawn.supervision);
}

fn write_supervision(out: &mut Vec<u8>, supervision: &Supervision) {
    let mut object = ObjectWriter::new(out);
    object.integer("backoff", supervision.backoff);
    object.integer("failures", supervision.failures);
    object.integer("max-backoff", supervision.max_backoff);
    object.integer("max-restarts", supervision.max_restarts);
    object.text("on-failure", supervision.on_failure.as_str());
    object.integer("within", supervision.within);
    object.end();
}

fn write_sender(out: &mut Vec<u8>, from: &Sender) {
    let mut object = ObjectWriter::new(out);
    match from {
        Sender::Http { key } => {
            if let Some(key) = key {
                object.hash("key", key);
            }
            object.text("kind", "http");
        }
        Sender::Did { did, sig } => {
            object.text("did", did.as_str());
            object.text("kind", "did");
            object.text("sig", sig.as_str());
        }
        Sender::Actor(by) | Sender::Parent(by) => {
            object.hash("chain", &by.chain);
            object.hash("entry", &by.entry);
            object.text("kind", if matches!(from, Sender::Actor(_)) { "actor" } else { "parent" });
            object.integer("n", by.n);
        }
        Sender::Timer { set, due } => {
            object.integer("due", due.0);
            object.text("kind", "timer");
            object.integer("n", set.n);
            object.integer("seq", set.seq);
        }
        Sender::Reply { to, chain, entry } => {
            object.hash("chain", chain);
            object.hash("entry", entry);
            object.text("kind", "reply");
            object.integer("n", to.n);
            object.integer("seq", to.seq);
        }
        Sender::Notice { of, about, chain, entry } => {
            object.text("about", about.as_str());
            object.maybe_hash("chain", chain.as_ref());
            object.maybe_hash("entry", entry.as_ref());
            object.text("kind", "notice");
            object.integer("n", of.n);
            object.integer("seq", of.seq);
        }
    }
    object.end();
}
