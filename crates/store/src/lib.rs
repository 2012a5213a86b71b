//! Keeps chains: their entries, the blobs that the entries name, and what chains share (components, configs). Beside
//! them rows, which change together with chains.
//!
//! Invariant: a chain only grows, by one atomic append that compares its head, and whatever
//! [`Store::commit`] acknowledged is there after any crash.
//!
//! Deliberately absent: the meaning of an entry (the store does not parse one), any check that a name is the
//! hash of its bytes (the caller made both), threads of an async runtime, and deletion
//! of anything but rows and what [`Store::erase`] is told to.
//!
//! ```
//! use troupe_chain::Hash;
//! use troupe_store::{Append, MemoryStore, NewEntry, Store};
//!
//! let store = MemoryStore::new();
//! let genesis = NewEntry::new(0, &b"{\"parent\":null}"[..]);
//! let chain = genesis.name;
//! store.commit(&[Append { chain, expected: None, entries: vec![genesis], blobs: vec![], rows: vec![] }])?;
//! assert_eq!(store.head(&chain)?.map(|head| head.seq), Some(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[macro_use]
mod around;
mod batch;
pub mod bundle;
mod disk;
mod durable;
mod embedded;
mod error;
pub mod faulty;
mod folder;
mod index;
mod log;
mod memory;
mod overlay;
mod parts;
mod rows;
mod shared;
mod store;

pub use durable::DiskStore;
pub use embedded::DiskOptions;
pub use error::{CommitError, InvalidAppend, StoreError};
pub use memory::MemoryStore;
pub use store::{
    Append, Erased, Head, MAX_BATCH_BYTES, MAX_ROW_KEY_BYTES, MAX_ROW_VALUE_BYTES, NewEntry, Row, Store,
    Usage,
};
