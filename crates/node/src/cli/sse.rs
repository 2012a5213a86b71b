//! Server-sent events as they come from a node.
//!
//! Invariant: an event has a bounded size. Deliberately absent: `retry`, and events that are not data.

use std::io::{self, BufRead, BufReader, Read};

/// The largest line: an entry, and some room.
const MAX_LINE: u64 = 16 << 20;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) data: String,
}

/// Reads events one after the other.
pub(super) struct Events<R> {
    lines: BufReader<R>,
}

impl<R: Read> Events<R> {
    pub(super) fn new(source: R) -> Self {
        Self { lines: BufReader::new(source) }
    }

    /// Waits for the next event; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> io::Result<Option<Event>> {
        let mut event = Event::default();
        let mut has_data = false;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            if line.last() != Some(&b'\n') {
                return Err(io::Error::other("an event is cut off, or longer than any entry"));
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                if has_data {
                    return Ok(Some(event));
                }
                event = Event::default();
                continue;
            }
            let (field, value) = text.split_once(':').unwrap_or((text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut event.id),
                "event" => value.clone_into(&mut event.kind),
                "data" => {
                    if has_data {
                        event.data.push('\n');
                    }
                    if (event.data.len() + value.len()) as u64 > MAX_LINE {
                        return Err(io::Error::other("an event is longer than any entry"));
                    }
                    event.data.push_str(value);
                    has_data = true;
                }
                // A comment keeps the connection open; other fields are nobody's here.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whole_and_comments_are_passed_over() {
        let text =
            ": hello\n\nid: 7\nevent: message\ndata: {\"a\":1}\n\n:\n\ndata:x\r\ndata: y\r\n\r\nid: 9\n";
        let mut events = Events::new(text.as_bytes());
        let first = events.next().unwrap().unwrap();
        assert_eq!(
            (first.id.as_str(), first.kind.as_str(), first.data.as_str()),
            ("7", "message", "{\"a\":1}")
        );
        assert_eq!(events.next().unwrap().unwrap().data, "x\ny");
        assert_eq!(events.next().unwrap(), None);
        assert!(Events::new(&b"data: cut"[..]).next().is_err());
    }
}
