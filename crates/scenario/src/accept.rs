//! Writes what was found into a scenario file, where the file asks for that, and leaves the rest as a person wrote it.
//!
//! Invariant: only a `?`, and steps with `snapshot = true`, are written to.

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, value};

use crate::file::Scenario;
use crate::run::{Finding, Found};
use crate::value::NONE;

/// The text of a file after something was written to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The new text.
    pub text: String,
    /// How many values were written.
    pub written: usize,
}

/// A file that could not be written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAccepted(String);

/// Writes the findings of a scenario that may be written into the text of its file.
///
/// # Errors
/// [`NotAccepted`] if a place is not found again in the text.
pub fn accept(text: &str, scenario: &Scenario, findings: &[Finding]) -> Result<Accepted, NotAccepted> {
    let mut document: DocumentMut = text.parse().map_err(|error| NotAccepted(format!("{error}")))?;
    let mut written = 0;
    for finding in findings {
        let Some(found) = &finding.write else { continue };
        let lost = || NotAccepted(format!("line {} is not where it was", finding.line));
        let top: &mut dyn TableLike = match scenario.index {
            None => document.as_table_mut(),
            Some(index) => element(document.as_table_mut(), "scenario", index).ok_or_else(lost)?,
        };
        let step = match finding.step {
            Some(index) => element(top, "step", index).ok_or_else(lost)?,
            None => {
                let init = top.entry("init").or_insert_with(toml_edit::table);
                init.as_table_like_mut().ok_or_else(lost)?
            }
        };
        let (key, item) = item(finding.key, found);
        put(step, key, item);
        written += 1;
    }
    Ok(Accepted { text: document.to_string(), written })
}

/// An element of a list of tables, however it is written.
fn element<'d>(table: &'d mut dyn TableLike, key: &str, index: usize) -> Option<&'d mut dyn TableLike> {
    match table.get_mut(key)? {
        Item::ArrayOfTables(tables) => tables.get_mut(index).map(|table| table as &mut dyn TableLike),
        Item::Value(list) => {
            let table = list.as_array_mut()?.get_mut(index)?.as_inline_table_mut()?;
            Some(table as &mut dyn TableLike)
        }
        Item::None | Item::Table(_) => None,
    }
}

/// Sets a key; what stands around a value that is there stays.
fn put(table: &mut dyn TableLike, key: &str, mut item: Item) {
    let Some(old) = table.get_mut(key) else {
        table.insert(key, item);
        return;
    };
    if let (Some(old), Some(new)) = (old.as_value(), item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    *old = item;
}

fn item<'k>(key: &'k str, found: &Found) -> (&'k str, Item) {
    match found {
        Found::Refused(reason) => ("refused", value(reason.as_str())),
        Found::Failed(code) => ("failed", value(code.as_str())),
        Found::Value(None) => (key, value(NONE)),
        Found::Value(Some(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) if serde_json::from_str::<Value>(text).is_ok() => (key, value(text)),
            // What is no JSON is written as text.
            _ => {
                let key = if key == "reply" { "reply-text" } else { "state-text" };
                (key, value(String::from_utf8_lossy(bytes).into_owned()))
            }
        },
        Found::Effects(effects) => {
            let list: Array =
                effects.iter().map(|effect| toml_edit::Value::InlineTable(table(effect))).collect();
            (key, value(list))
        }
    }
}

/// An effect: names and numbers as TOML has them, messages as JSON text.
fn table(effect: &Map<String, Value>) -> InlineTable {
    let members = effect.iter().map(|(key, member)| {
        let is_payload = matches!(key.as_str(), "message" | "config");
        let member = match member {
            payload if is_payload => payload.to_string().into(),
            Value::String(text) => text.as_str().into(),
            Value::Bool(flag) => (*flag).into(),
            Value::Number(number) => number.as_i64().unwrap_or(i64::MAX).into(),
            Value::Array(list) => list.iter().map(plain).collect::<Array>().into(),
            other => other.to_string().into(),
        };
        (key.as_str(), member)
    });
    members.collect::<Vec<(&str, toml_edit::Value)>>().into_iter().collect()
}

fn plain(value: &Value) -> toml_edit::Value {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(i64::MAX).into(),
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}
