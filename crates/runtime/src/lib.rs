//! Runs actors: one sequencer for each chain, a bounded mailbox before it, a group commit after it.
//!
//! The way of a message: [`Actor::send`] puts it into the mailbox; a worker takes the actor from its run queue, stamps the
//! time, calls the machine and links the entry; what several actors came to is committed at once; then, and not before,
//! everybody who waits for one of the entries is answered, readers see the new state, and what the entry asks for is done.
//! A message to another actor is done by putting it into that actor's mailbox; its row leaves the store in the append that
//! holds the receiver's entry.
//!
//! Deliberately absent: HTTP, WebAssembly, and any way to grow a chain that does not pass the sequencer.

mod actor;
mod actors;
mod agenda;
mod answers;
mod batch;
mod cell;
mod clock;
mod commit;
mod core;
mod cron;
mod deliver;
mod due;
mod effects;
mod entropy;
mod error;
mod history;
mod job;
mod keys;
mod leaves;
mod lifecycle;
mod load;
mod memory;
mod metrics;
mod names;
mod open;
mod outside;
mod pool;
mod redact;
mod resume;
mod rows;
mod sequencer;
mod settle;
mod shared;
mod trace;
mod wait;
mod watch;

pub use actor::{Actor, Views};
pub use actors::{Actors, Listed, NewActor};
pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::{OpenError, SendError};
pub use history::StoreHistory;
pub use metrics::{Histogram, Metrics};
pub use open::{files_of, genesis_of, names_shared, rules_change_blob, rules_of, state_at};
pub use outside::{CallBase, World};
pub use redact::{
    MAX_REDACTED_ENTRIES, REDACTABLE, RedactError, RedactOrder, RedactWhat, Redacted, RedactedBlob,
    finish_redactions, imported_redaction, redact, redact_by_name, redaction_of, redactions_of, view_of,
};
pub use rows::{Record, Status, stored_names, stored_record};
pub use shared::{Answer, LogRecord, LogSink, Options, Upgraded, View};
pub use trace::{Span, SpanSink, Trace};
pub use watch::Watch;
