//! Schemas of one kind of value: numbers, texts, lists and objects.

use serde_json::{Map, Number, Value};

use super::{Place, Read, Reading};
use crate::contracts::pattern::Pattern;
use crate::contracts::shape::{Form, Member, Shape, Size};

impl Reading<'_, '_> {
    pub(super) fn kind(&mut self, kind: &str, members: &Map<String, Value>, at: &Place) -> Read {
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
}

/// The assertions that there is code for, by the kind of value.
pub(super) fn keywords(kind: &str) -> &'static [&'static str] {
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

pub(super) fn whole(number: &Number) -> Option<i128> {
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
