//! What a shop has on its shelves, for the world `troupe:actor/whole-actor`.
//!
//! `../README.md` says what is stored, taken and replied. `message` is what is told and replied, `stock` the state and
//! its rules, `schema` the description; all run anywhere.

mod message;
mod schema;
mod stock;
#[cfg(test)]
mod tests;

troupe_actor::export!(stock::Stock);
