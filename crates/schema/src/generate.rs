//! Values that fit a schema, from a seed.
