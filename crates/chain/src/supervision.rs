//! What a node does about an actor that fails again and again.
//!
//! Deliberately absent: doing it. Nothing here decides an outcome; a parent asks for it, so a chain records it.

use crate::Text;

/// What a node does about an actor's failures. A refused message is not a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supervision {
    /// What is done once failures are repeated.
    pub on_failure: OnFailure,
    /// So many failures within `within` are repeated failures; at least 1.
    pub failures: u64,
    /// The time in which failures and restarts are counted, in milliseconds.
    pub within: u64,
    /// How long an actor rests after it was started again, in milliseconds; doubled each time within `within`.
    pub backoff: u64,
    /// The longest such rest, in milliseconds.
    pub max_backoff: u64,
    /// So many restarts within `within` are done; one more escalates instead.
    pub max_restarts: u64,
}

macro_rules! policies {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What is done about repeated failures.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OnFailure { $($(#[doc = $doc])+ $variant,)+ }

        impl OnFailure {
            /// Every policy.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The policy as written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads a policy; `None` if it is not one of the list.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

policies! {
    /// Nothing: the failure is recorded, the state is as before, and the next message is taken.
    GoOn = "go-on",
    /// It takes no more messages until it is resumed.
    Pause = "pause",
    /// It begins again from its first state, as a fork that takes over its name.
    Restart = "restart",
    /// It goes back to the state before the last message that it accepted, as a fork that takes over its name.
    Restore = "restore",
    /// It is stopped.
    Stop = "stop",
    /// It is paused, and its parent's policy is applied to the parent.
    Escalate = "escalate",
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::GoOn,
            failures: 1,
            within: 60_000,
            backoff: 1000,
            max_backoff: 60_000,
            max_restarts: 5,
        }
    }
}

impl Supervision {
    /// The numbers by name, in ascending order of names, as entries and rows hold them beside `on-failure`.
    pub fn numbers(&self) -> [(&'static str, u64); 5] {
        [
            ("backoff", self.backoff),
            ("failures", self.failures),
            ("max-backoff", self.max_backoff),
            ("max-restarts", self.max_restarts),
            ("within", self.within),
        ]
    }

    /// The policy as a free string.
    pub fn policy(&self) -> Option<Text> {
        Text::new(self.on_failure.as_str()).ok()
    }
}
