//! Where actors are made: new projects, their toolchains, and the way from sources to a component.
//!
//! - [`create`] writes a project: sources, manifest, scenario, and the SDK itself, so that nothing has to be published for
//!   it to build.
//! - [`Project::open`] finds out what a folder is, [`build()`] makes a component of it with the language's own tools.
//! - [`Sources`] says whether the files of a project have changed.
//!
//! Invariant: a language's tools print to standard error as they like, unchanged; what is said here is a headline, and
//! what to do. Nothing is installed unless [`Options::install`] says so, and then into the project alone.
//!
//! Deliberately absent: running components. Whether what was built is an actor, `troupe-component` says.

mod build;
mod create;
mod lang;
mod name;
mod project;
mod sdk;
mod sources;
mod toolchain;

pub use build::{BuildError, Built, Options, Toolchain, build, encode};
pub use create::{CreateError, Created, create};
pub use lang::Lang;
pub use name::{BadName, check_name};
pub use project::{Fault, How, MANIFEST, Project};
pub use sources::Sources;
