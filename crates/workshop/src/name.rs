//! What a project may be called: a name that a node, a folder, and the packages of every language take.

/// The longest name.
const MAX_NAME: usize = 64;
/// Words that some language or its tools keep for themselves.
const RESERVED: &[&str] = &[
    "abstract",
    "actor",
    "app",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "if",
    "impl",
    "import",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "none",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "target",
    "test",
    "tests",
    "trait",
    "true",
    "troupe-actor",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "vendor",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A name that a project cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no name for a project: {why}")]
pub struct BadName {
    name: String,
    why: &'static str,
}

/// Says whether a project may be called so.
///
/// # Errors
/// [`BadName`] that says what is wrong with it.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let bad = |why| Err(BadName { name: name.to_owned(), why });
    let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if name.is_empty() || name.len() > MAX_NAME {
        return bad("it must have 1 to 64 characters");
    }
    if !name.bytes().all(known) {
        return bad("it may have the characters a-z, 0-9 and - only");
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.ends_with('-') {
        return bad("it must begin with a letter and not end with -");
    }
    if RESERVED.contains(&name) {
        return bad("the tools of some language keep it for themselves");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_every_language() {
        for good in ["a", "counter", "my-counter-2", &"a".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "A", "2nd", "-a", "a-", "a_b", "a.b", "ä", "../a", "a b", "self", "test", &long] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
