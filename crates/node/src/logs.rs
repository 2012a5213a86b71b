//! The last log lines of a node's actors, in memory.
//!
//! Invariant: they take a fixed number of bytes at most, whoever writes them; the oldest make room. Deliberately absent:
//! anything that outlives the process. Lines are no part of a chain.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use troupe_chain::{Hash, Level};
use troupe_runtime::{Clock, LogRecord, LogSink};

/// The most bytes of lines that are kept, with what is kept beside each.
pub const MAX_BYTES: usize = 16 << 20;
/// The bytes that are kept beside a line.
const OVERHEAD: usize = size_of::<LoggedLine>();

/// The last log lines of all actors. Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    ring: Arc<Mutex<Ring>>,
    max_bytes: usize,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<LoggedLine>,
    bytes: usize,
}

/// A line of an actor's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedLine {
    /// The actor.
    pub chain: Hash,
    /// The position of the entry that the message led to, or would have.
    pub seq: u64,
    /// When it was taken, in milliseconds since 1970.
    pub at: u64,
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub line: Arc<str>,
}

impl LoggedLine {
    fn bytes(&self) -> usize {
        OVERHEAD + self.line.len()
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self::with_room(MAX_BYTES)
    }
}

impl Logs {
    /// Keeps lines up to so many bytes.
    pub fn with_room(max_bytes: usize) -> Self {
        Self { ring: Arc::default(), max_bytes }
    }

    /// A sink that keeps lines here, with the time of `clock`, and hands them on.
    pub fn sink(&self, clock: Arc<dyn Clock>, next: LogSink) -> LogSink {
        let logs = self.clone();
        Arc::new(move |records| {
            logs.keep(clock.now().0, records);
            next(records);
        })
    }

    fn keep(&self, at: u64, records: &[LogRecord<'_>]) {
        let lines = records.iter().map(|record| LoggedLine {
            chain: record.chain,
            seq: record.seq,
            at,
            level: record.line.level,
            line: record.line.line.as_str().into(),
        });
        // The lines are copied before anybody has to wait.
        let lines: Vec<_> = lines.filter(|line| line.bytes() <= self.max_bytes).collect();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            ring.bytes += line.bytes();
            ring.lines.push_back(line);
            while ring.bytes > self.max_bytes
                && let Some(oldest) = ring.lines.pop_front()
            {
                ring.bytes -= oldest.bytes();
            }
        }
    }

    /// Lines of an actor in the order they came: the first `limit` from those of `from_seq` on, or the last `limit`.
    pub fn read(&self, chain: &Hash, from_seq: Option<u64>, limit: usize) -> Vec<LoggedLine> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let of_chain = ring.lines.iter().filter(|line| line.chain == *chain);
        match from_seq {
            Some(from) => of_chain.filter(|line| line.seq >= from).take(limit).cloned().collect(),
            None => {
                let mut last: Vec<_> = of_chain.rev().take(limit).cloned().collect();
                last.reverse();
                last
            }
        }
    }

    /// Forgets what an actor wrote from one position to another.
    pub fn forget(&self, chain: &Hash, from: u64, to: u64) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.lines.retain(|line| line.chain != *chain || !(from..=to).contains(&line.seq));
        ring.bytes = ring.lines.iter().map(LoggedLine::bytes).sum();
    }

    /// How many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

#[cfg(test)]
mod tests {
    use troupe_chain::LogLine;

    use super::*;

    fn say(logs: &Logs, actor: &[u8], seq: u64, text: &str) {
        let line = LogLine { level: Level::Info, line: text.to_owned() };
        logs.keep(7, &[LogRecord { chain: Hash::of(actor), seq, line: &line }]);
    }

    fn texts(lines: &[LoggedLine]) -> Vec<&str> {
        lines.iter().map(|line| &*line.line).collect()
    }

    #[test]
    fn an_actor_s_lines_are_read_from_a_position_or_from_the_end() {
        let logs = Logs::default();
        for seq in 1..=5 {
            say(&logs, b"a", seq, &format!("a{seq}"));
            say(&logs, b"b", seq, &format!("b{seq}"));
        }
        let a = Hash::of(b"a");
        assert_eq!(texts(&logs.read(&a, Some(4), 10)), ["a4", "a5"]);
        assert_eq!(texts(&logs.read(&a, Some(0), 2)), ["a1", "a2"]);
        assert_eq!(texts(&logs.read(&a, None, 2)), ["a4", "a5"]);
        assert_eq!(logs.read(&Hash::of(b"c"), None, 2), []);
        assert_eq!(logs.read(&a, Some(5), 1)[0].at, 7);
    }

    #[test]
    fn lines_of_some_entries_of_an_actor_are_forgotten() {
        let logs = Logs::default();
        for seq in 1..=5 {
            say(&logs, b"a", seq, &format!("a{seq}"));
            say(&logs, b"b", seq, &format!("b{seq}"));
        }
        let before = logs.bytes();
        logs.forget(&Hash::of(b"a"), 2, 4);
        assert_eq!(texts(&logs.read(&Hash::of(b"a"), None, 9)), ["a1", "a5"]);
        assert_eq!(logs.read(&Hash::of(b"b"), None, 9).len(), 5);
        assert_eq!(logs.bytes(), before - 3 * (OVERHEAD + 2));
    }

    #[test]
    fn the_oldest_lines_make_room_and_the_bytes_stay_within_theirs() {
        let room = 10 * (OVERHEAD + 10);
        let logs = Logs::with_room(room);
        for seq in 0..1000 {
            say(&logs, b"a", seq, "0123456789");
            assert!(logs.bytes() <= room);
        }
        let kept = logs.read(&Hash::of(b"a"), None, 1000);
        assert_eq!((kept.len(), kept[0].seq), (10, 990));
        say(&logs, b"a", 1000, &"x".repeat(room));
        assert_eq!(logs.read(&Hash::of(b"a"), None, 1000).len(), 10, "what never fits is left out");
    }
}
