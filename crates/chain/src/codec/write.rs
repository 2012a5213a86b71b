//! Entries to canonical bytes.
//!
//! The invariant: whatever is written here, `read` accepts, and it accepts nothing else. Deliberately absent: buffers
//! handed in from outside; an entry is small, and its bytes are kept.

use std::collections::BTreeMap;

use super::FORMAT_VERSION;
use crate::Text;
use crate::entry::{Body, Call, Code, Effect, Entry, Genesis, Sender};
use crate::json::{ObjectWriter, write_integer, write_text};

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
    }
    data.end();
}

fn write_genesis(data: &mut ObjectWriter<'_>, genesis: &Genesis) {
    if let Code::Component(hash) = &genesis.code {
        data.hash("component-hash", hash);
    }
    data.maybe_hash("config", genesis.config.as_ref());
    write_map(data.key("engine"), &genesis.engine, |out, value| write_text(out, value.as_str()));
    assert!(genesis.grants.is_sorted_by(|a, b| a < b), "`grants` of a genesis ascend");
    data.array("grants", &genesis.grants, |out, grant| write_text(out, grant.as_str()));
    data.text("kind", "genesis");
    write_map(data.key("limits"), &genesis.limits, |out, value| write_integer(out, *value));
    if let Code::Native(machine) = &genesis.code {
        data.text("machine", machine.as_str());
    }
    data.hash("nonce", &genesis.nonce);
    if let Some(owner) = &genesis.owner {
        data.text("owner", owner.as_str());
    }
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
    let Effect::Send { to, message } = effect;
    let mut object = ObjectWriter::new(out);
    let mut send = ObjectWriter::new(object.key("send"));
    send.hash("message", message);
    send.text("to", to.as_str());
    send.end();
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
        Sender::Actor { chain, entry, n } => {
            object.hash("chain", chain);
            object.hash("entry", entry);
            object.text("kind", "actor");
            object.integer("n", *n);
        }
        Sender::Timer { entry, n, due } => {
            object.integer("due", due.0);
            object.hash("entry", entry);
            object.text("kind", "timer");
            object.integer("n", *n);
        }
    }
    object.end();
}
