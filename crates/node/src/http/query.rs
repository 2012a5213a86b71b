//! Queries: each parameter once, and none that is not known.

use troupe_api::ErrorCode;

use super::body::nearest;
use super::problem::Refusal;

/// The parameters of a query. None needs percent-encoding.
pub(super) struct Query<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Query<'a> {
    /// Reads a query whose parameters are among `known`.
    pub(super) fn parse(query: Option<&'a str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !known.contains(&key) {
                let near = nearest(key, known.iter().copied());
                let meant = near.map_or(String::new(), |near| format!(" (`{near}` is near)"));
                let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                let what = match list.is_empty() {
                    true => format!("there is no parameter `{key}`; there is none"),
                    false => {
                        format!("there is no parameter `{key}`{meant}; there are {}", list.join(" and "))
                    }
                };
                return Err(bad(what));
            }
            if pairs.iter().any(|(name, _)| *name == key) {
                return Err(bad(format!("`{key}` is there twice")));
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let wrong = |_| bad(format!("`{name}` must be a whole number, found `{value}`"));
        value.parse::<u64>().map(Some).map_err(wrong)
    }

    /// A number from 1 to `most`.
    pub(super) fn limit(&self, default: u64, most: u64) -> Result<u64, Refusal> {
        let limit = self.number("limit")?.unwrap_or(default);
        if !(1..=most).contains(&limit) {
            return Err(bad(format!("`limit` must be from 1 to {most}, found {limit}")));
        }
        Ok(limit)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(bad(format!("`{name}` must be true or false, found `{other}`"))),
        }
    }
}

pub(super) fn bad(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::BadQuery, what)
}
