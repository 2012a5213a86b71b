//! From schemas to shapes.
//!
//! Invariant: an assertion that no shape has is an error with its place. What is read says exactly what the schema does.

mod choice;
mod kind;

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{self, pascal};
use super::parts;
use super::shape::{Form, Root, Shape, Shapes, Type};
use crate::schema::{ASSERTIONS, MAX_DEPTH};
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
                let allowed: Vec<&str> =
                    kinds.iter().flat_map(|kind| kind::keywords(kind)).copied().collect();
                only(&allowed)?;
                let mut read = Vec::new();
                for kind in kinds {
                    read.push(self.kind(kind, members, at)?);
                }
                self.choice(read, at)
            }
            Some(kind) => {
                let kind = kind.as_str().unwrap_or_default();
                only(kind::keywords(kind))?;
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
