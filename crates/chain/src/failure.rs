//! The closed list of reasons why an actor failed on a message, in order of precedence.
//!
//! What a person reads about a failure belongs to the log, not to the hash; so a code carries no text.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Why an actor failed on a message. Where several apply, the first of this list is recorded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureCode { $($(#[doc = $doc])+ $variant,)+ }

        impl FailureCode {
            /// Every code, in order of precedence.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as written in an entry.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads a code; `None` if it is not one of the list.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    /// The fuel budget of the message ran out.
    Fuel = "fuel",
    /// A growth of memory was denied by the limit, and the actor trapped.
    Memory = "memory",
    /// A growth of a table was denied by the limit, and the actor trapped.
    Table = "table",
    /// The stack limit was reached.
    Stack = "stack",
    /// `unreachable` was executed: a panic or an abort in most languages.
    Unreachable = "trap:unreachable",
    /// A memory access out of bounds.
    MemoryBounds = "trap:memory-out-of-bounds",
    /// A table access out of bounds.
    TableBounds = "trap:table-out-of-bounds",
    /// An indirect call of a null or wrongly typed function.
    IndirectCall = "trap:indirect-call",
    /// An integer overflow or a conversion that does not fit.
    IntegerOverflow = "trap:integer-overflow",
    /// A division by zero.
    DivideByZero = "trap:divide-by-zero",
    /// A value that the component model's canonical ABI does not allow, such as text that is not UTF-8.
    Abi = "trap:abi",
    /// An effect or a call to the outside was asked for elsewhere than in `init`, `handle` and `migrate`.
    SendInContract = "trap:send-in-contract",
    /// `send`, `request` or `stop` named an actor by other than 1 to 256 printable ASCII characters.
    SendAddress = "trap:send-address",
    /// An effect with something else that cannot stand in an entry: a text, an integer, a hash.
    Effect = "trap:effect",
    /// Any other trap.
    Trap = "trap:other",
    /// The actor wrote more log than the limit allows.
    TooLargeLog = "too-large:log",
    /// The actor's effects and calls carry more bytes than the limit allows.
    TooLargeSend = "too-large:send",
    /// The actor asked for more effects than the limit allows.
    TooManySends = "too-large:sends",
    /// The actor called the outside more often than the limit allows.
    TooManyCalls = "too-large:calls",
    /// The answers from outside have more bytes than the limit allows.
    TooLargeAnswer = "too-large:answer",
    /// `handle` returned an error.
    Refused = "refused",
    /// The new state is larger than the limit allows.
    TooLargeState = "too-large:state",
    /// The reply is larger than the limit allows.
    TooLargeReply = "too-large:reply",
    /// The state contract refused the new state.
    StateContract = "state-contract",
}

impl FailureCode {
    /// Whether another engine may come to another outcome, so that a replay under one takes it on trust.
    pub fn depends_on_engine(self) -> bool {
        matches!(self, Self::Fuel | Self::Memory | Self::Table | Self::Stack)
    }

    /// Whether every call returned, so that the fuel used is exact.
    pub fn is_returned(self) -> bool {
        matches!(self, Self::Refused | Self::TooLargeState | Self::TooLargeReply | Self::StateContract)
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for &code in FailureCode::ALL {
            assert_eq!(FailureCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(FailureCode::parse("trap:"), None);
    }
}
