//! Entries as canonical bytes, and back.

use std::collections::BTreeMap;

use crate::entry::{
    Body, Call, Code, Effect, Engine, Entry, Failure, Fuel, Genesis, Init, Message, Sender, Timestamp,
};
use crate::json::{Malformed, ObjectWriter, Reader, write_integer, write_text};
use crate::{FailureCode, Hash, Text};

/// The version of the format, `v` in every entry.
pub const FORMAT_VERSION: u64 = 1;

impl Entry {
    /// Writes the canonical bytes, about 600 for a message. The entry's name is their hash.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        let mut entry = ObjectWriter::new(&mut out);
        write_data(self, entry.key("data"));
        match &self.parent {
            Some(parent) => entry.hash("parent", parent),
            None => entry.key("parent").extend_from_slice(b"null"),
        }
        entry.end();
        out
    }

    /// Reads canonical bytes; whatever is not exactly what [`Entry::encode`] writes is refused.
    ///
    /// # Errors
    /// [`Malformed`] with the first byte that is wrong: not canonical JSON, an unknown kind or field, a field that is
    /// missing or does not belong to the kind, an empty array.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.expect("{\"data\":")?;
        let fields = Fields::read(&mut reader)?;
        let (Some(at), Some(kind), Some(seq), Some(())) = (fields.at, fields.kind, fields.seq, fields.v)
        else {
            return reader.fail("one of the fields `at`, `kind`, `seq` and `v` is missing");
        };
        let body = fields.into_body(kind).or_else(|what| reader.fail(what))?;
        reader.expect(",\"parent\":")?;
        let parent = if seq == 0 { reader.expect("null").map(|()| None)? } else { Some(reader.hash()?) };
        reader.expect("}")?;
        reader.end()?;
        Ok(Self { parent, seq, at: Timestamp(at), body })
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
    debug_assert!(!map.is_empty(), "limits and engine are never empty");
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

/// Every field that some kind has; which of them an entry must have is decided once its kind is known.
#[derive(Default)]
struct Fields<'a> {
    at: Option<u64>,
    before: Option<Hash>,
    calls: Option<Vec<Call>>,
    component_hash: Option<Hash>,
    config: Option<Hash>,
    effects: Option<Vec<Effect>>,
    engine: Option<Engine>,
    error: Option<FailureCode>,
    from: Option<Sender>,
    fuel: Option<u64>,
    grants: Option<Vec<Text>>,
    kind: Option<&'a str>,
    limits: Option<BTreeMap<Text, u64>>,
    machine: Option<Text>,
    message: Option<Hash>,
    nonce: Option<Hash>,
    owner: Option<Text>,
    reply: Option<Hash>,
    seed: Option<Hash>,
    seq: Option<u64>,
    state: Option<Hash>,
    v: Option<()>,
    world: Option<Text>,
    /// How many of the fields above `into_body` has yet to take.
    left: usize,
}

impl<'a> Fields<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = Self::default();
        reader.object(|reader, key| {
            fields.left += 1;
            match key {
                "at" => fields.at = Some(reader.integer()?),
                "before" => fields.before = Some(reader.hash()?),
                "calls" => fields.calls = Some(reader.array(read_call)?),
                "component-hash" => fields.component_hash = Some(reader.hash()?),
                "config" => fields.config = Some(reader.hash()?),
                "effects" => fields.effects = Some(reader.array(read_effect)?),
                "engine" => fields.engine = Some(read_map(reader, Reader::text)?),
                "error" => fields.error = Some(read_error(reader)?),
                "from" => fields.from = Some(read_sender(reader)?),
                "fuel" => fields.fuel = Some(reader.integer()?),
                "grants" => fields.grants = Some(reader.array(Reader::text)?),
                "kind" => fields.kind = Some(reader.plain_string()?),
                "limits" => fields.limits = Some(read_map(reader, Reader::integer)?),
                "machine" => fields.machine = Some(reader.text()?),
                "message" => fields.message = Some(reader.hash()?),
                "nonce" => fields.nonce = Some(reader.hash()?),
                "owner" => fields.owner = Some(reader.text()?),
                "reply" => fields.reply = Some(reader.hash()?),
                "seed" => fields.seed = Some(reader.hash()?),
                "seq" => fields.seq = Some(reader.integer()?),
                "state" => fields.state = Some(reader.hash()?),
                "v" => fields.v = Some(read_version(reader)?),
                "world" => fields.world = Some(reader.text()?),
                _ => return reader.fail(format!("unknown field `{key}`")),
            }
            Ok(())
        })?;
        Ok(fields)
    }

    /// Builds what `kind` is made of, once `at`, `kind`, `seq` and `v` are known to be there.
    fn into_body(mut self, kind: &str) -> Result<Body, String> {
        let mut take = Take { kind, left: self.left - 4 };
        let body = match kind {
            "genesis" => {
                let code = match (self.component_hash, self.machine.take()) {
                    (Some(hash), None) => Code::Component(hash),
                    (None, Some(machine)) => Code::Native(machine),
                    _ => return Err("a genesis has either `component-hash` or `machine`".into()),
                };
                take.left -= 1;
                let grants = take.optional(self.grants).unwrap_or_default();
                if !grants.is_sorted_by(|a, b| a < b) {
                    return Err("`grants` is not in ascending order".into());
                }
                Body::Genesis(Box::new(Genesis {
                    code,
                    world: take.required("world", self.world)?,
                    config: take.optional(self.config),
                    limits: take.required("limits", self.limits)?,
                    engine: take.required("engine", self.engine)?,
                    grants,
                    owner: take.optional(self.owner),
                    nonce: take.required("nonce", self.nonce)?,
                }))
            }
            "init" => Body::Init(Init {
                state: take.required("state", self.state)?,
                fuel: Fuel(take.required("fuel", self.fuel)?),
                calls: take.optional(self.calls).unwrap_or_default(),
                effects: take.optional(self.effects).unwrap_or_default(),
                seed: take.optional(self.seed),
            }),
            "message" => Body::Message(Box::new(Message {
                message: take.required("message", self.message)?,
                from: take.required("from", self.from)?,
                before: take.required("before", self.before)?,
                state: take.required("state", self.state)?,
                reply: take.optional(self.reply),
                fuel: Fuel(take.required("fuel", self.fuel)?),
                calls: take.optional(self.calls).unwrap_or_default(),
                effects: take.optional(self.effects).unwrap_or_default(),
                seed: take.optional(self.seed),
            })),
            "failure" => Body::Failure(Box::new(Failure {
                message: take.required("message", self.message)?,
                from: take.required("from", self.from)?,
                before: take.required("before", self.before)?,
                error: take.required("error", self.error)?,
                fuel: Fuel(take.required("fuel", self.fuel)?),
                calls: take.optional(self.calls).unwrap_or_default(),
                seed: take.optional(self.seed),
            })),
            "engine" => Body::Engine(take.required("engine", self.engine)?),
            other => return Err(format!("unknown kind `{other}`")),
        };
        if take.left > 0 {
            return Err(format!("a field that does not belong to the kind `{kind}`"));
        }
        Ok(body)
    }
}

