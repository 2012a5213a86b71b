//! What the explorer's page checks, for the page itself to run: names, links, replay, signatures and proofs, by the
//! project's own `troupe-chain`, and a plan of how a browser starts a component.
//!
//! The page asks by [`answer`]: an operation with its arguments, each of them bytes, and as many bytes come back. The
//! actor's own code runs outside, in the browser's engine: `guest` asks the page to call it, and the page asks back, by the
//! operations `effect` and `call`, for whatever the actor asks of its host. Nothing here reaches a network or a clock.
//!
//! Invariant: what a transition came to, and whether that is what an entry says, is decided by the same
//! [`Replayer`](troupe_chain::Replayer) as everywhere; the browser is another engine to it, so fuel is not compared, and
//! failures that depend on the engine are taken on trust and counted.

mod answer;
mod bridge;
mod frame;
mod guest;
mod host;
mod links;
mod machine;
mod module;
mod plan;
mod receipt;
mod replay;
mod signed;

pub use answer::answer;
pub use frame::{BadFrame, pack, unpack};
