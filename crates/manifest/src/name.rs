//! The name that a node knows an actor by.

use std::fmt;
use std::str::FromStr;

/// 1 to 64 characters of `a`-`z`, `0`-`9`, `-`, `_` and `.`, of which the first is a letter. Nothing that could be the
/// id of an actor is a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// The text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnActorName(String);

impl Name {
    /// The most characters.
    pub const MAX_LENGTH: usize = 64;

    /// Checks and takes a text.
    ///
    /// # Errors
    /// [`NotAnActorName`] with the reason.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAnActorName> {
        let text = text.into();
        let no = |reason: String| Err(NotAnActorName(reason));
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return no(format!("a name has 1 to {} characters, not {}", Self::MAX_LENGTH, text.len()));
        }
        if let Some(other) = text.chars().find(|c| !may(*c)) {
            return no(format!("a name has only a-z, 0-9, -, _ and ., not {other:?}"));
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            return no("a name begins with a letter, a-z".to_owned());
        }
        if troupe_chain::Hash::from_hex(text.as_bytes()).is_some() {
            return no("64 hex digits are the id of an actor, not a name".to_owned());
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Name {
    type Err = NotAnActorName;

    fn from_str(text: &str) -> Result<Self, NotAnActorName> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_never_an_id() {
        for name in ["a", "quakes", "q-1_x.y", &"a".repeat(63), &"g".repeat(64)] {
            assert_eq!(Name::new(name).map(|name| name.to_string()).as_deref(), Ok(name));
        }
        for (text, reason) in [
            ("", "1 to 64"),
            (&*"g".repeat(65), "1 to 64"),
            ("Quakes", "'Q'"),
            ("a/b", "'/'"),
            ("a b", "' '"),
            ("1a", "begins with a letter"),
            (".", "begins with a letter"),
            (&*"a".repeat(64), "id of an actor"),
        ] {
            let error = text.parse::<Name>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
