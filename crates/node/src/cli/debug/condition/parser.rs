//! From the words and signs of a condition to the condition: a function for each line of its grammar.

use serde_json::Value;

use super::tokens::{Token, tokens};
use super::{Condition, Mistake, Operator, Part};

/// The most that parentheses and `not` may be within each other.
const MAX_DEPTH: usize = 64;

/// What is read of a condition so far.
pub(super) struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    next: usize,
    /// The column after the last.
    end: usize,
    known: &'a [&'a str],
}

impl<'a> Parser<'a> {
    /// Takes a condition apart; the names that its paths may begin with are `known`.
    pub(super) fn new(text: &str, known: &'a [&'a str]) -> Result<Self, Mistake> {
        Ok(Self { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1, known })
    }

    /// Reads it to its end.
    pub(super) fn whole(mut self) -> Result<Condition, Mistake> {
        let condition = self.any(0)?;
        match self.peek() {
            None => Ok(condition),
            Some((token, column)) => {
                let what = format!("expected `and`, `or` or the end, found {}", token.shown());
                Err(Mistake { column, what })
            }
        }
    }

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
