//! A table of a TOML file, read key by key, each value with its place.
//!
//! Invariant: a table whose keys are not all known is never read; a value of another type is a fault at its place.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeInteger, DeString, DeTable, DeValue};

use crate::fault::{Fault, Source, unknown};

/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands, in bytes of the file.
    pub span: Range<usize>,
}

/// A table with the keys that it may have.
#[derive(Debug)]
pub struct Section<'s> {
    /// The file.
    pub source: &'s Source<'s>,
    table: &'s DeTable<'s>,
    /// Where the table is named: a missing key is pointed at there.
    span: Range<usize>,
}

/// Reads a text file of a moderate size.
///
/// # Errors
/// A [`Fault`] at the place of what is wrong.
pub fn read(path: &Path) -> Result<String, Fault> {
    let bytes = bounded(path, MAX_FILE).map_err(|reason| Fault::whole(path, reason))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        Fault::whole(path, format_args!("line {line} is not UTF-8"))
    })
}

/// Reads a file of at most `max` bytes.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn bounded(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > max {
        return Err(format!("is larger than {max} bytes"));
    }
    Ok(bytes)
}

/// Parses the text of a file.
///
/// # Errors
/// A [`Fault`] at the place of what is wrong.
pub fn parse<'s>(source: &Source<'s>) -> Result<Spanned<DeTable<'s>>, Fault> {
    DeTable::parse(source.text).map_err(|error| {
        let end = source.text.len();
        source.fault(error.span().unwrap_or(end..end), error.message())
    })
}

