//! Values that fit a schema, values that nearly do, and any values at all; each from a seed.
//!
//! Invariant: the same seed gives the same values. A value nests at most a few levels deeper than its schema asks for.
//! Most of what [`fitting`] makes fits; where a schema says the same thing twice in different ways, some does not.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Number, Value};

use crate::Schema;
use crate::schema::MAX_DEPTH;

/// How deep values go of their own accord.
const DEEP: usize = 5;
/// The most elements, members or repetitions beyond what a schema asks for.
const MORE: u64 = 3;
/// Numbers at which programs go wrong.
const EDGES: [i64; 9] = [0, 1, -1, 127, 256, 65_536, 2_147_483_648, 9_007_199_254_740_991, i64::MAX];

/// A source of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or_default()
    }

    /// Yes, once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<'t, T>(&mut self, list: &'t [T]) -> Option<&'t T> {
        list.get(usize::try_from(self.below(list.len() as u64)).unwrap_or_default())
    }
}

/// A value that fits the schema, or nearly.
pub fn fitting(schema: &Schema, random: &mut Random) -> Value {
    Maker { schema, random }.value(schema.as_json(), MAX_DEPTH)
}

/// Any value.
pub fn any(random: &mut Random) -> Value {
    any_below(random, DEEP)
}

fn any_below(random: &mut Random, depth: usize) -> Value {
    let few = random.below(MORE);
    match random.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => random.once_in(2).into(),
        2 => random.pick(&EDGES).copied().unwrap_or_default().into(),
        3 => Number::from_f64(0.5).map_or(Value::Null, Value::Number),
        4 => any_text(random).into(),
        5 => (0..few).map(|_| any_below(random, depth - 1)).collect(),
        _ => (0..few).map(|_| (any_text(random), any_below(random, depth - 1))).collect::<Map<_, _>>().into(),
    }
}

fn any_text(random: &mut Random) -> String {
    const TEXTS: [&str; 8] = ["", "a", "add", "-1", "null", "\u{0}", "ü€😀", "\"\\/"];
    match random.once_in(16) {
        true => "x".repeat(5000),
        false => random.pick(&TEXTS).copied().unwrap_or_default().to_owned(),
    }
}

/// The value with one place changed to something else.
pub fn mutated(value: &Value, random: &mut Random) -> Value {
    match value {
        Value::Object(members) if !members.is_empty() && !random.once_in(3) => {
            let mut members = members.clone();
            let keys: Vec<_> = members.keys().cloned().collect();
            let Some(key) = random.pick(&keys) else { return any(random) };
            match random.below(4) {
                0 => {
                    members.remove(key);
                }
                1 => {
                    members.insert(any_text(random), any(random));
                }
                _ => {
                    let changed = mutated(&members[key], random);
                    members.insert(key.clone(), changed);
                }
            }
            Value::Object(members)
        }
        Value::Array(list) if !list.is_empty() && !random.once_in(3) => {
            let mut list = list.clone();
            let at = usize::try_from(random.below(list.len() as u64)).unwrap_or_default();
            match random.once_in(3) {
                true => {
                    list.remove(at);
                }
                false => list[at] = mutated(&list[at], random),
            }
            Value::Array(list)
        }
        Value::Number(number) if !random.once_in(3) => {
            let by = [-1, 1, i64::MIN, i64::MAX];
            let by = random.pick(&by).copied().unwrap_or_default();
            number.as_i64().map_or_else(|| any(random), |number| number.saturating_add(by).into())
        }
        Value::String(text) if random.once_in(2) => format!("{text}{}", any_text(random)).into(),
        _ => any(random),
    }
}

struct Maker<'a> {
    schema: &'a Schema,
    random: &'a mut Random,
}

