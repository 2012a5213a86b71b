//! Contracts as source code: from the schemas of a description to what an author of an SDK would write by hand.
//!
//! [`contracts`] reads the schemas into shapes and writes them in one of the languages. What a language's SDK
//! cannot keep is an error that names its place in the schemas, never a rule that is left out.
//!
//! Invariant: the code accepts a value if and only if the schema does, with these exceptions, which every language has in
//! common: integers have 64 bits and are written without a fraction or an exponent (JavaScript cannot see the difference),
//! and a value that has a member twice may be refused.

mod c;
mod javascript;
mod names;
mod pattern;
mod python;
mod reading;
mod rust;
mod shape;

use serde_json::Value;

use crate::{BadDescription, BadSchema, Description};

/// A language that has an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Types with serde, for the crate `troupe-actor`.
    Rust,
    /// Schemas for `actor({ schema, … })`.
    JavaScript,
    /// Dataclasses, for the package `troupe_actor`.
    Python,
    /// Functions over the reader of `troupe_actor.h`.
    C,
}

/// Why there is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoContracts {
    /// The description cannot be used.
    #[error("{0}")]
    Description(#[from] BadDescription),
    /// It says nothing.
    #[error("it has none of message, state, config and reply")]
    Nothing,
    /// A schema can be validated, and not be written as code.
    #[error("{0}; leave it out of the schema and check it by hand, or say it otherwise")]
    Schema(#[from] BadSchema),
}

/// Writes the contracts of a description, a JSON object with any of `message`, `state`, `config` and `reply`.
///
/// `made` says in the head of the code how it was made: a command.
///
/// # Errors
/// [`NoContracts`] if the description cannot be used or the language has no words for it.
pub fn contracts(description: &str, language: Language, made: &str) -> Result<String, NoContracts> {
    let known = Description::parse(description)?;
    let shapes = reading::read(&known)?;
    if shapes.roots.is_empty() {
        return Err(NoContracts::Nothing);
    }
    let made = format!("Made by `{made}`: change the schema and make it again.");
    Ok(match language {
        Language::Rust => rust::write(&shapes, &made)?,
        Language::JavaScript => javascript::write(&shapes, &made),
        Language::Python => python::write(&shapes, &made)?,
        Language::C => c::write(&shapes, &made)?,
    })
}

/// The schemas that a description has, by part and as they are written in code: compact JSON.
fn parts(known: &Description) -> impl Iterator<Item = (&'static str, &Value)> {
    let Description { message, state, config, reply } = known;
    let parts = [("message", message), ("state", state), ("config", config), ("reply", reply)];
    parts.into_iter().filter_map(|(part, schema)| Some((part, schema.as_ref()?.as_json())))
}