/// Takes fields one by one and counts how many are left.
struct Take<'a> {
    kind: &'a str,
    left: usize,
}

impl Take<'_> {
    fn optional<T>(&mut self, field: Option<T>) -> Option<T> {
        self.left -= usize::from(field.is_some());
        field
    }

    fn required<T>(&mut self, name: &str, field: Option<T>) -> Result<T, String> {
        self.optional(field).ok_or_else(|| format!("field `{name}` is missing in kind `{}`", self.kind))
    }
}

fn read_version(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    match reader.integer()? {
        FORMAT_VERSION => Ok(()),
        other => reader.fail(format!("format version {other}; this reads version {FORMAT_VERSION}")),
    }
}

fn read_error(reader: &mut Reader<'_>) -> Result<FailureCode, Malformed> {
    let text = reader.plain_string()?;
    FailureCode::parse(text).map_or_else(|| reader.fail(format!("unknown error `{text}`")), Ok)
}

fn read_map<'a, T>(
    reader: &mut Reader<'a>,
    mut value: impl FnMut(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<BTreeMap<Text, T>, Malformed> {
    let mut map = BTreeMap::new();
    reader.object(|reader, key| {
        let value = value(reader)?;
        let key = Text::new(key).or_else(|error| reader.fail(error.to_string()))?;
        map.insert(key, value);
        Ok(())
    })?;
    Ok(map)
}

fn read_call(reader: &mut Reader<'_>) -> Result<Call, Malformed> {
    reader.expect("{\"fn\":")?;
    let function = reader.text()?;
    reader.expect(",\"in\":")?;
    let input = reader.hash()?;
    reader.expect(",\"out\":")?;
    let output = reader.hash()?;
    reader.expect("}")?;
    Ok(Call { function, input, output })
}

fn read_effect(reader: &mut Reader<'_>) -> Result<Effect, Malformed> {
    reader.expect("{\"send\":{\"message\":")?;
    let message = reader.hash()?;
    reader.expect(",\"to\":")?;
    let to = reader.text()?;
    reader.expect("}}")?;
    Ok(Effect::Send { to, message })
}

fn read_sender(reader: &mut Reader<'_>) -> Result<Sender, Malformed> {
    let (mut chain, mut did, mut due, mut entry, mut key_hash, mut n, mut sig) =
        (None, None, None, None, None, None, None);
    let mut kind = "";
    let mut count = 0;
    reader.object(|reader, key| {
        count += 1;
        match key {
            "chain" => chain = Some(reader.hash()?),
            "did" => did = Some(reader.text()?),
            "due" => due = Some(reader.integer()?),
            "entry" => entry = Some(reader.hash()?),
            "key" => key_hash = Some(reader.hash()?),
            "kind" => kind = reader.plain_string()?,
            "n" => n = Some(reader.integer()?),
            "sig" => sig = Some(reader.text()?),
            _ => return reader.fail(format!("unknown field `from.{key}`")),
        }
        Ok(())
    })?;
    match (kind, chain, did, due, entry, n, sig, count) {
        ("http", None, None, None, None, None, None, 1 | 2) => Ok(Sender::Http { key: key_hash }),
        ("did", None, Some(did), None, None, None, Some(sig), 3) => Ok(Sender::Did { did, sig }),
        ("actor", Some(chain), None, None, Some(entry), Some(n), None, 4) => {
            Ok(Sender::Actor { chain, entry, n })
        }
        ("timer", None, None, Some(due), Some(entry), Some(n), None, 4) => {
            Ok(Sender::Timer { entry, n, due: Timestamp(due) })
        }
        ("http" | "did" | "actor" | "timer", ..) => {
            reader.fail(format!("`from` of kind `{kind}` lacks a field or has one too many"))
        }
        _ => reader.fail(format!("unknown kind of sender `{kind}`")),
    }
}
