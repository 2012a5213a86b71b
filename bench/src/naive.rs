//! The design that one would write first: an instance made on demand, a generic JSON tree for the entry, SHA-256, and a
//! database transaction for each event, two events a message.

use std::path::Path;

use redb::{Database, TableDefinition};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bare::Bare;

const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects");
const HEAD: TableDefinition<'_, &str, &str> = TableDefinition::new("head");

/// A chain kept the naive way.
pub struct Naive {
    database: Database,
    actor: Bare,
    head: Option<String>,
    state: Vec<u8>,
}

impl Naive {
    /// Opens a database and starts from `state`.
    ///
    /// # Errors
    /// If the database cannot be made.
    pub fn new(path: &Path, actor: Bare, state: Vec<u8>) -> anyhow::Result<Self> {
        Ok(Self { database: Database::create(path)?, actor, head: None, state })
    }

    /// Handles one message: two events, each committed.
    ///
    /// # Errors
    /// If the guest traps or the database fails.
    pub fn handle(&mut self, message: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
        let value: Value = serde_json::from_slice(message)?;
        self.append(value)?;
        self.state = self.actor.fresh(message, &self.state)?;
        let value: Value = serde_json::from_slice(&self.state)?;
        let hash = self.append(value)?;
        Ok((hash, self.state.clone()))
    }

    fn append(&mut self, data: Value) -> anyhow::Result<String> {
        // The map of `serde_json` is sorted, so this is canonical for what is in it.
        let object = serde_json::to_vec(&json!({ "parent": self.head, "data": data }))?;
        let hash: String = Sha256::digest(&object).iter().map(|byte| format!("{byte:02x}")).collect();
        let transaction = self.database.begin_write()?;
        transaction.open_table(OBJECTS)?.insert(hash.as_str(), object.as_slice())?;
        transaction.open_table(HEAD)?.insert("head", hash.as_str())?;
        transaction.commit()?;
        self.head = Some(hash.clone());
        Ok(hash)
    }
}
