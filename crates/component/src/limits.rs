//! The limits that decide outcomes, by name. All of them stand in genesis, so that a replay uses the same.

use std::time::Duration;

use troupe_chain::{MAX_INTEGER, Text};

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $field:ident = $name:literal, $default:expr, $min:expr, $max:expr;)+) => {
        /// What an actor may use. A message that goes beyond fails, with the error named after the limit.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $($(#[doc = $doc])+ pub $field: u64,)+ }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl Limits {
            /// Name, smallest and largest value of each limit.
            pub const RANGES: &[(&str, u64, u64)] = &[$(($name, $min, $max)),+];

            /// The limits as genesis lists them: all of them but those that jobs have and others need not.
            pub fn to_entry(&self) -> troupe_chain::Limits {
                let pairs = [$(($name, self.$field)),+];
                let listed = pairs.into_iter().filter(|(name, value)| !(is_optional(name) && *value == NONE));
                listed.filter_map(|(name, value)| Some((Text::new(name).ok()?, value))).collect()
            }

            /// Reads the limits of a genesis.
            ///
            /// # Errors
            /// [`BadLimit`] if one is missing, unknown or out of range.
            pub fn from_entry(entry: &troupe_chain::Limits) -> Result<Self, BadLimit> {
                let mut left = entry.clone();
                let mut take = |name: &'static str| {
                    left.remove(&Text::new(name).ok()?)
                };
                let limits =
                    Self { $($field: take($name).or(unlisted($name)).ok_or(BadLimit::Missing($name))?),+ };
                if let Some(name) = left.into_keys().next() {
                    return Err(BadLimit::Unknown(name.to_string()));
                }
                limits.check()?;
                Ok(limits)
            }

            /// Sets a limit by name.
            ///
            /// # Errors
            /// [`BadLimit::Unknown`] if there is none of this name, [`BadLimit::Range`] if the value is out of range.
            pub fn set(&mut self, name: &str, value: u64) -> Result<(), BadLimit> {
                match name {
                    $($name => self.$field = value,)+
                    _ => return Err(BadLimit::Unknown(name.to_owned())),
                }
                self.check()
            }

            fn check(&self) -> Result<(), BadLimit> {
                for (value, &(name, min, max)) in [$(self.$field),+].into_iter().zip(Self::RANGES) {
                    if !(min..=max).contains(&value) {
                        return Err(BadLimit::Range { name, value, min, max });
                    }
                }
                Ok(())
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

limits! {
    /// Bytes of answers from outside for one message.
    answer = "answer", MIB, 0, 64 * MIB;
    /// Number of calls to the outside for one message.
    calls = "calls", 16, 0, 1000;
    /// The component's size in bytes.
    component = "component", 64 * MIB, 8, 256 * MIB;
    /// Fuel for everything that one message causes: about one unit an instruction.
    fuel = "fuel", 1_000_000_000, 1, MAX_INTEGER;
    /// Functions of each core module, imported ones included. Jobs have it; without it there are as many as there are.
    functions = "functions", NONE, 1, NONE;
    /// Globals of each core module, imported ones included, as with `functions`.
    globals = "globals", NONE, 0, NONE;
    /// Core instances within the component.
    instances = "instances", 64, 1, 64;
    /// Bytes of log for one message.
    log = "log", 64 * KIB, 0, 16 * MIB;
    /// Linear memory in bytes, all memories together.
    memory = "memory", 64 * MIB, 64 * KIB, 4096 * MIB - 64 * KIB;
    /// A message's size in bytes.
    message = "message", MIB, 1, 64 * MIB;
    /// A reply's size in bytes.
    reply = "reply", MIB, 0, 64 * MIB;
    /// Bytes that the effects of one message carry, and its calls to the outside.
    send = "send", MIB, 0, 64 * MIB;
    /// Number of effects for one message; a spawn counts as two, and each of its grants as one more.
    sends = "sends", 1000, 0, 10_000;
    /// Bytes of stack.
    stack = "stack", 512 * KIB, 64 * KIB, MIB;
    /// A state's size in bytes.
    state = "state", 4 * MIB, 1, 256 * MIB;
    /// Table elements, all tables together.
    table = "table", 100_000, 1, 100_000;
    /// Tables of each core module, imported ones included, as with `functions`.
    tables = "tables", NONE, 0, NONE;
    /// Milliseconds for one message; past it there is no outcome. Without it the node's own bound holds.
    time = "time", NONE, 1, NONE;
}

/// A limit that is not there.
pub(crate) const NONE: u64 = MAX_INTEGER;

/// Whether a genesis may leave a limit out.
fn is_optional(name: &str) -> bool {
    matches!(name, "functions" | "globals" | "tables" | "time")
}

/// What a limit is that a genesis does not list: a chain from before there were calls to the outside allows none.
fn unlisted(name: &str) -> Option<u64> {
    match name {
        "answer" | "calls" => Some(0),
        _ => is_optional(name).then_some(NONE),
    }
}

impl Limits {
    /// What a job may use unless its submitter asks for something else. A stack of 1,024 frames is counted in bytes, 512 a
    /// frame, since that is what the engine bounds.
    pub fn for_jobs() -> Self {
        Self {
            component: 4 * MIB,
            fuel: 1_000_000,
            functions: 1_000,
            globals: 100,
            memory: 160 * 64 * KIB,
            stack: 1_024 * 512,
            table: 10_000,
            tables: 10,
            time: 30_000,
            ..Self::default()
        }
    }

    /// How long one message may take, where the chain says it.
    pub fn time(&self) -> Option<Duration> {
        (self.time != NONE).then(|| Duration::from_millis(self.time))
    }
}

/// A limit that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLimit {
    /// Genesis does not list it.
    #[error("the limit `{0}` is missing")]
    Missing(&'static str),
    /// There is no such limit.
    #[error("there is no limit `{0}`; there are {names}", names = names())]
    Unknown(String),
    /// The value is out of range.
    #[error("the limit `{name}` is {value}, but must be from {min} to {max}")]
    Range {
        /// The limit.
        name: &'static str,
        /// The value asked for.
        value: u64,
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
}

fn names() -> String {
    Limits::RANGES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genesis_lists_every_limit_and_reads_back() {
        let limits = Limits { fuel: 7, ..Limits::default() };
        let entry = limits.to_entry();
        assert_eq!(entry.len() + 4, Limits::RANGES.len());
        assert_eq!(Limits::from_entry(&entry), Ok(limits));
        let entry = Limits::for_jobs().to_entry();
        assert_eq!(entry.len(), Limits::RANGES.len());
        assert_eq!(Limits::from_entry(&entry), Ok(Limits::for_jobs()));
    }

    #[test]
    fn a_job_has_the_limits_of_the_table() {
        let limits = Limits::for_jobs();
        assert_eq!((limits.time, limits.memory / 65536, limits.fuel), (30_000, 160, 1_000_000));
        assert_eq!((limits.stack / 512, limits.globals, limits.functions), (1024, 100, 1000));
        assert_eq!((limits.tables, limits.table), (10, 10_000));
    }

    #[test]
    fn a_missing_unknown_or_absurd_limit_is_named() {
        let mut entry = Limits::default().to_entry();
        let fuel = entry.remove(&Text::new("fuel").unwrap());
        assert_eq!(Limits::from_entry(&entry), Err(BadLimit::Missing("fuel")));
        entry.insert(Text::new("fuel").unwrap(), fuel.unwrap());
        entry.insert(Text::new("patience").unwrap(), 1);
        assert_eq!(Limits::from_entry(&entry), Err(BadLimit::Unknown("patience".into())));
        let range = Limits::default().set("stack", 1).unwrap_err();
        assert_eq!(range.to_string(), "the limit `stack` is 1, but must be from 65536 to 1048576");
    }
}
