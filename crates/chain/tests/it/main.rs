//! What the chain format promises, through the public interface alone.

mod changes;
mod codec;
mod links;
mod notes;
mod once;
mod proof_vectors;
mod proofs;
mod provenance;
mod replay;
mod seeds;
mod strategies;
mod tally;
mod trees;
mod vectors;
mod verdicts;
