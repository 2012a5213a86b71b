//! Why a command was refused: a closed list of codes, and what a person reads.
//!
//! A refusal is the caller's fault, leaves no entry and changes nothing, the command's number included.

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What kind of refusal it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order in which they are looked for.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// The bytes are no command in canonical form.
    Malformed = "malformed",
    /// The command is for another chain.
    WrongChain = "wrong-chain",
    /// The command is past its time, or says a time too far ahead.
    Expired = "expired",
    /// The signature is not of the key that the command names.
    Signature = "signature",
    /// No member has this key.
    UnknownKey = "unknown-key",
    /// Another number was expected: it was used before, or one before it is missing.
    Number = "number",
    /// The member is not active.
    NotActive = "not-active",
    /// All but governance is frozen.
    Frozen = "frozen",
    /// There is no such member, job, hold, proposal or grant.
    NotFound = "not-found",
    /// What there is, is in another phase.
    Phase = "phase",
    /// It is too early.
    TooEarly = "too-early",
    /// It is too late.
    TooLate = "too-late",
    /// The member may not do this.
    NotAllowed = "not-allowed",
    /// A value is beyond its bounds.
    Bounds = "bounds",
    /// It is there already.
    Exists = "exists",
    /// The account has less mana than that.
    Mana = "mana",
    /// The executor is not fit for the job.
    Unfit = "unfit",
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", code.as_str())]
pub struct Refusal {
    /// What kind it is.
    pub code: Code,
    /// What a person reads.
    pub what: String,
}

/// A refusal with its reason.
pub(crate) fn refuse<T>(code: Code, what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, what: what.into() })
}

/// Refuses unless a condition holds.
pub(crate) fn require(condition: bool, code: Code, what: &str) -> Result<(), Refusal> {
    if condition { Ok(()) } else { refuse(code, what) }
}
