//! Canonical bytes to entries.
//!
//! The invariant: only what `write` writes is accepted, so bytes that decode are canonical. Memory stays within a small
//! factor of the bytes read, and nothing recurses. Deliberately absent: any leniency.

use std::collections::BTreeMap;

use super::FORMAT_VERSION;
use super::read_effect::{read_effect, read_reference, read_sender};
use crate::entry::{
    Body, Call, Code, Engine, Entry, Failure, Fork, Fuel, Genesis, Init, Message, Stop, Timestamp, Upgrade,
};
use crate::json::{Malformed, ObjectReader, Reader};
use crate::{Effect, EffectRef, FailureCode, Hash, Sender, Text};

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
    fork: Option<Fork>,
    from: Option<Sender>,
    fuel: Option<u64>,
    grants: Option<Vec<Text>>,
    kind: Option<&'a str>,
    limits: Option<BTreeMap<Text, u64>>,
    machine: Option<Text>,
    message: Option<Hash>,
    nonce: Option<Hash>,
    owner: Option<Text>,
    reason: Option<Text>,
    reply: Option<Hash>,
    seed: Option<Hash>,
    seq: Option<u64>,
    started_by: Option<EffectRef>,
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
        fields.fork = object.field("fork", read_fork)?;
        fields.from = object.field("from", read_sender)?;
        fields.fuel = object.field("fuel", Reader::integer)?;
        fields.grants = object.field("grants", |reader| reader.array(Reader::text))?;
        fields.kind = object.field("kind", Reader::plain_string)?;
        fields.limits = object.field("limits", |reader| reader.map(Reader::integer))?;
        fields.machine = object.field("machine", Reader::text)?;
        fields.message = object.field("message", Reader::hash)?;
        fields.nonce = object.field("nonce", Reader::hash)?;
        fields.owner = object.field("owner", Reader::text)?;
        fields.reason = object.field("reason", Reader::text)?;
        fields.reply = object.field("reply", Reader::hash)?;
        fields.seed = object.field("seed", Reader::hash)?;
        fields.seq = object.field("seq", Reader::integer)?;
        fields.started_by = object.field("started-by", read_reference)?;
        fields.state = object.field("state", Reader::hash)?;
        fields.v = object.field("v", read_version)?;
        fields.world = object.field("world", Reader::text)?;
        fields.left = object.end()?;
        Ok(fields)
    }

    /// Builds what `kind` is made of, once `at`, `kind`, `seq` and `v` are known to be there.
    fn into_body(self, kind: &str) -> Result<Body, String> {
        let mut take = Take { kind, left: self.left - 4 };
        let body = match kind {
            "genesis" => {
                let code = take.code(self.component_hash, self.machine)?;
                let grants = take.grants(self.grants)?;
                Body::Genesis(Box::new(Genesis {
                    code,
                    world: take.required("world", self.world)?,
                    config: take.optional(self.config),
                    limits: take.required("limits", self.limits)?,
                    engine: take.required("engine", self.engine)?,
                    grants,
                    owner: take.optional(self.owner),
                    nonce: take.required("nonce", self.nonce)?,
                    fork: take.optional(self.fork),
                    started_by: take.optional(self.started_by),
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
            "upgrade" => {
                let code = take.code(self.component_hash, self.machine)?;
                let grants = take.grants(self.grants)?;
                Body::Upgrade(Box::new(Upgrade {
                    code,
                    world: take.required("world", self.world)?,
                    limits: take.required("limits", self.limits)?,
                    grants,
                    from: take.required("from", self.from)?,
                    before: take.required("before", self.before)?,
                    state: take.required("state", self.state)?,
                    fuel: Fuel(take.required("fuel", self.fuel)?),
                    calls: take.optional(self.calls).unwrap_or_default(),
                    effects: take.optional(self.effects).unwrap_or_default(),
                    seed: take.optional(self.seed),
                }))
            }
            "stop" => Body::Stop(Stop {
                from: take.required("from", self.from)?,
                reason: take.required("reason", self.reason)?,
            }),
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

    fn code(&mut self, component: Option<Hash>, machine: Option<Text>) -> Result<Code, String> {
        self.left -= usize::from(component.is_some()) + usize::from(machine.is_some());
        code(component, machine)
            .ok_or_else(|| format!("kind `{}` has either `component-hash` or `machine`", self.kind))
    }

    fn grants(&mut self, grants: Option<Vec<Text>>) -> Result<Vec<Text>, String> {
        let grants = self.optional(grants).unwrap_or_default();
        match grants.is_sorted_by(|a, b| a < b) {
            true => Ok(grants),
            false => Err("`grants` is not in ascending order".into()),
        }
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

fn read_fork(reader: &mut Reader<'_>) -> Result<Fork, Malformed> {
    reader.expect("{\"chain\":")?;
    let chain = reader.hash()?;
    reader.expect(",\"entry\":")?;
    let entry = reader.hash()?;
    reader.expect(",\"seq\":")?;
    let seq = reader.integer()?;
    reader.expect(",\"state\":")?;
    let state = reader.hash()?;
    reader.expect("}")?;
    Ok(Fork { chain, entry, seq, state })
}

/// The code that one of the two fields names.
pub(super) fn code(component: Option<Hash>, machine: Option<Text>) -> Option<Code> {
    match (component, machine) {
        (Some(hash), None) => Some(Code::Component(hash)),
        (None, Some(machine)) => Some(Code::Native(machine)),
        _ => None,
    }
}
