//! Files that say what is to run: [`Manifest`] for an actor (`actor.toml`), [`NodeConfig`] for a node (`troupe.toml`).
//!
//! They are strict. A key that does not exist, a value of another type or out of range, a file that is not there: each
//! is a [`Fault`], which shows file, line, column, the line itself and the nearest key that exists. So what was read is
//! what was meant. [`strict`] is how they are read, for other files of the same kind; [`units`] reads sizes and durations.
//!
//! Deliberately absent: includes, and a default file that is read without being asked for.

mod actor;
mod config;
mod fault;
mod grant;
mod granted;
mod name;
mod node;
mod section;
mod supervision;
pub mod units;

pub use actor::{ComponentRef, Manifest};
pub use fault::Fault;
pub use grant::{grant, is_private};
pub use name::{Name, NotAnActorName};
pub use node::{
    ExecutorSettings, IdentitySettings, Kind, Layers, Loaded, LogSettings, MAX_EXECUTORS, Network,
    NodeConfig, NodeSettings, Origin, Profile, Row, SETTINGS, Setting, StorePlace, TlsFiles,
};

/// What strict files are read with: tables key by key, each value with its place.
pub mod strict {
    pub use crate::actor::{config, limits};
    pub use crate::config::{canonical_json, canonical_value};
    pub use crate::fault::{Source, unknown};
    pub use crate::granted::grants;
    pub use crate::section::{At, Section, parse, read, type_of};
}
