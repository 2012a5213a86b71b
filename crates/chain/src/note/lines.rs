//! Lines of text as notes have them: what all readers here share.

use super::BadKey;

/// Why bytes are not a note, a checkpoint or a proof: in which line, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// It is longer than any may be.
    #[error("it has {got} bytes, and at most {limit} are read")]
    TooLong {
        /// Its bytes.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// A line is not what belongs there.
    #[error("line {line}: expected {expected}")]
    Line {
        /// The line, from 1 on.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A signature's key has a name that none may have.
    #[error("line {line}: {error}")]
    Name {
        /// The line, from 1 on.
        line: usize,
        /// What is wrong with it.
        error: BadKey,
    },
}

/// Reads lines one by one; each ends with a newline.
pub(super) struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Takes text of at most `limit` bytes without control characters but newlines.
    pub(super) fn new(bytes: &'a [u8], limit: usize) -> Result<Self, BadNote> {
        if bytes.len() > limit {
            return Err(BadNote::TooLong { got: bytes.len(), limit });
        }
        let line = |end: usize| 1 + bytes[..end].iter().filter(|byte| **byte == b'\n').count();
        let bad = |end| BadNote::Line { line: line(end), expected: "text without control characters" };
        let rest = std::str::from_utf8(bytes).map_err(|error| bad(error.valid_up_to()))?;
        match rest.bytes().position(|byte| byte < b' ' && byte != b'\n') {
            Some(at) => Err(bad(at)),
            None => Ok(Self { rest, line: 0 }),
        }
    }

    /// The next line without its newline.
    pub(super) fn next(&mut self, expected: &'static str) -> Result<&'a str, BadNote> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or(BadNote::Line { line: self.line, expected })?;
        self.rest = rest;
        Ok(line)
    }

    /// What is left, all of it.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Leaves out a part of what is left.
    pub(super) fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
    }

    /// Says that the line read last is not what belongs there.
    pub(super) fn bad(&self, expected: &'static str) -> BadNote {
        BadNote::Line { line: self.line, expected }
    }

    /// Says what is wrong with a name in the line read last.
    pub(super) fn bad_name(&self, error: BadKey) -> BadNote {
        BadNote::Name { line: self.line, error }
    }
}

/// Reads a decimal number without leading zeros, at most 2^63−1.
pub(crate) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|number| plain && *number <= crate::tree::MAX_TREE_SIZE)
}
