//! New projects, and what is said where they cannot be made or built. No toolchain is used.

mod create;
mod missing;
mod stock;
