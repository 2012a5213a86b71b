//! A first schema from values that were seen.
//!
//! What is seen may be less than what is possible, so an inferred schema is a beginning for a person to go on from:
//! members that were always there are required, integers have the range that was seen, and strings of which there were
//! few are an enumeration.
//!
//! Invariant: every value that was seen fits what is inferred.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The most different strings that are an enumeration.
const MAX_ENUM: usize = 8;
/// How often strings must have been seen, for each that is different, to be one.
const ENUM_SEEN: u64 = 3;
/// From so many different names on, an object that shares few of them is a map.
const MAP_NAMES: usize = 8;
/// How deep values are looked into.
const MAX_DEPTH: usize = 32;

/// What was seen of the values at one place.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    values: u64,
    nulls: u64,
    booleans: u64,
    integers: Option<(i64, i64)>,
    numbers: bool,
    strings: u64,
    texts: BTreeSet<String>,
    lists: u64,
    elements: Option<Box<Seen>>,
    objects: u64,
    /// Of each name, how many objects had it, and with what.
    members: BTreeMap<String, Seen>,
    /// How many of the objects had one member alone.
    single: u64,
    /// Whether something was deeper than is looked.
    deep: bool,
}

impl Seen {
    /// Looks at a value.
    pub fn see(&mut self, value: &Value) {
        self.look(value, MAX_DEPTH);
    }

    fn look(&mut self, value: &Value, depth: usize) {
        self.values += 1;
        let Some(depth) = depth.checked_sub(1) else {
            self.deep = true;
            return;
        };
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => self.booleans += 1,
            Value::Number(number) => match number.as_i64() {
                Some(number) => {
                    let (min, max) = self.integers.unwrap_or((number, number));
                    self.integers = Some((min.min(number), max.max(number)));
                }
                None => self.numbers = true,
            },
            Value::String(text) => {
                self.strings += 1;
                if self.texts.len() <= MAX_ENUM {
                    self.texts.insert(text.clone());
                }
            }
            Value::Array(list) => {
                self.lists += 1;
                for element in list {
                    self.elements.get_or_insert_default().look(element, depth);
                }
            }
            Value::Object(object) => {
                self.objects += 1;
                self.single += u64::from(object.len() == 1);
                for (name, member) in object {
                    self.members.entry(name.clone()).or_default().look(member, depth);
                }
            }
        }
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// The schema that all of it fits.
    pub fn schema(&self) -> Value {
        if self.deep || self.values == 0 {
            return json!({});
        }
        let mut kinds = Vec::new();
        if self.nulls > 0 {
            kinds.push(json!({"type": "null"}));
        }
        if self.booleans > 0 {
            kinds.push(json!({"type": "boolean"}));
        }
        if self.numbers {
            kinds.push(json!({"type": "number"}));
        } else if let Some((min, max)) = self.integers {
            kinds.push(json!({"type": "integer", "minimum": min, "maximum": max}));
        }
        if self.strings > 0 {
            kinds.push(self.string());
        }
        if self.lists > 0 {
            let items = self.elements.as_ref().map(|elements| elements.schema());
            kinds.push(
                items.map_or_else(
                    || json!({"type": "array"}),
                    |items| json!({"type": "array", "items": items}),
                ),
            );
        }
        if self.objects > 0 {
            kinds.push(self.object());
        }
        match kinds.len() {
            1 => kinds.remove(0),
            _ => optional(kinds),
        }
    }

    fn string(&self) -> Value {
        let different = self.texts.len();
        match different <= MAX_ENUM && self.strings >= ENUM_SEEN * different as u64 {
            true => json!({"type": "string", "enum": self.texts}),
            false => json!({"type": "string"}),
        }
    }

    fn object(&self) -> Value {
        let names = self.members.len();
        // Messages are often objects whose one member says what they are.
        if names > 1 && self.single == self.objects {
            return match self.is_map() {
                true => self.map(),
                false => {
                    json!({ "oneOf": self.members.iter().map(|(name, member)| alone(name, member)).collect::<Vec<_>>() })
                }
            };
        }
        if self.is_map() {
            return self.map();
        }
        let always = |(name, member): (&String, &Seen)| (member.values == self.objects).then(|| name.clone());
        let required: Vec<_> = self.members.iter().filter_map(always).collect();
        let properties: Map<_, _> =
            self.members.iter().map(|(name, member)| (name.clone(), member.schema())).collect();
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }

    /// Whether names are data: many, most of them in few of the objects.
    fn is_map(&self) -> bool {
        let common = self.members.values().filter(|member| member.values * 2 > self.objects).count();
        self.members.len() >= MAP_NAMES && common * 4 < self.members.len()
    }

    fn map(&self) -> Value {
        let mut all = Seen::default();
        for member in self.members.values() {
            all.merge(member);
        }
        json!({"type": "object", "additionalProperties": all.schema()})
    }

    fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.integers = match (self.integers, other.integers) {
            (Some((min, max)), Some((least, most))) => Some((min.min(least), max.max(most))),
            (one, another) => one.or(another),
        };
        self.numbers |= other.numbers;
        self.strings += other.strings;
        self.texts.extend(other.texts.iter().cloned());
        self.lists += other.lists;
        if let Some(elements) = &other.elements {
            self.elements.get_or_insert_default().merge(elements);
        }
        self.objects += other.objects;
        self.single += other.single;
        for (name, member) in &other.members {
            self.members.entry(name.clone()).or_default().merge(member);
        }
        self.deep |= other.deep;
    }
}

/// An object with this member alone.
fn alone(name: &str, member: &Seen) -> Value {
    json!({
        "type": "object", "required": [name], "additionalProperties": false,
        "properties": { name: member.schema() },
    })
}

/// Several kinds: plain types as a list, what says more as alternatives.
fn optional(kinds: Vec<Value>) -> Value {
    let plain = |kind: &Value| kind.as_object().is_some_and(|members| members.len() == 1);
    match kinds.iter().all(plain) {
        true => json!({ "type": kinds.iter().map(|kind| kind["type"].clone()).collect::<Vec<_>>() }),
        false => json!({ "anyOf": kinds }),
    }
}
