//! Schemas: what is read, what fits, what is generated.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod contracts;
mod generate;
mod infer;
mod read;
mod troupe_actor;
mod validate;

use serde_json::Value;
use troupe_schema::Schema;

/// Reads a schema that can be used.
fn schema(schema: Value) -> Schema {
    Schema::new(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// The schema of stock's messages.
fn stock() -> Schema {
    let text = include_str!("../../../../sdk/stock/stock.schema.json");
    troupe_schema::Description::parse(text).unwrap().message.unwrap()
}
