//! From schemas to shapes.
//!
//! Invariant: an assertion that no shape has is an error with its place. What is read says exactly what the schema does.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::names::{self, pascal};
use super::parts;
use super::pattern::Pattern;
use super::shape::{Form, Member, Root, Shape, Shapes, Size, Type};
use crate::schema::{ASSERTIONS, MAX_DEPTH};
use crate::validate::is_of;
use crate::{BadSchema, Description};

/// The most types that the code may have.
const MAX_TYPES: usize = 1000;

/// Assertions that there is no code for, whatever the type.
const NEVER: &[&str] =
    &["allOf", "dependentRequired", "else", "if", "multipleOf", "not", "patternProperties", "then"];

/// Reads every part of a description.
pub(super) fn read(known: &Description) -> Result<Shapes, BadSchema> {
    let mut shapes = Shapes::default();
    for (part, schema) in parts(known) {
        let name = pascal(part);
        let mut reading = Reading { root: schema, shapes: &mut shapes, references: BTreeMap::new() };
        let place = Place { path: format!("/{part}"), hints: vec![name], depth: MAX_DEPTH, root: true };
        let shape = reading.schema(schema, &place)?;
        shapes.roots.push(Root { part, shape, schema: schema.to_string() });
    }
    Ok(shapes)
}

/// Where a schema is.
struct Place {
    path: String,
    /// Names that a type here could have, the best first.
    hints: Vec<String>,
    depth: usize,
    /// Whether it is a whole part of the description.
    root: bool,
}

impl Place {
    fn below(&self, key: &str, hint: &str) -> Self {
        let around = self.hints.first().map_or("", String::as_str);
        let path = format!("{}/{}", self.path, key);
        Self {
            path,
            hints: vec![pascal(hint), format!("{around}{}", pascal(hint))],
            depth: self.depth - 1,
            root: false,
        }
    }

    /// Within, with a name that is that of the outer and more.
    fn part(&self, key: &str, more: &str) -> Self {
        let around = self.hints.first().map_or("", String::as_str);
        let path = format!("{}/{key}", self.path);
        Self { path, hints: vec![format!("{around}{more}")], depth: self.depth - 1, root: false }
    }

    fn bad<T>(&self, what: impl Into<String>) -> Result<T, BadSchema> {
        Err(BadSchema { path: self.path.clone(), what: what.into() })
    }
}

struct Reading<'s, 't> {
    root: &'s Value,
    shapes: &'t mut Shapes,
    /// What references lead to; nothing while they are read.
    references: BTreeMap<String, Option<Shape>>,
}

type Read = Result<Shape, BadSchema>;

