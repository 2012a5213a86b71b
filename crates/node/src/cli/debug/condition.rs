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

use std::cmp::Ordering;

use serde_json::Value;

/// The most that parentheses and `not` may be within each other.
const MAX_DEPTH: usize = 64;

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
        let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1, known };
        let condition = parser.any(0)?;
        match parser.peek() {
            None => Ok(condition),
            Some((token, column)) => {
                let what = format!("expected `and`, `or` or the end, found {}", token.shown());
                Err(Mistake { column, what })
            }
        }
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

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(Value),
    Text(String),
    Operator(Operator),
    Sign(char),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Number(number) => format!("`{number}`"),
            Self::Text(text) => format!("{text:?}"),
            Self::Operator(_) => "a comparison".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Mistake> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let column = at + 1;
        let next = chars.get(at + 1).copied();
        let (token, length) = match (c, next) {
            (c, _) if c.is_whitespace() => {
                at += 1;
                continue;
            }
            ('=', Some('=')) => (Token::Operator(Operator::Equal), 2),
            ('!', Some('=')) => (Token::Operator(Operator::NotEqual), 2),
            ('<', Some('=')) => (Token::Operator(Operator::LessOrEqual), 2),
            ('>', Some('=')) => (Token::Operator(Operator::GreaterOrEqual), 2),
            ('<', _) => (Token::Operator(Operator::Less), 1),
            ('>', _) => (Token::Operator(Operator::Greater), 1),
            ('&', Some('&')) => (Token::Word("and".to_owned()), 2),
            ('|', Some('|')) => (Token::Word("or".to_owned()), 2),
            ('!', _) => (Token::Word("not".to_owned()), 1),
            ('=', _) => return Err(Mistake { column, what: "`=` is no comparison; `==` is".to_owned() }),
            ('(' | ')' | '[' | ']' | '.', _) => (Token::Sign(c), 1),
            ('"', _) => quoted(&chars, at)?,
            (c, _) if c.is_ascii_digit() || c == '-' => number(&chars, at)?,
            (c, _) if is_word(c) => {
                let word: String = chars[at..].iter().copied().take_while(|c| is_word(*c)).collect();
                let length = word.chars().count();
                (Token::Word(word), length)
            }
            _ => return Err(Mistake { column, what: format!("`{c}` has no meaning here") }),
        };
        tokens.push((token, column));
        at += length;
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// A JSON string, and how many characters it takes.
fn quoted(chars: &[char], at: usize) -> Result<(Token, usize), Mistake> {
    let mut length = 1;
    while let Some(c) = chars.get(at + length) {
        length += 1;
        match c {
            '\\' => length += 1,
            '"' => {
                let text: String = chars[at..at + length].iter().collect();
                let read = serde_json::from_str(&text);
                let wrong =
                    |error| Mistake { column: at + 1, what: format!("this text is no JSON string: {error}") };
                return read.map(|text| (Token::Text(text), length)).map_err(wrong);
            }
            _ => {}
        }
    }
    Err(Mistake { column: at + 1, what: "this text has no end: `\"` is missing".to_owned() })
}

/// A JSON number, and how many characters it takes.
fn number(chars: &[char], at: usize) -> Result<(Token, usize), Mistake> {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    let text: String = chars[at..].iter().copied().take_while(is_part).collect();
    match serde_json::from_str::<Value>(&text) {
        Ok(number @ Value::Number(_)) => Ok((Token::Number(number), text.chars().count())),
        _ => Err(Mistake { column: at + 1, what: format!("`{text}` is no number") }),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    next: usize,
    /// The column after the last.
    end: usize,
    known: &'a [&'a str],
}

impl Parser<'_> {
    fn peek(&self) -> Option<(&Token, usize)> {
        self.tokens.get(self.next).map(|(token, column)| (token, *column))
    }

    fn column(&self) -> usize {
        self.peek().map_or(self.end, |(_, column)| column)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).map(|(token, _)| token.clone());
        self.next += 1;
        token
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        let is_it = self.peek().is_some_and(|(token, _)| token == wanted);
        self.next += usize::from(is_it);
        is_it
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T, Mistake> {
        Err(Mistake { column: self.column(), what: what.into() })
    }

    fn any(&mut self, depth: usize) -> Result<Condition, Mistake> {
        let mut left = self.all(depth)?;
        while self.take_if(&Token::Word("or".to_owned())) {
            left = Condition::Or(Box::new(left), Box::new(self.all(depth)?));
        }
        Ok(left)
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Mistake> {
        let mut left = self.one(depth)?;
        while self.take_if(&Token::Word("and".to_owned())) {
            left = Condition::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Mistake> {
        if depth > MAX_DEPTH {
            return self.fail(format!("more than {MAX_DEPTH} levels"));
        }
        if self.take_if(&Token::Word("not".to_owned())) {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        let left = self.value(depth)?;
        let operator = match self.peek() {
            Some((Token::Operator(operator), _)) => *operator,
            Some((Token::Word(word), _)) if word == "contains" => Operator::Contains,
            _ => return Ok(left),
        };
        self.next += 1;
        Ok(Condition::Compare(Box::new(left), operator, Box::new(self.value(depth)?)))
    }

    fn value(&mut self, depth: usize) -> Result<Condition, Mistake> {
        let column = self.column();
        match self.take() {
            Some(Token::Number(number)) => Ok(Condition::Literal(number)),
            Some(Token::Text(text)) => Ok(Condition::Literal(Value::String(text))),
            Some(Token::Sign('(')) => {
                let inner = self.any(depth + 1)?;
                if self.take_if(&Token::Sign(')')) { Ok(inner) } else { self.fail("`)` is missing") }
            }
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Ok(Condition::Literal(Value::Bool(true))),
                "false" => Ok(Condition::Literal(Value::Bool(false))),
                "null" => Ok(Condition::Literal(Value::Null)),
                name if self.known.contains(&name) => Ok(Condition::Path(word, self.path()?)),
                name => {
                    let what = format!("`{name}` is not known; there are {}", self.known.join(", "));
                    Err(Mistake { column, what })
                }
            },
            Some(token) => {
                Err(Mistake { column, what: format!("expected a value, found {}", token.shown()) })
            }
            None => Err(Mistake { column, what: "expected a value, found the end".to_owned() }),
        }
    }

    fn path(&mut self) -> Result<Vec<Part>, Mistake> {
        let mut parts = Vec::new();
        loop {
            if self.take_if(&Token::Sign('.')) {
                let column = self.column();
                match self.take() {
                    Some(Token::Word(name)) => parts.push(Part::Member(name)),
                    _ => return Err(Mistake { column, what: "expected a name after `.`".to_owned() }),
                }
            } else if self.take_if(&Token::Sign('[')) {
                let column = self.column();
                let element = |number: &Value| number.as_u64().and_then(|index| usize::try_from(index).ok());
                parts.push(match self.take() {
                    Some(Token::Text(name)) => Part::Member(name),
                    Some(Token::Number(number)) if element(&number).is_some() => {
                        Part::Element(element(&number).unwrap_or_default())
                    }
                    _ => {
                        let what = "expected a position or a \"name\" within `[` and `]`".to_owned();
                        return Err(Mistake { column, what });
                    }
                });
                if !self.take_if(&Token::Sign(']')) {
                    return self.fail("`]` is missing");
                }
            } else {
                return Ok(parts);
            }
        }
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
