//! Why a host call is refused: a closed list, negative numbers for core modules and an enum for components.

macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal;)+) => {
        /// Why a host call is refused. The guest goes on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum HostError { $($(#[doc = $doc])+ $variant,)+ }

        impl HostError {
            /// Every error.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// What a core module gets.
            pub fn number(self) -> i64 {
                match self { $(Self::$variant => $number),+ }
            }

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// When it is.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }

            /// Finds an error by its name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

errors! {
    /// The capability is not granted, or it would be for another than the principal.
    Denied = -1, "denied";
    /// The bytes are not all within the guest's memory.
    BadPointer = -2, "bad-pointer";
    /// More bytes than the function takes, or than a limit allows.
    TooLarge = -3, "too-large";
    /// The bytes or the number are not what the function takes.
    Malformed = -4, "malformed";
    /// There is no such member.
    NotFound = -5, "not-found";
    /// This host cannot do that: it has no commons, or the function is not there yet.
    NotAvailable = -6, "not-available";
    /// No more calls or acts are left for this message.
    Exhausted = -7, "exhausted";
}