impl Reading<'_, '_> {
    fn schema(&mut self, schema: &Value, at: &Place) -> Read {
        if at.depth == 0 {
            return at.bad(format!("it nests deeper than {MAX_DEPTH}"));
        }
        let members = match schema {
            Value::Bool(true) => return Ok(Shape::Any),
            Value::Object(members) => members,
            _ => return at.bad("nothing fits it"),
        };
        let says: Vec<&str> =
            members.keys().map(String::as_str).filter(|key| ASSERTIONS.contains(key)).collect();
        let only = |allowed: &[&str]| match says.iter().find(|key| !allowed.contains(key)) {
            Some(key) => at.bad(format!("there is no code for `{key}` here")),
            None => Ok(()),
        };
        if let Some(key) = says.iter().find(|key| NEVER.contains(key)) {
            return at.bad(format!("there is no code for `{key}`"));
        }
        if let Some(Value::String(reference)) = members.get("$ref") {
            only(&["$ref"])?;
            return self.reference(reference, at);
        }
        let one = members.get("const").map(std::slice::from_ref);
        if let Some(values) = one.or_else(|| members.get("enum")?.as_array().map(Vec::as_slice)) {
            only(&[if one.is_some() { "const" } else { "enum" }, "type"])?;
            return self.values(values, members.get("type"), at);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(schemas)) = members.get(key) {
                only(&[key])?;
                return self.alternatives(key, schemas, at);
            }
        }
        match members.get("type") {
            None if says.is_empty() => Ok(Shape::Any),
            None => at.bad("it wants a `type`"),
            Some(Value::Array(kinds)) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                let allowed: Vec<&str> = kinds.iter().flat_map(|kind| keywords(kind)).copied().collect();
                only(&allowed)?;
                let mut read = Vec::new();
                for kind in kinds {
                    read.push(self.kind(kind, members, at)?);
                }
                self.choice(read, at)
            }
            Some(kind) => {
                let kind = kind.as_str().unwrap_or_default();
                only(keywords(kind))?;
                self.kind(kind, members, at)
            }
        }
    }

    fn reference(&mut self, reference: &str, at: &Place) -> Read {
        match self.references.get(reference) {
            Some(Some(shape)) => return Ok(shape.clone()),
            Some(None) => return at.bad(format!("`{reference}` is within itself")),
            None => {}
        }
        let path = reference.strip_prefix('#').unwrap_or_default();
        let Some(target) = self.root.pointer(path) else { return at.bad("it leads nowhere") };
        self.references.insert(reference.to_owned(), None);
        let name = pascal(path.rsplit('/').next().unwrap_or_default());
        let types = self.shapes.types.len();
        let place = Place { path: at.path.clone(), hints: vec![name], depth: at.depth - 1, root: false };
        let shape = match self.schema(target, &place)? {
            // The type that was made for it has its name.
            Shape::Named(made) if made >= types => {
                self.shapes.types[made].shared = true;
                Shape::Named(made)
            }
            plain @ (Shape::Any | Shape::Null | Shape::Boolean) => plain,
            shape => self.named(Form::Alias(shape), true, &place)?,
        };
        self.references.insert(reference.to_owned(), Some(shape.clone()));
        Ok(shape)
    }

    /// One of several values.
    fn values(&mut self, values: &[Value], kinds: Option<&Value>, at: &Place) -> Read {
        let kinds = kinds.map(|kinds| kinds.as_array().map_or(std::slice::from_ref(kinds), Vec::as_slice));
        let fits = |value: &Value, kinds: &[Value]| {
            kinds.iter().filter_map(Value::as_str).any(|kind| is_of(kind, value))
        };
        if let Some(other) = values.iter().find(|value| kinds.is_some_and(|kinds| !fits(value, kinds))) {
            return at.bad(format!("{other} is not of its `type`"));
        }
        if let [Value::Number(number)] = values
            && let Some(number) = whole(number)
        {
            return Ok(Shape::Integer { least: Some(number), most: Some(number) });
        }
        let null = values.contains(&Value::Null);
        let mut words: Vec<String> = Vec::new();
        for value in values.iter().filter(|value| !value.is_null()) {
            match value {
                Value::String(text) if !words.contains(text) => words.push(text.clone()),
                Value::String(_) => {}
                other => return at.bad(format!("there is code for texts and null, and {other} is neither")),
            }
        }
        match (words.is_empty(), null) {
            (true, true) => Ok(Shape::Null),
            (true, false) => at.bad("nothing fits it"),
            (false, true) => Ok(Shape::Nullable(Box::new(self.named(Form::Words(words), false, at)?))),
            (false, false) => self.named(Form::Words(words), false, at),
        }
    }

    fn alternatives(&mut self, key: &str, schemas: &[Value], at: &Place) -> Read {
        if let Some(tagged) = self.tagged(schemas) {
            let mut read: Vec<(String, Shape)> = Vec::new();
            for (name, schema) in tagged {
                read.push((name.clone(), self.schema(&schema, &at.below(&format!("{key}/{name}"), &name))?));
            }
            return self.named(Form::Tagged(read), false, at);
        }
        let mut read = Vec::new();
        for (index, schema) in schemas.iter().enumerate() {
            let mut place = at.part(&format!("{key}/{index}"), &(index + 1).to_string());
            if let Some(kind) = constant(schema) {
                place.hints.insert(0, pascal(kind));
            } else if schemas.iter().filter(|schema| !is_null(schema)).count() == 1 {
                place = Place { hints: at.hints.clone(), root: at.root, ..place };
            }
            read.push(self.schema(schema, &place)?);
        }
        self.choice(read, at)
    }

    /// The alternatives by their one member, if each is an object with one, and each with another.
    fn tagged(&self, schemas: &[Value]) -> Option<Vec<(String, Value)>> {
        let mut tagged: Vec<(String, Value)> = Vec::new();
        for schema in schemas {
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
            let schema = target.map_or(Some(schema), |to| self.root.pointer(to))?;
            let is = |key: &str, value: Value| schema.get(key) == Some(&value);
            let (name, body) = schema.get("properties")?.as_object()?.iter().next()?;
            let one = schema.get("properties")?.as_object()?.len() == 1;
            let required = is("required", Value::from(vec![name.as_str()]));
            let plain = ["oneOf", "anyOf", "propertyNames", "maxProperties"]
                .iter()
                .all(|key| schema.get(key).is_none());
            let fits = one
                && required
                && plain
                && is("type", "object".into())
                && is("additionalProperties", false.into());
            if !fits || tagged.iter().any(|(known, _)| known == name) {
                return None;
            }
            tagged.push((name.clone(), body.clone()));
        }
        (tagged.len() > 1).then_some(tagged)
    }

    fn choice(&mut self, all: Vec<Shape>, at: &Place) -> Read {
        let count = all.len();
        let rest: Vec<Shape> = all.into_iter().filter(|shape| *shape != Shape::Null).collect();
        for (index, one) in rest.iter().enumerate() {
            if rest[index + 1..].iter().any(|other| self.shapes.overlap(one, other)) {
                return at.bad(
                    "its alternatives differ neither in their kind nor in the members that they require",
                );
            }
        }
        let null = rest.len() < count;
        let shape = match <[Shape; 1]>::try_from(rest) {
            Ok([one]) => one,
            Err(rest) if rest.is_empty() => return Ok(Shape::Null),
            Err(rest) => self.named(Form::Choice(rest), false, at)?,
        };
        match null {
            true if self.shapes.overlap(&shape, &Shape::Null) => at.bad("it says null twice"),
            true => Ok(Shape::Nullable(Box::new(shape))),
            false => Ok(shape),
        }
    }

    fn kind(&mut self, kind: &str, members: &Map<String, Value>, at: &Place) -> Read {
        let size = |of: &str| Size {
            least: members.get(&format!("min{of}")).and_then(Value::as_u64).unwrap_or_default(),
            most: members.get(&format!("max{of}")).and_then(Value::as_u64),
        };
        match kind {
            "null" => Ok(Shape::Null),
            "boolean" => Ok(Shape::Boolean),
            "integer" => integer(members, at),
            "number" => Ok(Shape::Number {
                least: members.get("minimum").and_then(Value::as_f64),
                most: members.get("maximum").and_then(Value::as_f64),
            }),
            "string" => {
                let pattern = members.get("pattern").and_then(Value::as_str).map(Pattern::parse).transpose();
                match pattern {
                    Ok(pattern) => Ok(Shape::Text { size: size("Length"), pattern }),
                    Err(why) => at.bad(format!("there is no code for its pattern: {why}")),
                }
            }
            "array" => {
                let item = match members.get("items") {
                    Some(items) => self.schema(items, &at.part("items", "Item"))?,
                    None => Shape::Any,
                };
                if members.get("uniqueItems") == Some(&Value::Bool(true)) {
                    return at.bad("there is no code for `uniqueItems`");
                }
                Ok(Shape::List { size: size("Items"), item: Box::new(item) })
            }
            _ => self.object(members, at),
        }
    }

    fn object(&mut self, members: &Map<String, Value>, at: &Place) -> Read {
        let none = Map::new();
        let named = members.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required = members.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let empty = match members.get("maxProperties").and_then(Value::as_u64) {
            None => false,
            Some(0) if named.is_empty() => true,
            Some(_) => return at.bad("there is no code for `maxProperties` but 0"),
        };
        let rest = members.get("additionalProperties");
        if let Some(name) = required.iter().filter_map(Value::as_str).find(|name| !named.contains_key(*name))
        {
            return at.bad(format!("`{name}` is required, and there is no such member"));
        }
        if empty || rest == Some(&Value::Bool(false)) {
            if members.contains_key("propertyNames") {
                return at.bad("there is no code for `propertyNames` of members that have names");
            }
            let mut read = Vec::new();
            for (name, schema) in named {
                let required = required.iter().any(|one| one == name);
                let shape = self.schema(schema, &at.below(name, name))?;
                read.push(Member { name: name.clone(), required, shape });
            }
            return self.named(Form::Object(read), false, at);
        }
        if !named.is_empty() {
            return at.bad("it may have any other members: say `\"additionalProperties\": false`");
        }
        let name = match members.get("propertyNames") {
            None => Shape::Text { size: Size::default(), pattern: None },
            Some(Value::Object(names)) => {
                // Names are texts, whether the schema says so or not.
                let mut names = names.clone();
                if !names.contains_key("$ref") {
                    names.insert("type".to_owned(), "string".into());
                }
                self.schema(&Value::Object(names), &at.part("propertyNames", "Name"))?
            }
            Some(_) => return at.bad("there is no code for its `propertyNames`"),
        };
        if !matches!(self.shapes.behind(&name), Shape::Text { .. }) {
            return at.bad("there is code for names with a length and a pattern");
        }
        let item = match rest {
            Some(schema) => self.schema(schema, &at.part("additionalProperties", "Value"))?,
            None => Shape::Any,
        };
        Ok(Shape::Map { name: Box::new(name), item: Box::new(item) })
    }

    /// A type of this form: one that there is, or a new one.
    fn named(&mut self, form: Form, shared: bool, at: &Place) -> Read {
        let types = &mut self.shapes.types;
        if let Some(same) = types.iter().position(|one| one.form == form && at.hints.contains(&one.name)) {
            return Ok(Shape::Named(same));
        }
        if types.len() >= MAX_TYPES {
            return at.bad(format!("there are more than {MAX_TYPES} types"));
        }
        let is_free =
            |name: &String| (at.root || !names::is_taken(name)) && types.iter().all(|one| one.name != *name);
        let more = at.hints.iter().flat_map(|hint| [format!("{hint}Type")]);
        let numbered = (2..).map(|number| format!("{}{number}", at.hints.first().map_or("", String::as_str)));
        let name = at.hints.iter().cloned().chain(more).chain(numbered).find(is_free).unwrap_or_default();
        types.push(Type { name, path: at.path.clone(), shared, form });
        Ok(Shape::Named(types.len() - 1))
    }
}

