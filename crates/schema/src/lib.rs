//! JSON Schemas of actors.
