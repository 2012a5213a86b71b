//! A schema as it is read: every keyword looked at once, every reference and pattern resolved.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

/// How deep schemas, and references within them, may nest.
pub const MAX_DEPTH: usize = 64;
/// The most bytes of a schema, written compactly.
pub const MAX_SCHEMA: usize = 256 << 10;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

/// Keywords that would change what is valid, and are not of the subset.
const NOT_SUPPORTED: &[&str] = &[
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "contains",
    "dependencies",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords with a schema.
const ONE: &[&str] = &["additionalProperties", "else", "if", "items", "not", "propertyNames", "then"];
/// Keywords with a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords with schemas by name.
const NAMED: &[&str] = &["$defs", "definitions", "patternProperties", "properties"];
/// Keywords with a whole number that is not negative.
const SIZES: &[&str] = &["maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"];
/// Keywords with a number.
const NUMBERS: &[&str] = &["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"];
/// Every keyword of the subset that asserts something; the others are annotations.
pub(crate) const ASSERTIONS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "dependentRequired",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
    "uniqueItems",
];
/// The types of JSON.
const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// A schema that can be used.
#[derive(Debug, Clone)]
pub struct Schema {
    root: Value,
    patterns: BTreeMap<String, Regex>,
}

/// A schema that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", if path.is_empty() { String::new() } else { format!("at {path}: ") })]
pub struct BadSchema {
    /// Where in the schema, as a JSON pointer.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`BadSchema`] for the first keyword that cannot be used.
    pub fn new(root: Value) -> Result<Self, BadSchema> {
        let whole = |what: String| BadSchema { path: String::new(), what };
        if root.to_string().len() > MAX_SCHEMA {
            return Err(whole(format!("it has more than {MAX_SCHEMA} bytes")));
        }
        let mut reading = Reading { root: &root, patterns: BTreeMap::new() };
        reading.schema(&root, "", MAX_DEPTH)?;
        let patterns = reading.patterns;
        Ok(Self { root, patterns })
    }

    /// The schema as JSON.
    pub fn as_json(&self) -> &Value {
        &self.root
    }

    /// What a reference within this schema leads to.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&Value> {
        resolve(&self.root, reference)
    }

    /// Whether text fits a pattern of this schema.
    pub(crate) fn fits(&self, pattern: &str, text: &str) -> bool {
        self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text))
    }
}

fn resolve<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    root.pointer(reference.strip_prefix('#')?)
}

struct Reading<'v> {
    root: &'v Value,
    patterns: BTreeMap<String, Regex>,
}

impl Reading<'_> {
    fn schema(&mut self, schema: &Value, path: &str, depth: usize) -> Result<(), BadSchema> {
        let bad = |what: String| Err(BadSchema { path: path.to_owned(), what });
        let Some(depth) = depth.checked_sub(1) else {
            return bad(format!("it nests deeper than {MAX_DEPTH}"));
        };
        let members = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(members) => members,
            _ => return bad("a schema is an object, true or false".to_owned()),
        };
        for (key, value) in members {
            let at = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            self.keyword(key, value, &at, depth)?;
        }
        Ok(())
    }

    fn keyword(&mut self, key: &str, value: &Value, at: &str, depth: usize) -> Result<(), BadSchema> {
        let bad = |what: String| Err(BadSchema { path: at.to_owned(), what });
        let expected = |what: &str| bad(format!("it must be {what}"));
        match key {
            _ if NOT_SUPPORTED.contains(&key) => return bad(format!("`{key}` is not supported here")),
            _ if ONE.contains(&key) => return self.schema(value, at, depth),
            _ if LIST.contains(&key) => {
                let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
                    return expected("a list of schemas that is not empty");
                };
                for (index, schema) in list.iter().enumerate() {
                    self.schema(schema, &format!("{at}/{index}"), depth)?;
                }
            }
            _ if NAMED.contains(&key) => {
                let Some(named) = value.as_object() else { return expected("an object of schemas") };
                for (name, schema) in named {
                    if key == "patternProperties" {
                        self.pattern(name, at)?;
                    }
                    self.schema(
                        schema,
                        &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                        depth,
                    )?;
                }
            }
            _ if SIZES.contains(&key) && value.as_u64().is_none() => {
                return expected("a whole number that is not negative");
            }
            "multipleOf" if value.as_f64().is_none_or(|number| number <= 0.0) => {
                return expected("a number above 0");
            }
            _ if NUMBERS.contains(&key) && !value.is_number() => return expected("a number"),
            "type" => {
                let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
                let fits = match value {
                    Value::Array(list) => !list.is_empty() && list.iter().all(known),
                    one => known(one),
                };
                if !fits {
                    return expected(
                        "one or several of array, boolean, integer, null, number, object, string",
                    );
                }
            }
            "enum" if !value.is_array() => return expected("a list"),
            "uniqueItems" if !value.is_boolean() => return expected("true or false"),
            "required" if !is_texts(value) => return expected("a list of names"),
            "dependentRequired" => {
                let fits = |named: &Map<String, Value>| named.values().all(is_texts);
                if !value.as_object().is_some_and(fits) {
                    return expected("an object of lists of names");
                }
            }
            "pattern" => {
                let Some(pattern) = value.as_str() else { return expected("a regular expression") };
                self.pattern(pattern, at)?;
            }
            "$ref" => {
                let Some(reference) = value.as_str() else { return expected("a reference") };
                if resolve(self.root, reference).is_none_or(|found| !found.is_object() && !found.is_boolean())
                {
                    return bad(format!("`{reference}` leads to no schema within this one"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &str, at: &str) -> Result<(), BadSchema> {
        if self.patterns.contains_key(pattern) {
            return Ok(());
        }
        let regex = RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
        let regex = regex.map_err(|error| BadSchema {
            path: at.to_owned(),
            what: format!("`{pattern}` is no regular expression: {}", last_line(&error.to_string())),
        })?;
        self.patterns.insert(pattern.to_owned(), regex);
        Ok(())
    }
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default().trim()
}