/// What an object says of its kind: a member with one text.
fn constant(schema: &Value) -> Option<&str> {
    schema.get("properties")?.as_object()?.values().find_map(|member| member.get("const")?.as_str())
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The assertions that there is code for, by the kind of value.
fn keywords(kind: &str) -> &'static [&'static str] {
    match kind {
        "integer" => &["type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        "number" => &["type", "minimum", "maximum"],
        "string" => &["type", "minLength", "maxLength", "pattern"],
        "array" => &["type", "items", "minItems", "maxItems", "uniqueItems"],
        "object" => {
            &["type", "properties", "required", "additionalProperties", "propertyNames", "maxProperties"]
        }
        _ => &["type"],
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn integer(members: &Map<String, Value>, at: &Place) -> Read {
    let limit = |key: &str, by: i128| match members.get(key) {
        None => Ok(None),
        Some(value) => match value.as_number().and_then(whole) {
            Some(limit) => Ok(Some(limit + by)),
            None => at.bad(format!("its `{key}` is no whole number of 64 bits")),
        },
    };
    let least = limit("minimum", 0)?.max(limit("exclusiveMinimum", 1)?);
    let most = [limit("maximum", 0)?, limit("exclusiveMaximum", -1)?].into_iter().flatten().min();
    if least.is_some_and(|least| most.is_some_and(|most| least > most)) {
        return at.bad("no number fits it");
    }
    if least.is_none_or(|least| least < 0) && most.is_some_and(|most| most > i128::from(i64::MAX)) {
        return at.bad("its numbers have more than 64 bits");
    }
    Ok(Shape::Integer { least, most })
}
