//! JSON Schemas of actors: what an actor says that it takes, checked and used for what people see.
//!
//! [`Schema`] is a stated subset of JSON Schema 2020-12: every assertion of the core, applicator and validation
//! vocabularies but `contains`, `dependentSchemas`, `unevaluated…` and dynamic references. What is not of the subset is an
//! error as a schema is read, never a silent yes. `format`, titles and other annotations say nothing here.
//! [`Description`] is what an actor exports; [`generate`] makes values that fit a schema, [`infer`] a first schema of
//! values that were seen, and [`contracts`] source code for the SDKs that keeps what a schema says.
//!
//! Invariant: reading and validating end, whatever the schema and the value: depth, patterns and the number of problems
//! have limits, and patterns run in linear time.

pub mod contracts;
mod description;
pub mod generate;
pub mod infer;
mod schema;
mod validate;

pub use description::{BadDescription, Description, PARTS};
pub use schema::{BadSchema, MAX_DEPTH, MAX_SCHEMA, Schema};
pub use validate::{MAX_PROBLEMS, Problem};
