// Made by `troupe schema contracts stock.schema.json --lang rust`: change the schema and make it again.
//
// Types of what the actor takes and is, and checks of what types cannot say. For `impl Actor for State`, `accept` calls
// `check_message`, `check` calls `check_state`, and `describe` calls `describe`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use troupe_actor::{Description, Reason};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Change {
    pub item: String,
    pub n: u64,
}

impl Change {
    fn fits(&self) -> Fits {
        within(".item", matches(&self.item, &[Step(&[('-', '-'), ('0', '9'), ('a', 'z')], 1, Some(32))], "^[a-z0-9-]{1,32}$"))?;
        within(".n", between(self.n, Some(1), Some(1_000_000)))?;
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Nothing {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Remind {
    pub after: u64,
}

impl Remind {
    fn fits(&self) -> Fits {
        within(".after", between(self.after, Some(1), Some(86_400_000)))?;
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    #[serde(rename = "add")]
    Add(Change),
    #[serde(rename = "take")]
    Take(Change),
    #[serde(rename = "total")]
    Total(Nothing),
    #[serde(rename = "remind")]
    Remind(Remind),
    #[serde(rename = "who")]
    Who(Nothing),
    #[serde(rename = "fail")]
    Fail(Nothing),
}

impl Message {
    fn fits(&self) -> Fits {
        match self {
            Self::Add(value) => within(".add", value.fits()),
            Self::Take(value) => within(".take", value.fits()),
            Self::Total(_) => Ok(()),
            Self::Remind(value) => within(".remind", value.fits()),
            Self::Who(_) => Ok(()),
            Self::Fail(_) => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct State {
    #[serde(deserialize_with = "Option::deserialize")]
    pub alert: Option<String>,
    pub items: BTreeMap<String, u64>,
    pub low: u64,
    pub seen: u64,
}

impl State {
    fn fits(&self) -> Fits {
        within(".alert", self.alert.as_ref().map_or(Ok(()), |value| matches(value, &[Step(&[(' ', '~')], 1, Some(256))], "^[ -~]{1,256}$")))?;
        within(".items", self.items.iter().try_for_each(|(name, one)| within(format_args!(".{name}"), matches(name, &[Step(&[('-', '-'), ('0', '9'), ('a', 'z')], 1, Some(32))], "^[a-z0-9-]{1,32}$").and_then(|()| between(*one, Some(1), Some(1_000_000))))))?;
        within(".low", between(self.low, None, Some(1_000_000)))?;
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub alert: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
}

impl Config {
    fn fits(&self) -> Fits {
        within(".alert", self.alert.as_ref().map_or(Ok(()), |value| matches(value, &[Step(&[(' ', '~')], 1, Some(256))], "^[ -~]{1,256}$")))?;
        within(".low", self.low.as_ref().map_or(Ok(()), |value| between(*value, None, Some(1_000_000))))?;
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

/// The schemas, for people.
pub fn describe() -> Description {
    Description::default()
        .message(r##"{"$defs":{"change":{"additionalProperties":false,"properties":{"item":{"pattern":"^[a-z0-9-]{1,32}$","type":"string"},"n":{"maximum":1000000,"minimum":1,"type":"integer"}},"required":["item","n"],"type":"object"},"nothing":{"maxProperties":0,"type":"object"}},"oneOf":[{"additionalProperties":false,"properties":{"add":{"$ref":"#/$defs/change"}},"required":["add"],"type":"object"},{"additionalProperties":false,"properties":{"take":{"$ref":"#/$defs/change"}},"required":["take"],"type":"object"},{"additionalProperties":false,"properties":{"total":{"$ref":"#/$defs/nothing"}},"required":["total"],"type":"object"},{"additionalProperties":false,"properties":{"remind":{"additionalProperties":false,"properties":{"after":{"maximum":86400000,"minimum":1,"type":"integer"}},"required":["after"],"type":"object"}},"required":["remind"],"type":"object"},{"additionalProperties":false,"properties":{"who":{"$ref":"#/$defs/nothing"}},"required":["who"],"type":"object"},{"additionalProperties":false,"properties":{"fail":{"$ref":"#/$defs/nothing"}},"required":["fail"],"type":"object"}]}"##)
        .state(r#"{"additionalProperties":false,"properties":{"alert":{"pattern":"^[ -~]{1,256}$","type":["string","null"]},"items":{"additionalProperties":{"maximum":1000000,"minimum":1,"type":"integer"},"propertyNames":{"pattern":"^[a-z0-9-]{1,32}$","type":"string"},"type":"object"},"low":{"maximum":1000000,"minimum":0,"type":"integer"},"seen":{"minimum":0,"type":"integer"}},"required":["alert","items","low","seen"],"type":"object"}"#)
        .config(r#"{"additionalProperties":false,"properties":{"alert":{"pattern":"^[ -~]{1,256}$","type":["string","null"]},"low":{"maximum":1000000,"minimum":0,"type":"integer"}},"type":["object","null"]}"#)
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

objects!(Change, Nothing, Remind, State, Config);

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