impl<'s> Section<'s> {
    /// Takes a table of which no key may be beyond `keys`.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn new(
        source: &'s Source<'s>,
        table: &'s DeTable<'s>,
        span: Range<usize>,
        keys: &[&str],
    ) -> Result<Self, Fault> {
        let section = Self { source, table, span };
        let unknown_names = section.names().filter(|name| !keys.contains(&name.value));
        match unknown_names.min_by_key(|name| name.span.start) {
            Some(name) => Err(source.fault(name.span, unknown("key", name.value, keys))),
            None => Ok(section),
        }
    }

    /// The keys in the order of their names.
    pub fn names(&self) -> impl Iterator<Item = At<&'s str>> + use<'s> {
        self.table.keys().map(|key| At { value: key.get_ref().as_ref(), span: key.span() })
    }

    /// Where the table is named.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Something is wrong with the table as a whole.
    pub fn fault(&self, what: impl std::fmt::Display) -> Fault {
        self.source.fault(self.span.clone(), what)
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<At<&'s DeValue<'s>>> {
        let value = self.table.get(key)?;
        Some(At { value: value.get_ref(), span: value.span() })
    }

    /// The place of a key, to say that it should not be there.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        let found = self.names().find(|name| name.value == key);
        found.map_or_else(|| self.span.clone(), |name| name.span)
    }

    fn other_type(&self, key: &str, at: &At<&DeValue<'_>>, expected: &str) -> Fault {
        let what = format_args!("`{key}` must be {expected}, not {}", type_of(at.value));
        self.source.fault(at.span.clone(), what)
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn text(&self, key: &str) -> Result<Option<At<&'s str>>, Fault> {
        let Some(at) = self.value(key) else { return Ok(None) };
        match at.value {
            DeValue::String(text) if text.is_empty() => {
                Err(self.source.fault(at.span, format_args!("`{key}` is empty")))
            }
            DeValue::String(text) => Ok(Some(At { value: text, span: at.span })),
            _ => Err(self.other_type(key, &at, "a string")),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        let Some(at) = self.value(key) else { return Ok(None) };
        match at.value {
            DeValue::Boolean(flag) => Ok(Some(*flag)),
            _ => Err(self.other_type(key, &at, "true or false")),
        }
    }

    /// A whole number within a range.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn number(&self, key: &str, range: (u64, u64)) -> Result<Option<u64>, Fault> {
        let Some(at) = self.value(key) else { return Ok(None) };
        let DeValue::Integer(number) = at.value else {
            return Err(self.other_type(key, &at, "a whole number"));
        };
        self.in_range(key, integer(number), &number.to_string(), range, at.span).map(Some)
    }

    /// A number of bytes within a range: whole, or text with a unit.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn size(&self, key: &str, range: (u64, u64)) -> Result<Option<u64>, Fault> {
        let Some(At { value, span }) = self.value(key) else { return Ok(None) };
        match value {
            DeValue::Integer(number) => {
                self.in_range(key, integer(number), &number.to_string(), range, span).map(Some)
            }
            DeValue::String(text) => {
                let size = crate::units::size(text);
                let size =
                    size.map_err(|what| self.source.fault(span.clone(), format_args!("`{key}`: {what}")))?;
                self.in_range(key, Some(size), text, range, span).map(Some)
            }
            _ => Err(self.other_type(key, &At { value, span }, "a whole number or a size such as \"64MiB\"")),
        }
    }

    fn in_range(
        &self,
        key: &str,
        number: Option<u64>,
        written: &str,
        (min, max): (u64, u64),
        span: Range<usize>,
    ) -> Result<u64, Fault> {
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            let what = format_args!("`{key}` is {written}, but must be from {min} to {max}");
            self.source.fault(span, what)
        })
    }

    /// A text as `read` understands it.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<At<T>>, Fault> {
        let Some(At { value: text, span }) = self.text(key)? else { return Ok(None) };
        match read(text) {
            Ok(value) => Ok(Some(At { value, span })),
            Err(what) => Err(self.source.fault(span, format_args!("`{key}`: {what}"))),
        }
    }

    /// A path, relative to the folder of the file; what it leads to need not be there.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn path(&self, key: &str) -> Result<Option<At<PathBuf>>, Fault> {
        Ok(self.text(key)?.map(|At { value, span }| At { value: self.resolve(value), span }))
    }

    /// The path of a file that must be there.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn file(&self, key: &str) -> Result<Option<At<PathBuf>>, Fault> {
        let Some(At { value, span }) = self.path(key)? else { return Ok(None) };
        self.is_file(key, &value, span.clone())?;
        Ok(Some(At { value, span }))
    }

    /// Requires that a path leads to a file.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn is_file(&self, key: &str, path: &Path, span: Range<usize>) -> Result<(), Fault> {
        let shown = path.display();
        match std::fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err(self.source.fault(span, format_args!("`{key}`: {shown} is not a file"))),
            Err(error) => Err(self.source.fault(span, format_args!("`{key}`: {shown}: {error}"))),
        }
    }

    /// A path relative to the folder of the file.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.source.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// A table below a key; its keys are checked.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn section(&self, key: &str, keys: &[&str]) -> Result<Option<Section<'s>>, Fault> {
        let Some(at) = self.value(key) else { return Ok(None) };
        match at.value {
            DeValue::Table(table) => Section::new(self.source, table, at.span, keys).map(Some),
            _ => Err(self.other_type(key, &at, "a table")),
        }
    }

    /// A table of texts below a key, whose names are its own.
    pub(super) fn text_table(&self, key: &str, max: usize) -> Result<Vec<(&'s str, At<&'s str>)>, Fault> {
        let Some(at) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Table(table) = at.value else { return Err(self.other_type(key, &at, "a table")) };
        if table.len() > max {
            let what = format_args!("`{key}` has {} members; there may be {max}", table.len());
            return Err(self.source.fault(at.span, what));
        }
        let text = |(name, value): (&'s toml::Spanned<_>, &'s toml::Spanned<DeValue<'s>>)| {
            let name = DeString::as_ref(name.get_ref());
            match value.get_ref() {
                DeValue::String(text) => Ok((name, At { value: DeString::as_ref(text), span: value.span() })),
                other => {
                    let what = format_args!("`{key}.{name}` must be a string, not {}", type_of(other));
                    Err(self.source.fault(value.span(), what))
                }
            }
        };
        table.iter().map(text).collect()
    }

    /// A list of tables below a key; nobody has checked their keys yet.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn tables(&self, key: &str, max: usize) -> Result<Vec<At<&'s DeTable<'s>>>, Fault> {
        let table = |At { value, span }: At<&'s DeValue<'s>>| match value {
            DeValue::Table(table) => Ok(At { value: table, span }),
            _ => Err(self.other_type(key, &At { value, span }, "a list of tables")),
        };
        self.list(key, max)?.into_iter().map(table).collect()
    }

    /// A list of texts below a key, none of them twice.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn texts(&self, key: &str, max: usize) -> Result<Vec<At<&'s str>>, Fault> {
        let texts = self.any_texts(key, max)?;
        match twice(&texts) {
            Some(At { value, span }) => {
                Err(self.source.fault(span, format_args!("`{key}` has {value:?} twice")))
            }
            None => Ok(texts),
        }
    }

    /// A text, or a list of texts; none of them empty, and at least one if the key is there.
    ///
    /// # Errors
    /// A [`Fault`] at the place of what is wrong.
    pub fn one_or_more(&self, key: &str, max: usize) -> Result<Vec<At<&'s str>>, Fault> {
        let Some(at) = self.value(key) else { return Ok(Vec::new()) };
        let texts = match at.value {
            DeValue::String(text) => vec![At { value: DeString::as_ref(text), span: at.span.clone() }],
            DeValue::Array(_) => self.any_texts(key, max)?,
            _ => return Err(self.other_type(key, &at, "a string or a list of strings")),
        };
        let empty = texts.iter().find(|text| text.value.is_empty()).map(|text| text.span.clone());
        match empty.or_else(|| texts.is_empty().then_some(at.span)) {
            Some(span) => Err(self.source.fault(span, format_args!("`{key}` is empty"))),
            None => Ok(texts),
        }
    }

    /// A list of texts below a key.
    pub(super) fn any_texts(&self, key: &str, max: usize) -> Result<Vec<At<&'s str>>, Fault> {
        let text = |At { value, span }: At<&'s DeValue<'s>>| match value {
            DeValue::String(text) => Ok(At { value: DeString::as_ref(text), span }),
            _ => Err(self.other_type(key, &At { value, span }, "a list of strings")),
        };
        self.list(key, max)?.into_iter().map(text).collect()
    }

    fn list(&self, key: &str, max: usize) -> Result<Vec<At<&'s DeValue<'s>>>, Fault> {
        let Some(at) = self.value(key) else { return Ok(Vec::new()) };
        let DeValue::Array(list) = at.value else {
            return Err(self.other_type(key, &at, "a list"));
        };
        if list.len() > max {
            let what = format_args!("`{key}` has {} elements; there may be {max}", list.len());
            return Err(self.source.fault(at.span, what));
        }
        Ok(list.iter().map(|value| At { value: value.get_ref(), span: value.span() }).collect())
    }
}

/// The first text that is there a second time.
pub(crate) fn twice<'s>(texts: &[At<&'s str>]) -> Option<At<&'s str>> {
    let mut seen = HashSet::new();
    texts.iter().find(|text| !seen.insert(text.value)).cloned()
}

/// The value of an integer that is not negative.
fn integer(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A type as a person calls it.
pub fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
