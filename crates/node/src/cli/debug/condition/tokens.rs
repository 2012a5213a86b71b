//! The words and signs of a condition.

use serde_json::Value;

use super::{Mistake, Operator};

/// A word or a sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(Value),
    Text(String),
    Operator(Operator),
    Sign(char),
}

impl Token {
    /// As a person reads it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Number(number) => format!("`{number}`"),
            Self::Text(text) => format!("{text:?}"),
            Self::Operator(_) => "a comparison".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// Reads the words and signs of a condition, each with its column.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Mistake> {
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
