//! What a token allows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To read states, chains and components.
    Read,
    /// To send messages.
    Send,
    /// To begin, stop and change actors; and everything else.
    Manage,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Send, Self::Manage];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not the name of a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope `{0}`; there are read, send and manage")]
pub struct BadScope(String);

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| BadScope(text.chars().take(40).collect()))
    }
}

/// The scopes of a token: at least one, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Scope>")]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Sorts scopes, and leaves out what is there twice; `None` if there is nothing.
    pub fn new(mut scopes: Vec<Scope>) -> Option<Self> {
        scopes.sort_unstable();
        scopes.dedup();
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// Whether they allow something: by its name, or since they allow everything.
    pub fn allow(&self, needed: Scope) -> bool {
        self.0.iter().any(|scope| *scope == needed || *scope == Scope::Manage)
    }
}

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, &'static str> {
        Self::new(scopes).ok_or("a token needs a scope")
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.pad(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_itself_and_manage_allows_all() {
        for given in Scope::ALL {
            let scopes = Scopes::new(vec![given]).unwrap();
            for needed in Scope::ALL {
                assert_eq!(scopes.allow(needed), given == needed || given == Scope::Manage);
            }
        }
        assert_eq!(Scopes::new(vec![]), None);
        let both = Scopes::new(vec![Scope::Send, Scope::Read, Scope::Send]).unwrap();
        assert_eq!(both.to_string(), "read,send");
    }

    #[test]
    fn a_scope_is_found_by_its_name_only() {
        assert_eq!("send".parse(), Ok(Scope::Send));
        assert!("Send".parse::<Scope>().unwrap_err().to_string().contains("there are read, send"));
    }
}
