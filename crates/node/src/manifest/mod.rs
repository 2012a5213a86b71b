//! Files that say what is to run: [`Manifest`] for an actor (`actor.toml`), [`NodeConfig`] for a node (`troupe.toml`).
//!
//! Both are strict. A key that does not exist, a value of another type or out of range, a file that is not there: each
//! is a [`Fault`], which shows file, line, column, the line itself and the nearest key that exists. So what was read is
//! what was meant.
//!
//! Deliberately absent: environment variables, includes, and a default file that is read without being asked for.

mod actor;
mod config;
mod fault;
mod grant;
mod name;
mod node;
mod section;

pub use actor::{ComponentRef, Manifest};
pub use fault::Fault;
pub use grant::{http_grant, is_private};
pub use name::{Name, NotAnActorName};
pub use node::{NodeConfig, NodeSettings, StorePlace, TlsFiles};
