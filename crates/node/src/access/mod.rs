//! Who may do what: tokens with scopes, what this machine may do without one, and how often anybody may ask.
//!
//! [`TokenFile`] makes, lists and revokes tokens in a file; [`Tokens`] is that file as a running node sees it; [`Policy`]
//! decides about a request, and [`RateLimit`] about the next one of a client.
//!
//! Invariant: whatever is not allowed is denied, also when the file of tokens cannot be read; and a secret is shown once,
//! when it is made. Neither files nor errors nor `Debug` have it.
//!
//! Deliberately absent: passwords, sessions, users, and rights on single actors.

mod denied;
mod file;
mod policy;
mod rate;
mod scope;
mod token;
mod tokens;

pub use denied::Denied;
pub use file::{NewToken, TokenEntry, TokenError, TokenFile};
pub use policy::{Asked, Policy, Who};
pub use rate::{RateLimit, TooMany};
pub use scope::{BadScope, Scope, Scopes};
pub use token::{NotATokenId, Secret, TokenId};
pub use tokens::Tokens;
