//! Free strings as entries hold them.

use std::fmt;

/// A string of 1 to 256 printable ASCII characters (0x20 to 0x7e). Any other text is a blob.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

/// The string cannot be part of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 256 printable ASCII characters, found {0}")]
pub struct NotText(String);

impl Text {
    /// The largest number of characters.
    pub const MAX_LENGTH: usize = 256;

    /// Checks and takes a string.
    ///
    /// # Errors
    /// [`NotText`] if it is empty, longer than [`Text::MAX_LENGTH`], or has a character beyond printable ASCII.
    pub fn new(text: impl Into<String>) -> Result<Self, NotText> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(NotText(format!("{} bytes", text.len())));
        }
        match text.char_indices().find(|(_, c)| !matches!(c, ' '..='~')) {
            Some((at, c)) => Err(NotText(format!("{c:?} at byte {at}"))),
            None => Ok(Self(text)),
        }
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
