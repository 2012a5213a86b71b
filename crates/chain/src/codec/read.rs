//! Canonical bytes to entries.
//!
//! The invariant: only what `write` writes is accepted, so bytes that decode are canonical. Memory stays within a small
//! factor of the bytes read, and nothing recurses. Deliberately absent: any leniency.

use std::collections::BTreeMap;

use super::FORMAT_VERSION;
use crate::entry::{
    Body, Call, Code, Effect, Engine, Entry, Failure, Fuel, Genesis, Init, Message, Sender, Timestamp,
};
use crate::json::{Malformed, ObjectReader, Reader};
use crate::{FailureCode, Hash, Text};

impl Entry {
    /// Reads canonical bytes; whatever is not exactly what [`Entry::encode`] writes is refused.
    ///
    /// # Errors
    /// [`Malformed`] with the first byte that is wrong: not canonical JSON, an unknown kind or field, a field that is
    /// missing or does not belong to the kind, an empty array, more than [`Entry::MAX_LENGTH`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > Self::MAX_LENGTH {
            return reader.fail(format!("{} bytes, more than an entry may have", bytes.len()));
        }
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
        let mut object = ObjectReader::begin(reader)?;
        fields.at = object.field("at", Reader::integer)?;
        fields.before = object.field("before", Reader::hash)?;
        fields.calls = object.field("calls", |reader| reader.array(read_call))?;
        fields.component_hash = object.field("component-hash", Reader::hash)?;
        fields.config = object.field("config", Reader::hash)?;
        fields.effects = object.field("effects", |reader| reader.array(read_effect))?;
        fields.engine = object.field("engine", |reader| reader.map(Reader::text))?;
        fields.error = object.field("error", read_error)?;
        fields.from = object.field("from", read_sender)?;
        fields.fuel = object.field("fuel", Reader::integer)?;
        fields.grants = object.field("grants", |reader| reader.array(Reader::text))?;
        fields.kind = object.field("kind", Reader::plain_string)?;
        fields.limits = object.field("limits", |reader| reader.map(Reader::integer))?;
        fields.machine = object.field("machine", Reader::text)?;
        fields.message = object.field("message", Reader::hash)?;
        fields.nonce = object.field("nonce", Reader::hash)?;
        fields.owner = object.field("owner", Reader::text)?;
        fields.reply = object.field("reply", Reader::hash)?;
        fields.seed = object.field("seed", Reader::hash)?;
        fields.seq = object.field("seq", Reader::integer)?;
        fields.state = object.field("state", Reader::hash)?;
        fields.v = object.field("v", read_version)?;
        fields.world = object.field("world", Reader::text)?;
        fields.left = object.end()?;
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
    let mut object = ObjectReader::begin(reader)?;
    let chain = object.field("chain", Reader::hash)?;
    let did = object.field("did", Reader::text)?;
    let due = object.field("due", Reader::integer)?.map(Timestamp);
    let entry = object.field("entry", Reader::hash)?;
    let key = object.field("key", Reader::hash)?;
    let kind = object.field("kind", Reader::plain_string)?.unwrap_or_default();
    let n = object.field("n", Reader::integer)?;
    let sig = object.field("sig", Reader::text)?;
    let count = object.end()?;
    // The count leaves no room for a field that the pattern does not look at.
    match (kind, count, chain, did, due, entry, n, sig) {
        ("http", count, ..) if count == 1 + usize::from(key.is_some()) => Ok(Sender::Http { key }),
        ("did", 3, _, Some(did), _, _, _, Some(sig)) => Ok(Sender::Did { did, sig }),
        ("actor", 4, Some(chain), _, _, Some(entry), Some(n), _) => Ok(Sender::Actor { chain, entry, n }),
        ("timer", 4, _, _, Some(due), Some(entry), Some(n), _) => Ok(Sender::Timer { entry, n, due }),
        ("http" | "did" | "actor" | "timer", ..) => {
            reader.fail(format!("`from` of kind `{kind}` lacks a field or has one too many"))
        }
        _ => reader.fail(format!("unknown kind of sender `{kind}`")),
    }
}