impl Maker<'_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let (Some(members), Some(depth)) = (schema.as_object(), depth.checked_sub(1)) else {
            return any_below(self.random, 1);
        };
        if let Some(only) = members.get("const") {
            return only.clone();
        }
        if let Some(Value::Array(list)) = members.get("enum") {
            return self.random.pick(list).cloned().unwrap_or_default();
        }
        if let Some(target) =
            members.get("$ref").and_then(Value::as_str).and_then(|to| self.schema.resolve(to))
        {
            return self.value(&target.clone(), depth);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            if let Some(Value::Array(schemas)) = members.get(key) {
                let chosen = self.random.pick(schemas).cloned().unwrap_or_default();
                return self.value(&merged(members, key, chosen), depth);
            }
        }
        match self.kind(members).as_str() {
            "object" => self.object(members, depth),
            "array" => self.list(members, depth),
            "string" => self.text(members).into(),
            "integer" => self.integer(members).into(),
            "number" => self.number(members),
            "boolean" => self.random.once_in(2).into(),
            "null" => Value::Null,
            _ => any_below(self.random, 1),
        }
    }

    fn kind(&mut self, members: &Map<String, Value>) -> String {
        match members.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                self.random.pick(kinds).and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            _ => {
                let object = ["properties", "required", "additionalProperties"];
                let is_object = object.iter().any(|key| members.contains_key(*key));
                if is_object { "object" } else { "" }.to_owned()
            }
        }
    }

    fn size(&mut self, members: &Map<String, Value>, of: &str) -> u64 {
        let limit = |side: &str| members.get(&format!("{side}{of}")).and_then(Value::as_u64);
        let min = limit("min").unwrap_or_default();
        let max = limit("max").unwrap_or(min + MORE).min(min + 200);
        match self.random.once_in(8) {
            true => max,
            false => min + self.random.below(max.min(min + MORE).saturating_sub(min) + 1),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize) -> Value {
        let mut object = Map::new();
        let required: Vec<&str> = members
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let deep = depth + DEEP < MAX_DEPTH;
        for (name, schema) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required.contains(&name.as_str()) || (!deep && self.random.once_in(2)) {
                object.insert(name.clone(), self.value(schema, depth));
            }
        }
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), any_below(self.random, 1));
            }
        }
        let size = self.size(members, "Properties");
        let by_pattern = members.get("patternProperties").and_then(Value::as_object);
        let rest = members.get("additionalProperties");
        let mut left = size.saturating_sub(object.len() as u64);
        while left > 0 && !deep {
            left -= 1;
            if let Some((pattern, schema)) = by_pattern.and_then(|named| named.iter().next()) {
                object.insert(self.of_pattern(pattern), self.value(schema, depth));
            } else if let Some(schema @ Value::Object(_)) = rest {
                let name = match members.get("propertyNames") {
                    Some(names) => self.text(names.as_object().unwrap_or(&Map::new())),
                    None => any_text(self.random),
                };
                object.insert(name, self.value(schema, depth));
            }
        }
        Value::Object(object)
    }

    fn list(&mut self, members: &Map<String, Value>, depth: usize) -> Value {
        let first = members.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let size = self.size(members, "Items").max(first.len() as u64);
        let mut list: Vec<Value> = Vec::new();
        for index in 0..usize::try_from(size).unwrap_or_default() {
            let Some(schema) = first.get(index).or_else(|| members.get("items")) else { break };
            let value = self.value(schema, depth);
            if members.get("uniqueItems") != Some(&Value::Bool(true)) || !list.contains(&value) {
                list.push(value);
            }
        }
        Value::Array(list)
    }

    fn text(&mut self, members: &Map<String, Value>) -> String {
        if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
            return self.of_pattern(pattern);
        }
        let size = self.size(members, "Length");
        (0..size).map(|_| if self.random.once_in(10) { 'ü' } else { 'a' }).collect()
    }

    fn integer(&mut self, members: &Map<String, Value>) -> i64 {
        let limit = |key: &str| members.get(key).and_then(Value::as_i64);
        let min = limit("minimum").or(limit("exclusiveMinimum").map(|min| min.saturating_add(1)));
        let max = limit("maximum").or(limit("exclusiveMaximum").map(|max| max.saturating_sub(1)));
        let (min, max) = (min.unwrap_or(-1000), max.unwrap_or(min.unwrap_or_default().saturating_add(1000)));
        let room = max.abs_diff(min.min(max));
        let number = match self.random.below(4) {
            0 => min,
            1 => max,
            2 => min.saturating_add_unsigned(self.random.below(room.min(10).saturating_add(1))),
            _ => min.saturating_add_unsigned(self.random.below(room.saturating_add(1))),
        };
        match limit("multipleOf") {
            Some(step) => number - number % step,
            None => number,
        }
    }

    fn number(&mut self, members: &Map<String, Value>) -> Value {
        let limit = |key: &str| members.get(key).and_then(Value::as_f64);
        let (min, max) = (limit("minimum").unwrap_or(-1000.0), limit("maximum").unwrap_or(1000.0));
        #[allow(clippy::cast_precision_loss, reason = "any number between will do")]
        let part = self.random.below(1001) as f64 / 1000.0;
        Number::from_f64(min + (max - min) * part).map_or(Value::Null, Value::Number)
    }

    /// Text that fits a pattern.
    fn of_pattern(&mut self, pattern: &str) -> String {
        let mut text = String::new();
        if let Ok(hir) = regex_syntax::parse(pattern) {
            self.of_hir(&hir, &mut text);
        }
        text
    }

    fn of_hir(&mut self, hir: &Hir, text: &mut String) {
        match hir.kind() {
            HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
            HirKind::Class(Class::Unicode(class)) => {
                if let Some(range) = self.random.pick(class.ranges()) {
                    let (start, end) =
                        (u64::from(u32::from(range.start())), u64::from(u32::from(range.end())));
                    let code = u32::try_from(start + self.random.below(end - start + 1)).unwrap_or_default();
                    text.push(char::from_u32(code).unwrap_or(range.start()));
                }
            }
            HirKind::Class(Class::Bytes(class)) => {
                text.extend(self.random.pick(class.ranges()).map(|range| char::from(range.start())));
            }
            HirKind::Repetition(repeated) => {
                let min = u64::from(repeated.min);
                let max = repeated.max.map_or(min + MORE, u64::from).min(min + 200);
                let times = match self.random.once_in(8) {
                    true => max,
                    false => min + self.random.below(max.min(min + MORE) - min + 1),
                };
                for _ in 0..times {
                    self.of_hir(&repeated.sub, text);
                }
            }
            HirKind::Capture(capture) => self.of_hir(&capture.sub, text),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.of_hir(part, text)),
            HirKind::Alternation(parts) => {
                if let Some(part) = self.random.pick(parts) {
                    self.of_hir(part, text);
                }
            }
            HirKind::Empty | HirKind::Look(_) => {}
        }
    }
}

/// A schema with one of its alternatives in place of all of them.
fn merged(members: &Map<String, Value>, key: &str, chosen: Value) -> Value {
    let mut merged = members.clone();
    merged.remove(key);
    match chosen {
        Value::Object(chosen) => merged.extend(chosen),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
    Value::Object(merged)
}
