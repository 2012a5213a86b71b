//! What an actor may rely on, in the harness.

mod desk;
mod effects;
mod features;
mod payloads;
