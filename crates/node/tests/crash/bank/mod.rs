//! A bank of account actors that pay each other: whatever is killed and whatever a disk loses, no money does.

mod kills;
mod ledger;
mod points;
