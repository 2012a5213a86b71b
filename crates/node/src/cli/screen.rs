//! Printing: lines and JSON to standard output, notes to standard error, colour only where it is wanted.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// Names and headings.
pub(super) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();
/// Good news.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad news.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Worth a look.
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// The word "error".
pub(super) const ERROR: Style = BAD;
/// The word "help".
pub(super) const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// Standard output and standard error, as the user asked for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Whether results are for programs.
    pub(super) json: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a line of the result.
    pub(super) fn line(&self, text: impl Display) -> io::Result<()> {
        writeln!(anstream::stdout().lock(), "{text}")
    }

    /// Prints a line "name  value" of the result.
    pub(super) fn field(&self, name: &str, value: impl Display) -> io::Result<()> {
        self.line(format_args!("  {DIM}{name:<10}{DIM:#}{value}"))
    }

    /// Prints the end of a chain.
    pub(super) fn head(&self, name: impl Display, seq: u64) -> io::Result<()> {
        self.field("head", name)?;
        self.field("", format_args!("at seq {}", count(seq)))
    }

    /// Prints a value as one line of JSON.
    pub(super) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.bytes(&line)
    }

    /// Prints bytes as they are.
    pub(super) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Prints a line to standard error. If nobody can read it, nothing is lost but the line.
    pub(super) fn note(&self, text: impl Display) {
        let text = format!("{text}\n");
        // Standard error has no buffer: whatever is written to it in parts is a system call for each.
        let _ = match anstream::AutoStream::choice(&io::stderr()) {
            anstream::ColorChoice::Never => {
                io::stderr().write_all(anstream::adapter::strip_str(&text).to_string().as_bytes())
            }
            _ => io::stderr().write_all(text.as_bytes()),
        };
    }

    /// Warns on standard error.
    pub(super) fn warn(&self, text: impl Display) {
        self.note(format_args!("{WARN}warning:{WARN:#} {text}"));
    }

    /// Whether a person looks at standard output.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// How many columns a line may have.
    pub(super) fn width(&self) -> usize {
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        width.unwrap_or(if self.is_terminal() { 80 } else { 160 }).max(60)
    }
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun, which takes an s where there are several.
pub(super) fn plural(number: u64, noun: &str) -> String {
    let count = count(number);
    match noun.strip_suffix("ry") {
        _ if number == 1 => format!("{count} {noun}"),
        Some(stem) => format!("{count} {stem}ries"),
        None => format!("{count} {noun}s"),
    }
}

/// A size as a person reads it.
pub(super) fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for a person, in three digits")]
    let bytes_float = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes_float / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes_float / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes_float / 1_073_741_824.0),
    }
}

/// How many a second.
pub(super) fn rate(number: u64, seconds: f64) -> String {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = (number as f64 / seconds.max(1e-6)).round() as u64;
    format!("{}/s", count(rate))
}

/// Text in one line of at most `width` characters, control characters shown as spaces.
pub(super) fn excerpt(text: &str, width: usize) -> String {
    let mut line: String =
        text.chars().take(width + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() > width {
        line = line.chars().take(width.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// Bytes in one line: as text where they are text.
pub(super) fn excerpt_bytes(bytes: &[u8], width: usize) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => excerpt(text, width),
        Err(_) => format!("{} of binary data", size(bytes.len() as u64)),
    }
}

/// The first 12 of a name's 64 digits.
pub(super) fn short(name: impl Display) -> String {
    name.to_string().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(plural(1, "message"), "1 message");
        assert_eq!(plural(1707, "message"), "1,707 messages");
    }

    #[test]
    fn sizes_are_in_three_digits_or_so() {
        assert_eq!([17, 2048, 64 << 20, 5 << 30].map(size), ["17 B", "2.0 KiB", "64.0 MiB", "5.0 GiB"]);
    }

    #[test]
    fn excerpts_fit_and_stay_in_one_line() {
        assert_eq!(excerpt("a\nb", 10), "a b");
        assert_eq!(excerpt("abcdef", 4), "abc…");
        assert_eq!(excerpt_bytes(&[0xff; 17], 40), "17 B of binary data");
    }
}
