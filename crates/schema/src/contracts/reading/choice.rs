//! Schemas that are one of several: values, or alternatives.

use serde_json::Value;

use super::kind::whole;
use super::{Place, Read, Reading};
use crate::contracts::names::pascal;
use crate::contracts::shape::{Form, Shape};
use crate::validate::is_of;

impl Reading<'_, '_> {
    /// One of several values.
    pub(super) fn values(&mut self, values: &[Value], kinds: Option<&Value>, at: &Place) -> Read {
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

    pub(super) fn alternatives(&mut self, key: &str, schemas: &[Value], at: &Place) -> Read {
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

    pub(super) fn choice(&mut self, all: Vec<Shape>, at: &Place) -> Read {
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
}

/// What an object says of its kind: a member with one text.
fn constant(schema: &Value) -> Option<&str> {
    schema.get("properties")?.as_object()?.values().find_map(|member| member.get("const")?.as_str())
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}
