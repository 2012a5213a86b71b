//! What guests write, told while they run.
//!
//! Invariant: whoever listens decides nothing: no outcome, fuel or log of a transition depends on it. What is told may never be
//! committed, and is told again where a transition is made again.

use std::fmt;
use std::sync::Arc;

use troupe_chain::{Context, Level};

/// The most bytes of a line that are told at once: a longer one comes in several.
pub const MAX_TOLD: usize = 8 << 10;

/// Where a guest wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// To its log.
    Log(Level),
    /// To what becomes of its reply: the standard output of a command, the output of a core module.
    Output,
}

/// Takes the lines of one transition as they are written, on the thread that makes it.
pub type LineSink = Box<dyn FnMut(Stream, &str) + Send>;

type Begin = dyn Fn(&Context) -> Option<LineSink> + Send + Sync;

/// Who listens to guests. Nobody by default.
#[derive(Clone, Default)]
pub struct Listener(Option<Arc<Begin>>);

impl Listener {
    /// Asks `begin` at each transition who listens to it; `None` costs the guest nothing.
    pub fn new(begin: impl Fn(&Context) -> Option<LineSink> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(begin)))
    }

    pub(crate) fn begin(&self, context: &Context) -> Written {
        Written { sink: self.0.as_ref().and_then(|begin| begin(context)), rest: Vec::new() }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener(…)" } else { "Listener(nobody)" })
    }
}

/// What one transition tells.
#[derive(Default)]
pub(crate) struct Written {
    sink: Option<LineSink>,
    /// The output since the last end of a line.
    rest: Vec<u8>,
}

impl Written {
    /// Tells a line of the log.
    pub(crate) fn log(&mut self, level: Level, line: &str) {
        if let Some(sink) = &mut self.sink {
            tell(sink, Stream::Log(level), line);
        }
    }

    /// Tells the lines that end with these bytes of the output.
    pub(crate) fn output(&mut self, bytes: &[u8]) {
        let Some(sink) = &mut self.sink else { return };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            // What has no end stays small.
            for piece in part.chunks(MAX_TOLD) {
                self.rest.extend_from_slice(piece);
                let whole = self.rest.strip_suffix(b"\n");
                let line = match whole {
                    Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
                    None if self.rest.len() >= MAX_TOLD => &self.rest,
                    None => continue,
                };
                tell(sink, Stream::Output, &String::from_utf8_lossy(line));
                self.rest.clear();
            }
        }
    }
}

fn tell(sink: &mut LineSink, stream: Stream, line: &str) {
    let mut rest = line;
    while rest.len() > MAX_TOLD {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TOLD));
        sink(stream, piece);
        rest = after;
    }
    sink(stream, rest);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    type Heard = Arc<Mutex<Vec<(Stream, String)>>>;

    fn listening() -> (Written, Heard) {
        let heard = Heard::default();
        let hears = Arc::clone(&heard);
        let sink: LineSink =
            Box::new(move |stream, line| hears.lock().unwrap().push((stream, line.to_owned())));
        (Written { sink: Some(sink), rest: Vec::new() }, heard)
    }

    #[test]
    fn output_is_told_by_the_line_however_it_is_written() {
        let (mut written, heard) = listening();
        for part in ["a", "b\nc\r\n", "", "\nd"] {
            written.output(part.as_bytes());
        }
        let lines: Vec<_> = heard.lock().unwrap().iter().map(|(_, line)| line.clone()).collect();
        assert_eq!(lines, ["ab", "c", ""]);
    }

    #[test]
    fn a_long_line_comes_in_several_and_none_of_it_is_lost() {
        let (mut written, heard) = listening();
        let long = "é".repeat(MAX_TOLD);
        written.log(Level::Info, &long);
        let mut told = heard.lock().unwrap().split_off(0);
        assert!(
            told.iter().all(|(stream, line)| *stream == Stream::Log(Level::Info) && line.len() <= MAX_TOLD)
        );
        assert_eq!(told.drain(..).map(|(_, line)| line).collect::<String>(), long);
        let long = "x".repeat(3 * MAX_TOLD - 5);
        written.output(format!("{long}\n").as_bytes());
        let told = heard.lock().unwrap().split_off(0);
        assert!(told.iter().all(|(_, line)| line.len() <= MAX_TOLD));
        assert_eq!(told.into_iter().map(|(_, line)| line).collect::<String>(), long);
        written.output(&vec![b'x'; 10 * MAX_TOLD]);
        assert!(written.rest.len() < MAX_TOLD);
    }
}
