//! What the chain format promises, through the public interface alone.

mod changes;
mod codec;
mod links;
mod once;
mod provenance;
mod replay;
mod strategies;
mod tally;
mod vectors;
mod verdicts;
