//! Runs actors: one sequencer for each chain, a bounded mailbox before it, a group commit after it.
//!
//! The way of a message: [`Actor::send`] puts it into the mailbox; the sequencer's own thread stamps the time, calls the
//! machine and links the entry; a batch of such entries is committed at once; then, and not before, everybody who
//! waits for one of them is answered, and readers see the new state.
//!
//! Deliberately absent: HTTP, WebAssembly, and any way to grow a chain that does not pass the sequencer.

mod actor;
mod clock;
mod commit;
mod error;
mod history;
mod metrics;
mod open;
mod sequencer;
mod shared;
mod supervision;

pub use actor::Actor;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{OpenError, SendError};
pub use history::StoreHistory;
pub use metrics::{Histogram, Metrics};
pub use open::{NewActor, engine_change_blob, genesis_of, state_at};
pub use shared::{Answer, LogRecord, LogSink, Options, View};
pub use supervision::{BadSupervision, OnFailure, Supervision};
