//! A node's logs and a witness, through the public interface alone.

mod common;
mod growing;
mod keys;
mod lies;
mod witnesses;
