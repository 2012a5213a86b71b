//! Names in code from names in schemas, and literals, in the way of each language.

/// Names of types that mean something already in one of the languages, or in the code that is written.
const TAKEN: &[&str] = &[
    "Annotated",
    "Any",
    "BTreeMap",
    "Box",
    "Config",
    "Description",
    "Deserialize",
    "Deserializer",
    "Display",
    "Err",
    "False",
    "Length",
    "Literal",
    "MapAccess",
    "Matches",
    "Message",
    "None",
    "Object",
    "Ok",
    "Option",
    "Range",
    "Reason",
    "Refused",
    "Reply",
    "Result",
    "Self",
    "Serialize",
    "Serializer",
    "Some",
    "State",
    "String",
    "True",
    "Value",
    "Vec",
    "Visitor",
    "Wrong",
];

const RUST_KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// Those of Rust that cannot be written with `r#`.
const RUST_NEVER: &[&str] = &["crate", "self", "super"];

const PYTHON_KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

pub(super) fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name)
}

/// The words of a name: what is between signs, and what begins with a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in name.chars() {
        let begins = before.is_none_or(|before: char| {
            !before.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && !before.is_ascii_uppercase())
        });
        if c.is_ascii_alphanumeric() {
            match words.last_mut() {
                Some(word) if !begins => word.push(c.to_ascii_lowercase()),
                _ => words.push(c.to_ascii_lowercase().to_string()),
            }
        }
        before = Some(c);
    }
    words
}

fn not_a_digit_first(name: String, before: &str) -> String {
    match name.chars().next() {
        Some(c) if !c.is_ascii_digit() => name,
        _ => format!("{before}{name}"),
    }
}

/// `LikeThis`.
pub(super) fn pascal(name: &str) -> String {
    let capital = |word: &String| word[..1].to_ascii_uppercase() + &word[1..];
    not_a_digit_first(words(name).iter().map(capital).collect(), "N")
}

/// `like_this`.
pub(super) fn snake(name: &str) -> String {
    not_a_digit_first(words(name).join("_"), "n")
}

/// `LIKE_THIS`.
pub(super) fn capitals(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// A field of Rust, such as `r#type`.
pub(super) fn rust_field(name: &str) -> String {
    let field = snake(name);
    match field.as_str() {
        word if RUST_KEYWORDS.contains(&word) => format!("r#{word}"),
        word if RUST_NEVER.contains(&word) => format!("{word}_"),
        _ => field,
    }
}

/// Whether this can be the name of a field of Python as it is.
pub(super) fn is_python_field(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    // Within a class, what begins with two underscores has another name.
    first
        && !name.starts_with("__")
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !PYTHON_KEYWORDS.contains(&name)
}

/// A string literal of JavaScript or Python, in single or double quotes: both know these escapes.
pub(super) fn quoted(text: &str, quote: char, escape: fn(char) -> String) -> String {
    let mut literal = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            c if c == quote => literal.extend(['\\', c]),
            ' '..='~' => literal.push(c),
            c => literal.push_str(&escape(c)),
        }
    }
    literal.push(quote);
    literal
}

/// A number with `_` between thousands from 10,000 on.
pub(super) fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    if digits.len() < 5 {
        return number.to_string();
    }
    let mut grouped = if number < 0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
