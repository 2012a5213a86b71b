//! Conditions over a step: paths, comparisons, `and`, `or`, `not`.
//!
//! ```text
//! condition  = all { "or" all }            all = one { "and" one }
//! one        = "not" one | value [ OP value ]
//! OP         = "==" "!=" "<" "<=" ">" ">=" "contains"
//! value      = path | number | "text" | true | false | null | "(" condition ")"
//! path       = name { "." name | "[" number "]" | "[" "text" "]" }
//! ```
//!
//! What is not there is null. Only numbers with numbers and texts with texts have an order; otherwise `<` is false.
//! Deliberately absent: arithmetic and functions.

mod parser;
mod tokens;

use std::cmp::Ordering;

use serde_json::Value;

use self::parser::Parser;

/// A condition that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Literal(Value),
    /// A name, and what is taken of it.
    Path(String, Vec<Part>),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Compare(Box<Condition>, Operator, Box<Condition>),
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Member(String),
    Element(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// What is wrong with a condition, and at which column, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub(super) struct Mistake {
    pub(super) column: usize,
    what: String,
}

impl Condition {
    /// Reads a condition; the names that its paths may begin with are `known`.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, Mistake> {
        Parser::new(text, known)?.whole()
    }

    /// Whether it holds; `lookup` gives the value of a name.
    pub(super) fn holds(&self, lookup: &dyn Fn(&str) -> Value) -> bool {
        !matches!(self.value(lookup), Value::Null | Value::Bool(false))
    }

    /// What it comes to.
    pub(super) fn value(&self, lookup: &dyn Fn(&str) -> Value) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Path(name, parts) => {
                let mut value = lookup(name);
                for part in parts {
                    value = match part {
                        Part::Member(name) => value.get_mut(name.as_str()).map(Value::take),
                        Part::Element(index) => value.get_mut(index).map(Value::take),
                    }
                    .unwrap_or_default();
                }
                value
            }
            Self::Not(one) => Value::Bool(!one.holds(lookup)),
            Self::And(one, other) => Value::Bool(one.holds(lookup) && other.holds(lookup)),
            Self::Or(one, other) => Value::Bool(one.holds(lookup) || other.holds(lookup)),
            Self::Compare(one, operator, other) => {
                Value::Bool(operator.compare(&one.value(lookup), &other.value(lookup)))
            }
        }
    }
}

impl Operator {
    fn compare(self, one: &Value, other: &Value) -> bool {
        let ordered = |fits: fn(Ordering) -> bool| order(one, other).is_some_and(fits);
        let is_equal = order(one, other).map_or_else(|| one == other, Ordering::is_eq);
        match self {
            Self::Equal => is_equal,
            Self::NotEqual => !is_equal,
            Self::Less => ordered(Ordering::is_lt),
            Self::LessOrEqual => ordered(Ordering::is_le),
            Self::Greater => ordered(Ordering::is_gt),
            Self::GreaterOrEqual => ordered(Ordering::is_ge),
            Self::Contains => match (one, other) {
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                (Value::Array(items), item) => items.contains(item),
                (Value::Object(members), Value::String(name)) => members.contains_key(name),
                _ => false,
            },
        }
    }
}

/// The order of two numbers or two texts.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => {
            let whole = |number: &serde_json::Number| {
                number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
            };
            match (whole(one), whole(other)) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lookup(name: &str) -> Value {
        match name {
            "state" => {
                json!({"total": 101, "by": {"a b": [1, 2, {"x": "yes"}]}, "name": "Ann", "none": null, "f": 1.5})
            }
            "seq" => json!(7),
            _ => Value::Null,
        }
    }

    fn holds(text: &str) -> bool {
        Condition::parse(text, &["state", "seq", "reply"])
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .holds(&lookup)
    }

    #[test]
    fn conditions_hold_or_do_not() {
        for text in [
            "state.total > 100",
            "state.total >= 101 and state.total <= 101",
            "state.by[\"a b\"][2].x == \"yes\"",
            "state.by[\"a b\"] contains 2",
            "state contains \"name\" && state.name contains \"nn\"",
            "not (seq == 8) or false",
            "!state.none",
            "state.missing == null",
            "reply.deeper.still == null",
            "state.total",
            "state.f < 2",
            "seq == 7.0",
            "state.name < \"B\"",
            "state.total == 101 or state.total == 1 and false",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "state.total > 101",
            "state.name > 5",
            "state.name < 5",
            "null",
            "state.missing",
            "state.by[\"a b\"][9]",
            "seq contains 7",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_said_with_its_column() {
        for (text, column, what) in [
            ("", 1, "found the end"),
            ("state.total >", 14, "expected a value, found the end"),
            ("state.total = 1", 13, "`==` is"),
            ("sate.total > 1", 1, "`sate` is not known; there are state"),
            ("state. > 1", 8, "expected a name"),
            ("(seq == 1", 10, "`)` is missing"),
            ("seq == 1 1", 10, "expected `and`"),
            ("state[x]", 7, "expected a position"),
            ("state[1", 8, "`]` is missing"),
            ("seq == \"x", 8, "has no end"),
            ("seq == 1.2.3", 8, "is no number"),
            ("seq == #", 8, "no meaning"),
            ("and", 1, "`and` is not known"),
        ] {
            let error = Condition::parse(text, &["state", "seq"]).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.to_string().contains(what), "{text}: {error}");
        }
        let deep = "(".repeat(1000);
        assert!(Condition::parse(&deep, &[]).unwrap_err().to_string().contains("levels"));
        let deep = "not ".repeat(100_000);
        assert!(Condition::parse(&deep, &[]).is_err());
    }
}
