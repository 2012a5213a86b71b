//! Values in a scenario file: JSON, written as TOML or as JSON text.
//!
//! Invariant: a string is never a JSON string by itself; it holds JSON. So `'null'`, `'{"a":null}'` and `'"text"'` can be
//! written, and `?` stands for what is not known yet.

use std::ops::Range;

use serde_json::Value;
use toml::de::{DeString, DeValue};
use troupe_manifest::Fault;
use troupe_manifest::strict::{At, Section, Source, canonical_value};

/// What stands for a value that is not known yet.
pub(crate) const UNKNOWN: &str = "?";
/// What stands for a reply that is not there.
pub(crate) const NONE: &str = "none";

/// A JSON value of a file.
#[derive(Debug, Clone)]
pub(crate) struct Json {
    pub(crate) value: Value,
    /// Its bytes: as written, or canonical where it was written as TOML.
    pub(crate) bytes: Vec<u8>,
    /// Whether it was written as JSON text.
    pub(crate) verbatim: bool,
    pub(crate) span: Range<usize>,
}

/// What a file expects of a value.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// This value, in the sense of JSON.
    Json(Json),
    /// These bytes.
    Text(At<Vec<u8>>),
    /// Nothing is there.
    Nothing(Range<usize>),
    /// It is to be found out.
    Unknown(Range<usize>),
}

/// Reads a value.
pub(crate) fn json(
    source: &Source<'_>,
    key: &str,
    value: &DeValue<'_>,
    span: Range<usize>,
) -> Result<Json, Fault> {
    let (bytes, verbatim) = match value {
        DeValue::String(text) => (DeString::as_ref(text).as_bytes().to_vec(), true),
        other => (canonical_value(source, other, span.clone())?, false),
    };
    let value = serde_json::from_slice(&bytes).map_err(|error| {
        let hint = if verbatim { "; a string holds JSON, and text is written as '\"text\"'" } else { "" };
        source.fault(span.clone(), format_args!("`{key}` is not JSON: {error}{hint}"))
    })?;
    Ok(Json { value, bytes, verbatim, span })
}

/// Reads an expected value below `key`, or as text below `key` with `-text` after it.
pub(crate) fn wanted(section: &Section<'_>, key: &str, none: bool) -> Result<Option<Wanted>, Fault> {
    let text_key = format!("{key}-text");
    let as_text = text(section, &text_key)?;
    let Some(At { value, span }) = section.value(key) else { return Ok(as_text.map(Wanted::Text)) };
    if as_text.is_some() {
        let what = format_args!("there is `{key}` too: one of `{key}` and `{text_key}` says it");
        return Err(section.source.fault(section.key_span(&text_key), what));
    }
    Ok(Some(match value {
        DeValue::String(text) if text == UNKNOWN => Wanted::Unknown(span),
        DeValue::String(text) if none && text == NONE => Wanted::Nothing(span),
        value => Wanted::Json(json(section.source, key, value, span)?),
    }))
}

/// Reads a text, which may be empty, as bytes.
pub(crate) fn text(section: &Section<'_>, key: &str) -> Result<Option<At<Vec<u8>>>, Fault> {
    match section.value(key) {
        None => Ok(None),
        Some(At { value: DeValue::String(text), span }) => {
            Ok(Some(At { value: DeString::as_ref(text).as_bytes().to_vec(), span }))
        }
        Some(At { span, .. }) => Err(section.source.fault(span, format_args!("`{key}` must be a string"))),
    }
}

/// Reads values by JSON pointer.
pub(crate) fn parts(section: &Section<'_>, key: &str) -> Result<Vec<(String, Json)>, Fault> {
    let Some(At { value, span }) = section.value(key) else { return Ok(Vec::new()) };
    let DeValue::Table(table) = value else {
        let what = format_args!("`{key}` must be a table of JSON pointers, such as {{ \"/count\" = 2 }}");
        return Err(section.source.fault(span, what));
    };
    let mut parts = Vec::new();
    for (pointer, value) in table {
        let name: &str = pointer.get_ref();
        if !name.starts_with('/') && !name.is_empty() {
            let what = format_args!("a JSON pointer begins with a slash: \"/{}\"", name.replace('.', "/"));
            return Err(section.source.fault(pointer.span(), what));
        }
        parts.push((name.to_owned(), json(section.source, name, value.get_ref(), value.span())?));
    }
    parts.sort_by_key(|(_, json)| json.span.start);
    Ok(parts)
}
