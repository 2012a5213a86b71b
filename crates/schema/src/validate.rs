//! Whether a value fits a schema, and where not.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use crate::Schema;
use crate::schema::MAX_DEPTH;

/// The most problems that are told of one value.
pub const MAX_PROBLEMS: usize = 20;
/// How deep a value and the schemas that it goes through may nest together.
const MAX_STEPS: usize = 4 * MAX_DEPTH;
/// The most characters of a value that a problem shows.
const MAX_SHOWN: usize = 60;

/// Something in a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

impl Schema {
    /// Everything that does not fit, up to [`MAX_PROBLEMS`].
    pub fn problems(&self, value: &Value) -> Vec<Problem> {
        let mut check = Check { schema: self, path: String::new(), problems: Vec::new() };
        check.schema(self.as_json(), value, MAX_STEPS);
        check.problems
    }

    /// Whether a value fits.
    pub fn accepts(&self, value: &Value) -> bool {
        self.problems(value).is_empty()
    }
}

struct Check<'s> {
    schema: &'s Schema,
    path: String,
    problems: Vec<Problem>,
}

impl<'s> Check<'s> {
    fn tell(&mut self, problem: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { path: self.path.clone(), problem: problem.into() });
        }
    }

    /// The problems of a value with one of several schemas, told to nobody yet.
    fn aside(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Vec<Problem> {
        let path = self.path.clone();
        let mut aside = Check { schema: self.schema, path, problems: Vec::new() };
        aside.schema(schema, value, depth);
        aside.problems
    }

    fn below(&mut self, key: &str, schema: &'s Value, value: &Value, depth: usize) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        self.schema(schema, value, depth);
        self.path.truncate(length);
    }

    fn schema(&mut self, schema: &'s Value, value: &Value, depth: usize) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let Some(depth) = depth.checked_sub(1) else {
            self.tell("nests too deep");
            return;
        };
        let members = match schema {
            Value::Bool(true) => return,
            Value::Object(members) => members,
            _ => {
                self.tell("should not be here");
                return;
            }
        };
        if let Some(target) =
            members.get("$ref").and_then(Value::as_str).and_then(|to| self.schema.resolve(to))
        {
            self.schema(target, value, depth);
        }
        // With another type, the rest would only say the same again.
        if !self.kind(members, value) {
            return;
        }
        self.choices(members, value, depth);
        match value {
            Value::Object(object) => self.object(members, object, depth),
            Value::Array(list) => self.list(members, list, depth),
            Value::String(text) => self.text(members, text),
            Value::Number(number) => self.number(members, number),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn kind(&mut self, members: &Map<String, Value>, value: &Value) -> bool {
        if let Some(expected) = members.get("type") {
            let names: Vec<_> = match expected {
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            if !names.iter().any(|name| is_of(name, value)) {
                self.tell(format!("expected {}, found {}", names.join(" or "), shown(value)));
                return false;
            }
        }
        if let Some(only) = members.get("const")
            && !same(only, value)
        {
            self.tell(format!("expected {}, found {}", shown(only), shown(value)));
            return false;
        }
        if let Some(Value::Array(list)) = members.get("enum")
            && !list.iter().any(|one| same(one, value))
        {
            let all: Vec<_> = list.iter().map(shown).collect();
            self.tell(format!("expected one of {}, found {}", all.join(", "), shown(value)));
            return false;
        }
        true
    }

    fn choices(&mut self, members: &'s Map<String, Value>, value: &Value, depth: usize) {
        for schema in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.schema(schema, value, depth);
        }
        for key in ["anyOf", "oneOf"] {
            let Some(Value::Array(schemas)) = members.get(key) else { continue };
            let told: Vec<_> = schemas.iter().map(|schema| self.aside(schema, value, depth)).collect();
            let fit = told.iter().filter(|problems| problems.is_empty()).count();
            if fit == 0 {
                self.none_fits(schemas, told, value);
            } else if fit > 1 && key == "oneOf" {
                self.tell(format!("fits {fit} of the alternatives, and may fit one"));
            }
        }
        if let Some(not) = members.get("not")
            && self.aside(not, value, depth).is_empty()
        {
            self.tell("is what it must not be");
        }
        if let Some(condition) = members.get("if") {
            let key = if self.aside(condition, value, depth).is_empty() { "then" } else { "else" };
            if let Some(schema) = members.get(key) {
                self.schema(schema, value, depth);
            }
        }
    }

    /// None of several schemas fits: tells what is wrong with the one that was meant.
    fn none_fits(&mut self, schemas: &'s [Value], told: Vec<Vec<Problem>>, value: &Value) {
        let keys: Vec<Vec<&str>> = schemas.iter().map(|schema| self.names(schema)).collect();
        let object = value.as_object();
        let has = |names: &[&str]| {
            !names.is_empty()
                && object.is_some_and(|object| names.iter().all(|name| object.contains_key(*name)))
        };
        // Deeper problems are those of a value that came further.
        let depth = |problems: &[Problem]| {
            let length = problems.iter().map(|problem| problem.path.len()).max().unwrap_or_default();
            std::cmp::Reverse(length)
        };
        let meant = told.into_iter().zip(&keys).filter(|(_, names)| has(names)).map(|(problems, _)| problems);
        if let Some(problems) = meant.min_by_key(|problems| depth(problems)) {
            let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
            self.problems.extend(problems.into_iter().take(room));
            return;
        }
        let mut known: Vec<_> =
            keys.iter().filter_map(|names| names.first()).map(|name| format!("`{name}`")).collect();
        known.dedup();
        match known.is_empty() {
            false if known.len() == schemas.len() => {
                self.tell(format!(
                    "expected an object with one of {}, found {}",
                    known.join(", "),
                    shown(value)
                ));
            }
            _ => self.tell(format!("fits none of {} alternatives", schemas.len())),
        }
    }

    /// What an object must have to be meant for a schema.
    fn names(&self, schema: &'s Value) -> Vec<&'s str> {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|to| self.schema.resolve(to));
        let required = target.unwrap_or(schema).get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn object(&mut self, members: &'s Map<String, Value>, object: &Map<String, Value>, depth: usize) {
        for name in members.get("required").and_then(Value::as_array).into_iter().flatten() {
            if let Some(name) = name.as_str().filter(|name| !object.contains_key(*name)) {
                self.tell(format!("`{name}` is missing"));
            }
        }
        for (name, needs) in members.get("dependentRequired").and_then(Value::as_object).into_iter().flatten()
        {
            let needs = needs.as_array().into_iter().flatten().filter_map(Value::as_str);
            for need in needs.filter(|need| object.contains_key(name) && !object.contains_key(*need)) {
                self.tell(format!("`{need}` is missing, which `{name}` needs"));
            }
        }
        self.size(members, "Properties", object.len() as u64, "member");
        let named = members.get("properties").and_then(Value::as_object);
        let by_pattern = members.get("patternProperties").and_then(Value::as_object);
        for (name, value) in object {
            if let Some(names) = members.get("propertyNames")
                && !self.aside(names, &Value::from(name.as_str()), depth).is_empty()
            {
                self.tell(format!("`{}` is no name that a member may have", cut(name)));
            }
            let mut known = false;
            if let Some(schema) = named.and_then(|named| named.get(name)) {
                known = true;
                self.below(name, schema, value, depth);
            }
            for (pattern, schema) in by_pattern.into_iter().flatten() {
                if self.schema.fits(pattern, name) {
                    known = true;
                    self.below(name, schema, value, depth);
                }
            }
            match members.get("additionalProperties") {
                Some(Value::Bool(false)) if !known => {
                    self.tell(format!("there is no member `{}`", cut(name)))
                }
                Some(schema) if !known => self.below(name, schema, value, depth),
                _ => {}
            }
        }
    }

    fn list(&mut self, members: &'s Map<String, Value>, list: &[Value], depth: usize) {
        self.size(members, "Items", list.len() as u64, "element");
        let first = members.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, value) in list.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| members.get("items")) {
                self.below(&index.to_string(), schema, value, depth);
            }
        }
        if members.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = HashSet::new();
            if let Some(twice) = list.iter().find(|value| !seen.insert(value.to_string())) {
                self.tell(format!("has {} twice", shown(twice)));
            }
        }
    }

    fn text(&mut self, members: &'s Map<String, Value>, text: &str) {
        self.size(members, "Length", text.chars().count() as u64, "character");
        if let Some(pattern) = members.get("pattern").and_then(Value::as_str)
            && !self.schema.fits(pattern, text)
        {
            self.tell(format!("\"{}\" does not fit {pattern}", cut(text)));
        }
    }

    fn number(&mut self, members: &Map<String, Value>, number: &Number) {
        type Breaks = fn(&Number, &Number) -> bool;
        let limits: [(&str, &str, Breaks); 4] = [
            ("minimum", "at least", |number, limit| less(number, limit)),
            ("maximum", "at most", |number, limit| less(limit, number)),
            ("exclusiveMinimum", "more than", |number, limit| !less(limit, number)),
            ("exclusiveMaximum", "less than", |number, limit| !less(number, limit)),
        ];
        for (key, words, breaks) in limits {
            if let Some(Value::Number(limit)) = members.get(key)
                && breaks(number, limit)
            {
                self.tell(format!("must be {words} {limit}, and is {number}"));
            }
        }
        if let Some(Value::Number(step)) = members.get("multipleOf")
            && !is_multiple(number, step)
        {
            self.tell(format!("must be a multiple of {step}, and is {number}"));
        }
    }

    fn size(&mut self, members: &Map<String, Value>, of: &str, size: u64, noun: &str) {
        let limit = |side: &str| members.get(&format!("{side}{of}")).and_then(Value::as_u64);
        let s = |number: u64| if number == 1 { "" } else { "s" };
        if let Some(min) = limit("min").filter(|min| size < *min) {
            self.tell(format!("must have at least {min} {noun}{}, and has {size}", s(min)));
        }
        if let Some(max) = limit("max").filter(|max| size > *max) {
            self.tell(format!("must have at most {max} {noun}{}, and has {size}", s(max)));
        }
    }
}

pub(crate) fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_number().is_some_and(is_whole),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        _ => value.is_string(),
    }
}

fn is_whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// Exact between whole numbers.
fn less(one: &Number, other: &Number) -> bool {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_f64() < other.as_f64(),
    }
}

fn is_multiple(number: &Number, step: &Number) -> bool {
    match (number.as_i64(), step.as_i64()) {
        (Some(number), Some(step)) => number % step == 0,
        _ => {
            let quotient = number.as_f64().unwrap_or(f64::NAN) / step.as_f64().unwrap_or(f64::NAN);
            quotient.fract() == 0.0
        }
    }
}

/// Whether two values are the same in the sense of JSON.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => !less(one, other) && !less(other, one),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let member = |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| same(one, other));
            one.len() == other.len() && one.iter().all(member)
        }
        _ => one == other,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(members) if members.len() > 3 => "an object".to_owned(),
        value => cut(&value.to_string()),
    }
}

fn cut(text: &str) -> String {
    let mut shown: String =
        text.chars().take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
