//! What is told to the stock and what it replies. Whatever can be read is in its range.

use serde::{Deserialize, Serialize};
use troupe_actor::{EffectId, object};

/// The most that there may be of an item.
pub(crate) const MOST: u64 = 1_000_000;
/// The longest name of an item.
const MAX_ITEM: usize = 32;
/// The latest reminder, in milliseconds: a day.
const MAX_AFTER: u64 = 86_400_000;

/// An item: 1 to 32 characters of `a`–`z`, `0`–`9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Item(String);

impl TryFrom<String> for Item {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match (1..=MAX_ITEM).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(Self(name)),
            false => Err("not the name of an item"),
        }
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number from 1 to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Count<const MOST: u64>(u64);

impl<const MOST: u64> Count<MOST> {
    pub(crate) fn get(self) -> u64 {
        self.0
    }
}

impl<const MOST: u64> TryFrom<u64> for Count<MOST> {
    type Error = String;

    fn try_from(count: u64) -> Result<Self, String> {
        if (1..=MOST).contains(&count) { Ok(Self(count)) } else { Err(format!("not from 1 to {MOST}")) }
    }
}

/// What is told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    Add(#[serde(deserialize_with = "object")] Change),
    Take(#[serde(deserialize_with = "object")] Change),
    Total(#[serde(deserialize_with = "object")] Nothing),
    Remind(#[serde(deserialize_with = "object")] Remind),
    Who(#[serde(deserialize_with = "object")] Nothing),
    Fail(#[serde(deserialize_with = "object")] Nothing),
}

impl Message {
    /// The key of the message.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Take(_) => "take",
            Self::Total(_) => "total",
            Self::Remind(_) => "remind",
            Self::Who(_) => "who",
            Self::Fail(_) => "fail",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) item: Item,
    pub(crate) n: Count<MOST>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remind {
    pub(crate) after: Count<MAX_AFTER>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// What is replied.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Reply {
    Left { item: Item, n: u64 },
    Total { items: usize, total: u64 },
    Timer { timer: EffectId },
    Who { at: u64, from: &'static str, seq: u64 },
}
