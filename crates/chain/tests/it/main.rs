//! What the chain format promises, through the public interface alone.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

mod changes;
mod codec;
mod dids;
mod fraud;
mod fraud_vectors;
mod links;
mod notes;
mod once;
mod parts;
mod proof_vectors;
mod proofs;
mod provenance;
mod redactions;
mod replay;
mod seeds;
mod strategies;
mod tally;
mod trees;
mod vectors;
mod verdicts;
