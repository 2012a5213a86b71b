//! Why something is refused or has failed, as text.
//!
//! Invariant: `Reason` is not `Display`, so that everything that is can become one with `?`.

use std::fmt::{self, Display};

/// Why a message is refused, a state is not allowed, or an actor failed. People read it; no code should.
///
/// Whatever can be shown becomes one: `"no".into()`, `format!("only {n}").into()`, or `?` on any error.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, to keep.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<E: Display> From<E> for Reason {
    fn from(reason: E) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq<str> for Reason {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Reason {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Returns from the function with a reason, as `format!` would write it.
#[macro_export]
macro_rules! bail {
    ($($reason:tt)+) => {
        return ::core::result::Result::Err($crate::Reason::from(::core::format_args!($($reason)+)))
    };
}

/// Returns from the function with a reason, as `format!` would write it, unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            $crate::bail!($($reason)+);
        }
    };
}
