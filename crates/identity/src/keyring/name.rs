//! What a person calls a key.

use std::fmt;
use std::str::FromStr;

/// The most characters of a name.
const MAX_NAME: usize = 64;

/// The name of a key in a [`Keyring`](super::Keyring): 1 to 64 of `a` to `z`, `0` to `9`, `-` and `_`, beginning with a letter
/// or a digit, so that it is a file name everywhere and never a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdName(String);

/// A text is no name of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a key: expected 1 to {MAX_NAME} of a to z, 0 to 9, `-` and `_`, beginning with a letter or a digit"
)]
pub struct BadIdName(String);

impl IdName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdName {
    type Err = BadIdName;

    fn from_str(text: &str) -> Result<Self, BadIdName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = (1..=MAX_NAME).contains(&text.len())
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || c == '-' || c == '_');
        let shown = || BadIdName(text.chars().take(MAX_NAME + 1).collect());
        good.then(|| Self(text.to_owned())).ok_or_else(shown)
    }
}

impl fmt::Display for IdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
