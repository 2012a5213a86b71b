// Made by `troupe schema contracts mixed.schema.json --lang rust`: change the schema and make it again.
//
// Types of what the actor takes and is, and checks of what types cannot say. For `impl Actor for State`, `accept` calls
// `check_message`, `check` calls `check_state`, and `describe` calls `describe`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use troupe_actor::{Description, Reason};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "order")]
    Order,
}

pub type Code = String;

fn fits_code(value: &str) -> Fits {
    matches(value, &[Step(&[('A', 'Z')], 2, Some(2)), Step(&[('-', '-')], 0, Some(1)), Step(&[('0', '9')], 1, None), Step(&[('x', 'x')], 1, Some(1)), Step(&[('.', '.')], 1, Some(1)), Step(&[('\0', '`'), ('{', 'û'), ('ý', '\u{10ffff}')], 0, Some(1))], r"^[A-Z]{2}-?[0-9]+(x)\.[^a-zü]?$")
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Line {
    pub code: Code,
    pub n: u64,
    pub of: BTreeMap<String, Vec<bool>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
}

impl Line {
    fn fits(&self) -> Fits {
        within(".code", fits_code(&self.code))?;
        within(".n", between(self.n, Some(1), None))?;
        within(".of", self.of.iter().try_for_each(|(name, _)| within(format_args!(".{name}"), sized(name.chars().count(), 0, Some(2)))))?;
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Order {
    pub kind: Kind,
    pub lines: Vec<Line>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default)]
    pub r#type: Option<i64>,
}

impl Order {
    fn fits(&self) -> Fits {
        within(".lines", sized(self.lines.len(), 0, Some(5)).and_then(|()| self.lines.iter().enumerate().try_for_each(|(at, one)| within(format_args!("[{at}]"), one.fits()))))?;
        within(".note", self.note.as_ref().map_or(Ok(()), |value| sized(value.chars().count(), 2, Some(3))))?;
        within(".type", self.r#type.as_ref().map_or(Ok(()), |value| between(*value, Some(-5), None)))?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum CancelKind {
    #[serde(rename = "cancel")]
    Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Why {
    #[serde(rename = "late")]
    Late,
    #[serde(rename = "lost-it")]
    LostIt,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Cancel {
    pub kind: CancelKind,
    #[serde(deserialize_with = "Option::deserialize")]
    pub why: Option<Why>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message4 {
    String(String),
    Boolean(bool),
}

impl Message4 {
    fn fits(&self) -> Fits {
        match self {
            Self::String(value) => sized(value.chars().count(), 0, Some(4)),
            Self::Boolean(_) => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    Order(Order),
    Cancel(Cancel),
    Array(Vec<i64>),
    Any(Option<Message4>),
}

impl Message {
    fn fits(&self) -> Fits {
        match self {
            Self::Order(value) => value.fits(),
            Self::Cancel(_) => Ok(()),
            Self::Array(value) => sized(value.len(), 1, Some(3)).and_then(|()| value.iter().enumerate().try_for_each(|(at, one)| within(format_args!("[{at}]"), between(*one, Some(-9), Some(9))))),
            Self::Any(value) => value.as_ref().map_or(Ok(()), |value| value.fits()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Last {
    pub at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ModesValue {
    #[serde(rename = "on")]
    On,
    #[serde(rename = "off")]
    Off,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Pair1 {
    pub a: u64,
    pub x: bool,
}

impl Pair1 {
    fn fits(&self) -> Fits {
        within(".a", between(self.a, Some(3), None))?;
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct B {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Pair2 {
    pub b: B,
    pub x: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pair {
    Pair1(Pair1),
    Pair2(Pair2),
}

impl Pair {
    fn fits(&self) -> Fits {
        match self {
            Self::Pair1(value) => value.fits(),
            Self::Pair2(_) => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct State {
    pub any: serde_json::Value,
    #[serde(deserialize_with = "Option::deserialize")]
    pub last: Option<Last>,
    pub modes: BTreeMap<String, ModesValue>,
    pub names: Vec<Option<String>>,
    pub nothing: (),
    pub pair: Pair,
    pub self_: String,
}

impl State {
    fn fits(&self) -> Fits {
        within(".names", sized(self.names.len(), 1, None).and_then(|()| self.names.iter().enumerate().try_for_each(|(at, one)| within(format_args!("[{at}]"), one.as_ref().map_or(Ok(()), |value| sized(value.chars().count(), 1, None))))))?;
        within(".pair", self.pair.fits())?;
        within(".self_", matches(&self.self_, &[], "^$"))?;
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Config {
    pub limit: u64,
}

impl Config {
    fn fits(&self) -> Fits {
        within(".limit", between(self.limit, None, Some(255)))?;
        Ok(())
    }
}

/// What the schema of `message` says beside the form.
///
/// # Errors
/// What does not fit, with its path.
pub fn check_message(message: &Message) -> Result<(), Reason> {
    message.fits()?;
    Ok(())
}

/// What the schema of `state` says beside the form.
///
/// # Errors
/// What does not fit, with its path.
pub fn check_state(state: &State) -> Result<(), Reason> {
    state.fits()?;
    Ok(())
}

/// What the schema of `config` says beside the form.
///
/// # Errors
/// What does not fit, with its path.
pub fn check_config(config: &Option<Config>) -> Result<(), Reason> {
    config.as_ref().map_or(Ok(()), |value| value.fits())?;
    Ok(())
}

pub type Reply = bool;

/// What the schema of `reply` says beside the form.
///
/// # Errors
/// What does not fit, with its path.
pub fn check_reply(_reply: &bool) -> Result<(), Reason> {
    Ok(())
}

/// The schemas, for people.
pub fn describe() -> Description {
    Description::default()
        .message(r##"{"$defs":{"code":{"pattern":"^[A-Z]{2}-?[0-9]+(x)\\.[^a-zü]?$","type":"string"},"line":{"additionalProperties":false,"properties":{"code":{"$ref":"#/$defs/code"},"n":{"minimum":1,"type":"integer"},"of":{"additionalProperties":{"items":{"type":"boolean"},"type":"array"},"propertyNames":{"maxLength":2},"type":"object"},"price":{"type":"number"}},"required":["code","n","of"],"type":"object"},"order":{"additionalProperties":false,"properties":{"kind":{"const":"order"},"lines":{"items":{"$ref":"#/$defs/line"},"maxItems":5,"type":"array"},"note":{"maxLength":3,"minLength":2,"type":"string"},"type":{"minimum":-5,"type":["null","integer"]}},"required":["kind","lines"],"type":"object"}},"anyOf":[{"$ref":"#/$defs/order"},{"additionalProperties":false,"properties":{"kind":{"const":"cancel"},"why":{"enum":["late","lost-it",null]}},"required":["kind","why"],"type":"object"},{"items":{"exclusiveMaximum":10,"exclusiveMinimum":-10,"type":"integer"},"maxItems":3,"minItems":1,"type":"array"},{"maxLength":4,"type":["string","boolean","null"]}]}"##)
        .state(r#"{"additionalProperties":false,"properties":{"any":true,"last":{"anyOf":[{"type":"null"},{"additionalProperties":false,"properties":{"at":{"type":"integer"}},"required":["at"],"type":"object"}]},"modes":{"additionalProperties":{"enum":["on","off"]},"type":"object"},"names":{"items":{"minLength":1,"type":["string","null"]},"minItems":1,"type":"array"},"nothing":{"type":"null"},"pair":{"oneOf":[{"additionalProperties":false,"properties":{"a":{"minimum":3,"type":"integer"},"x":{"type":"boolean"}},"required":["a","x"],"type":"object"},{"additionalProperties":false,"properties":{"b":{"maxProperties":0,"type":"object"},"x":{"type":"boolean"}},"required":["b","x"],"type":"object"}]},"self_":{"pattern":"^$","type":"string"}},"required":["any","last","modes","names","nothing","pair","self_"],"type":"object"}"#)
        .config(r#"{"additionalProperties":false,"properties":{"limit":{"maximum":255,"minimum":0,"type":"integer"}},"required":["limit"],"type":["object","null"]}"#)
        .reply(r#"{"type":"boolean"}"#)
}

/// Structs are read from objects and not, as serde has it, from arrays, too.
macro_rules! objects {
    ($($name:ident),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;

                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        $name::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }

                deserializer.deserialize_map(Members)
            }
        }
    )*};
}

objects!(Line, Order, Cancel, Last, Pair1, B, Pair2, State, Config);

/// A member that may be absent, and is not null.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What does not fit, and where.
struct Wrong {
    path: String,
    what: String,
}

type Fits = Result<(), Wrong>;

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.trim_start_matches('.') {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

fn wrong(what: impl std::fmt::Display) -> Fits {
    Err(Wrong { path: String::new(), what: what.to_string() })
}

/// A check of what is within, under the name that it has there.
fn within(name: impl std::fmt::Display, fits: Fits) -> Fits {
    fits.map_err(|Wrong { path, what }| Wrong { path: format!("{name}{path}"), what })
}

fn between<N: PartialOrd + std::fmt::Display>(number: N, least: Option<N>, most: Option<N>) -> Fits {
    match (least, most) {
        (Some(least), _) if number < least => wrong(format_args!("is less than {least}")),
        (_, Some(most)) if number > most => wrong(format_args!("is more than {most}")),
        _ => Ok(()),
    }
}

fn sized(size: usize, least: u64, most: Option<u64>) -> Fits {
    match most {
        _ if (size as u64) < least => wrong(format_args!("is shorter than {least}")),
        Some(most) if size as u64 > most => wrong(format_args!("is longer than {most}")),
        _ => Ok(()),
    }
}

/// Between `least` and `most` characters of a class, given as ranges.
struct Step(&'static [(char, char)], usize, Option<usize>);

/// Whether a text is made of these steps; it is never in doubt where one ends.
fn matches(text: &str, steps: &[Step], pattern: &str) -> Fits {
    let mut rest = text.chars().peekable();
    for Step(class, least, most) in steps {
        let mut count = 0;
        while most.is_none_or(|most| count < most)
            && rest.next_if(|c| class.iter().any(|(first, last)| (first..=last).contains(&c))).is_some()
        {
            count += 1;
        }
        if count < *least {
            return wrong(format_args!("does not match {pattern}"));
        }
    }
    if rest.next().is_some() { wrong(format_args!("does not match {pattern}")) } else { Ok(()) }
}
