//! Patterns that can be checked from left to right, by looking at each character once.
//!
//! Invariant: a [`Pattern`] is a sequence of steps, each some characters of a class, in which it is never in doubt where a
//! step ends. So a loop over the characters decides it, in any language, without a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// The most ranges of a class: more than these are tables of Unicode, which differ between versions and languages.
const MAX_RANGES: usize = 16;

/// A pattern of the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// As the schema has it.
    pub(super) source: String,
    pub(super) steps: Vec<Step>,
}

/// Between `least` and `most` characters of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// First and last characters of ranges, in order.
    pub(super) class: Vec<(char, char)>,
    pub(super) least: u32,
    pub(super) most: Option<u32>,
}

impl Pattern {
    /// Reads a pattern, or says why it is none of these.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let hir = regex_syntax::parse(source).map_err(|error| error.to_string())?;
        let parts = match hir.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(&hir),
        };
        let [first, within @ .., last] = parts else { return Err(unanchored()) };
        if *first.kind() != HirKind::Look(Look::Start) || *last.kind() != HirKind::Look(Look::End) {
            return Err(unanchored());
        }
        let mut steps = Vec::new();
        for part in within {
            add(part, &mut steps)?;
        }
        if let Some(at) = (0..steps.len()).find(|at| is_in_doubt(&steps, *at)) {
            return Err(format!(
                "its part {} of {} can end at different places, which takes a regular expression",
                at + 1,
                steps.len()
            ));
        }
        Ok(Self { source: source.to_owned(), steps })
    }

    /// As a regular expression without anchors, in the words that JavaScript (with the flag `u`) and Python share.
    /// `escape` writes a character that is not printable ASCII.
    pub(super) fn expression(&self, escape: fn(char) -> String) -> String {
        self.steps.iter().map(|step| step.expression(escape)).collect()
    }
}

impl Step {
    fn expression(&self, escape: fn(char) -> String) -> String {
        let put = |c: char| match c {
            '\\' | ']' | '^' | '[' | '-' => format!("\\{c}"),
            ' '..='~' => c.to_string(),
            _ => escape(c),
        };
        let class = match self.class.as_slice() {
            [(first, last)] if first == last && first.is_ascii_alphanumeric() => first.to_string(),
            ranges => {
                // A hyphen stands for itself at the end.
                let (hyphen, ranges): (Vec<_>, Vec<_>) =
                    ranges.iter().copied().partition(|range| *range == ('-', '-'));
                let inner: String = ranges
                    .into_iter()
                    .map(|(first, last)| match first == last {
                        true => put(first),
                        false => format!("{}-{}", put(first), put(last)),
                    })
                    .collect();
                format!("[{inner}{}]", if hyphen.is_empty() { "" } else { "-" })
            }
        };
        let times = match (self.least, self.most) {
            (1, Some(1)) => String::new(),
            (0, Some(1)) => "?".to_owned(),
            (0, None) => "*".to_owned(),
            (1, None) => "+".to_owned(),
            (least, None) => format!("{{{least},}}"),
            (least, Some(most)) if least == most => format!("{{{least}}}"),
            (least, Some(most)) => format!("{{{least},{most}}}"),
        };
        class + &times
    }
}

fn unanchored() -> String {
    "it must say the whole text, from ^ to $".to_owned()
}

fn add(part: &Hir, steps: &mut Vec<Step>) -> Result<(), String> {
    match part.kind() {
        HirKind::Empty => {}
        HirKind::Capture(capture) => add(&capture.sub, steps)?,
        HirKind::Concat(parts) => {
            for part in parts {
                add(part, steps)?;
            }
        }
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0)
                .map_err(|_| "it is of bytes, not of characters".to_owned())?;
            steps.extend(text.chars().map(|c| Step { class: vec![(c, c)], least: 1, most: Some(1) }));
        }
        HirKind::Class(class) => steps.push(Step { class: ranges(class)?, least: 1, most: Some(1) }),
        HirKind::Repetition(repeated) => {
            let mut once = Vec::new();
            add(&repeated.sub, &mut once)?;
            match once.as_slice() {
                [Step { class, least: 1, most: Some(1) }] => {
                    steps.push(Step { class: class.clone(), least: repeated.min, most: repeated.max });
                }
                _ => {
                    return Err(
                        "it repeats more than one character, which takes a regular expression".to_owned()
                    );
                }
            }
        }
        HirKind::Alternation(_) => {
            return Err(
                "it has alternatives, which take a regular expression; of texts there is `enum`".to_owned()
            );
        }
        HirKind::Look(_) => return Err("it looks around, which takes a regular expression".to_owned()),
    }
    Ok(())
}

fn ranges(class: &Class) -> Result<Vec<(char, char)>, String> {
    let ranges: Vec<_> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    match ranges.len() {
        0 => Err("it has a class of no characters".to_owned()),
        1..=MAX_RANGES => Ok(ranges),
        many => {
            Err(format!("it has a class of {many} ranges, and there may be {MAX_RANGES}: say [0-9] for \\d"))
        }
    }
}

/// Whether a step that may be of several lengths could leave a character to what follows.
fn is_in_doubt(steps: &[Step], at: usize) -> bool {
    let step = &steps[at];
    if Some(step.least) == step.most {
        return false;
    }
    for next in &steps[at + 1..] {
        if next
            .class
            .iter()
            .any(|(first, last)| step.class.iter().any(|(low, high)| first <= high && low <= last))
        {
            return true;
        }
        if next.least > 0 {
            return false;
        }
    }
    false
}
