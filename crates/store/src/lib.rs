//! store

pub mod bundle;
