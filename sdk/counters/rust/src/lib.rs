//! The counter that `troupe new` makes, as it is.

#[path = "../../../../crates/workshop/templates/rust/lib.rs.in"]
mod template;
