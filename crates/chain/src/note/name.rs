//! Names of keys, and so of logs and witnesses.

use std::fmt;
use std::str::FromStr;

use super::BadKey;
use crate::Hash;

/// The most bytes of a key's name.
pub const MAX_KEY_NAME: usize = 255;

/// What the origin of a chain's log begins with; the chain's id follows.
const CHAIN: &str = "troupe.chain/";

/// The name of a key: 1 to [`MAX_KEY_NAME`] bytes of UTF-8 without white space, control characters or `+`. A URL without
/// its scheme is usual.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of a chain's log.
    pub fn of_chain(chain: &Hash) -> Self {
        Self(format!("{CHAIN}{chain}"))
    }

    /// The chain whose log has this origin.
    pub fn chain(&self) -> Option<Hash> {
        self.0.strip_prefix(CHAIN)?.parse().ok()
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let foreign = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.len() > MAX_KEY_NAME || text.contains(foreign) {
            return Err(BadKey::Name(text.chars().take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}
