// Made by `troupe schema contracts numbers.schema.json --lang rust`: change the schema and make it again.
//
// Types of what the actor takes and is, and checks of what types cannot say. For `impl Actor for State`, `accept` calls
// `check_message`, `check` calls `check_state`, and `describe` calls `describe`.

use serde::{Deserialize, Serialize};
use troupe_actor::{Description, Reason};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct State {
    pub rate: f64,
}

impl State {
    fn fits(&self) -> Fits {
        within(".rate", between(self.rate, Some(0.0), None))?;
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Config {}

pub type Message = f64;

/// What the schema of `message` says beside the form.
///
/// # Errors
/// What does not fit, with its path.
pub fn check_message(message: &f64) -> Result<(), Reason> {
    between(*message, Some(-1.5), Some(2.5))?;
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
pub fn check_config(_config: &Option<Config>) -> Result<(), Reason> {
    Ok(())
}

/// The schemas, for people.
pub fn describe() -> Description {
    Description::default()
        .message(r#"{"maximum":2.5,"minimum":-1.5,"type":"number"}"#)
        .state(r#"{"additionalProperties":false,"properties":{"rate":{"minimum":0,"type":"number"}},"required":["rate"],"type":"object"}"#)
        .config(r#"{"additionalProperties":false,"properties":{},"type":["object","null"]}"#)
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

objects!(State, Config);

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
