//! A bank of account actors that pay each other: whatever is killed and whatever a disk loses, no money does.

mod ledger;
mod points;
