//! What is wrong with a manifest, shown where it is wrong.
//!
//! Invariant: whatever a file says, a fault is a few lines without control characters.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The most characters of a source line that are shown.
const MAX_SHOWN: usize = 100;
/// How far a key may be from one that exists to be a slip of it.
const MAX_SLIPS: usize = 3;

/// A manifest or a configuration that cannot be used.
///
/// It prints as `FILE:LINE:COLUMN: what is wrong`, followed by the line with a caret below the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    file: PathBuf,
    place: Option<Place>,
    what: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    shown: String,
    /// Where the carets begin in `shown`, and how many there are.
    carets: (usize, usize),
}

impl Fault {
    /// Something about the file as a whole.
    pub fn whole(file: &Path, what: impl fmt::Display) -> Self {
        let what = what.to_string().replace(|c: char| c.is_control(), " ");
        Self { file: file.to_owned(), place: None, what }
    }

    /// The file that is wrong.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Line and column, from 1; none if it is about the file as a whole. Columns count characters.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.line, place.column))
    }

    /// What is wrong, without the place.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        let Some(Place { line, column, shown, carets: (start, length) }) = &self.place else {
            return write!(f, "{file}: {}", self.what);
        };
        let margin = line.to_string().len();
        write!(f, "{file}:{line}:{column}: {}\n {:margin$} |\n {line} | {shown}\n", self.what, "")?;
        write!(f, " {:margin$} | {:start$}{:^<length$}", "", "", "")
    }
}

/// The text that spans are spans of.
#[derive(Debug)]
pub struct Source<'a> {
    /// Where it was read from.
    pub file: &'a Path,
    /// The text.
    pub text: &'a str,
}

impl Source<'_> {
    /// Something is wrong at `span`.
    pub fn fault(&self, span: Range<usize>, what: impl fmt::Display) -> Fault {
        Fault { place: Some(self.place(span)), ..Fault::whole(self.file, what) }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let (before, rest) = self.text.split_at_checked(span.start).unwrap_or((self.text, ""));
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let lead = &before[line_start..];
        let line_end = rest.find('\n').map_or(self.text.len(), |newline| span.start + newline);
        let line = self.text.get(line_start..line_end).unwrap_or(lead).trim_end_matches('\r');
        let column = lead.chars().count();
        let length = self.text.get(span.start..span.end.min(line_end)).map_or(0, |text| text.chars().count());
        // A long line is shown from a little before the place.
        let skip = if column < MAX_SHOWN - 20 { 0 } else { column - 20 };
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = line.chars().skip(skip).take(MAX_SHOWN).map(plain).collect();
        let start = column - skip;
        let room = shown.chars().count().saturating_sub(start);
        Place {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            shown: shown.trim_end().to_owned(),
            carets: (start, length.min(room).max(1)),
        }
    }
}

/// "there is no KIND `name` …", with the nearest that there is, or all of them.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let spelled = name.to_ascii_lowercase().replace('_', "-");
    let distance = |known: &&str| strsim::osa_distance(&spelled, known);
    let slip = |distance: usize, known: &str| distance <= MAX_SLIPS.min(known.len().div_ceil(2));
    // What is far too long is no slip, and would take long to compare.
    let nearest = if name.len() > 80 { None } else { known.iter().min_by_key(|known| distance(known)) };
    match nearest.filter(|known| slip(distance(known), known)) {
        Some(nearest) => format!("there is no {kind} `{shown}`; did you mean `{nearest}`?"),
        None => format!("there is no {kind} `{shown}`; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<usize>) -> String {
        Source { file: Path::new("a.toml"), text }.fault(span, "it is wrong").to_string()
    }

    #[test]
    fn a_fault_shows_the_line_with_a_caret() {
        assert_eq!(
            shown("a = 1\nbcd = 2\r\n", 6..9),
            "a.toml:2:1: it is wrong\n   |\n 2 | bcd = 2\n   | ^^^"
        );
        assert_eq!(
            shown("\tü = 'ü'\n", 6..10),
            "a.toml:1:6: it is wrong\n   |\n 1 |  ü = 'ü'\n   |      ^^^"
        );
    }

    #[test]
    fn a_place_at_the_end_over_lines_or_outside_is_shown_as_well_as_can_be() {
        assert_eq!(shown("a = ", 4..4), "a.toml:1:5: it is wrong\n   |\n 1 | a =\n   |     ^");
        assert_eq!(shown("a = 1\nb", 0..7), "a.toml:1:1: it is wrong\n   |\n 1 | a = 1\n   | ^^^^^");
        assert_eq!(shown("ü", 1..9), "a.toml:1:2: it is wrong\n   |\n 1 | ü\n   |  ^");
        assert_eq!(shown("", 0..0), "a.toml:1:1: it is wrong\n   |\n 1 | \n   | ^");
    }

    #[test]
    fn a_long_line_is_shown_in_part_and_control_characters_as_spaces() {
        let text = format!("a = \"{}\u{1b}[31m\" b", "x".repeat(5000));
        let fault = shown(&text, text.len() - 1..text.len());
        assert!(fault.contains("a.toml:1:5013: it is wrong\n"), "{fault}");
        assert!(fault.len() < 300 && !fault.contains('\u{1b}') && fault.ends_with("   ^"), "{fault}");
    }

    #[test]
    fn the_nearest_name_is_offered_and_otherwise_all() {
        let known = ["component", "config", "config-file", "limits"];
        assert!(unknown("key", "limts", &known).ends_with("did you mean `limits`?"));
        assert!(unknown("key", "config_file", &known).ends_with("did you mean `config-file`?"));
        assert!(unknown("key", "Component", &known).ends_with("did you mean `component`?"));
        assert_eq!(unknown("key", "tls", &["a", "b"]), "there is no key `tls`; there are a, b");
        assert!(unknown("key", &"l".repeat(100_000), &known).contains("there are component"));
    }
}
