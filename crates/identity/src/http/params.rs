//! `Signature-Input` and `Signature`: as much of structured fields (RFC 8941) as signatures need, and no more.
//!
//! Deliberately absent: parameters of components, such as `;req` or `;sf`; a signature that has any is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The most components that a signature covers.
const MAX_COVERED: usize = 32;
/// The most characters of a string.
const MAX_STRING: usize = 256;

/// What a signature covers, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The components, in the order in which they are signed.
    pub covered: Vec<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<u64>,
    /// Until when it is good.
    pub expires: Option<u64>,
    /// What is used once.
    pub nonce: Option<String>,
    /// The key: a DID.
    pub keyid: Option<String>,
    /// The algorithm.
    pub alg: Option<String>,
}

/// A field cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadParameters {
    /// The label is not there, or there twice.
    #[error("expected one member `{0}` in `Signature-Input` and in `Signature`")]
    Label(String),
    /// It has another form.
    #[error("expected {0}")]
    Form(&'static str),
    /// A parameter is needed.
    #[error("the signature needs the parameter `{0}`")]
    Needed(&'static str),
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let covered: Vec<String> = self.covered.iter().map(|component| format!("\"{component}\"")).collect();
        write!(f, "({})", covered.join(" "))?;
        let integers = [("created", self.created), ("expires", self.expires)];
        for (name, value) in integers {
            value.map_or(Ok(()), |value| write!(f, ";{name}={value}"))?;
        }
        for (name, value) in [("nonce", &self.nonce), ("keyid", &self.keyid), ("alg", &self.alg)] {
            value.as_ref().map_or(Ok(()), |value| write!(f, ";{name}=\"{value}\""))?;
        }
        Ok(())
    }
}

impl Parameters {
    /// Reads what stands after a label.
    ///
    /// # Errors
    /// [`BadParameters::Form`].
    pub fn parse(text: &str) -> Result<Self, BadParameters> {
        const LIST: BadParameters = BadParameters::Form("a list of covered components in parentheses");
        const PARAMETER: BadParameters =
            BadParameters::Form("parameters `;created`, `;expires`, `;nonce`, `;keyid`, `;alg`, each once");
        let (list, mut rest) = text.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or(LIST)?;
        let mut parameters = Self::default();
        for item in list.split(' ').filter(|item| !item.is_empty()) {
            let (component, rest) = quoted(item).ok_or(LIST)?;
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "@-_".contains(c);
            let new = !parameters.covered.iter().any(|covered| covered == component);
            let fits = rest.is_empty() && new && !component.is_empty() && component.chars().all(plain);
            if !fits || parameters.covered.len() == MAX_COVERED {
                return Err(LIST);
            }
            parameters.covered.push(component.to_owned());
        }
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value) = parameter.split_once('=').ok_or(PARAMETER)?;
            rest = match name {
                "created" => integer(value, &mut parameters.created),
                "expires" => integer(value, &mut parameters.expires),
                "nonce" => string(value, &mut parameters.nonce),
                "keyid" => string(value, &mut parameters.keyid),
                "alg" => string(value, &mut parameters.alg),
                _ => None,
            }
            .ok_or(PARAMETER)?;
        }
        if rest.is_empty() { Ok(parameters) } else { Err(PARAMETER) }
    }
}

fn integer<'a>(text: &'a str, into: &mut Option<u64>) -> Option<&'a str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // At most 15 digits, as structured fields have it.
    let value = (1..=15).contains(&digits.len()).then(|| digits.parse().ok()).flatten();
    (into.is_none() && value.is_some()).then(|| *into = value)?;
    Some(rest)
}

fn string<'a>(text: &'a str, into: &mut Option<String>) -> Option<&'a str> {
    let (value, rest) = quoted(text)?;
    (into.is_none() && !value.is_empty()).then(|| *into = Some(value.to_owned()))?;
    Some(rest)
}

/// A string in quotes without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.strip_prefix('"')?.split_once('"')?;
    let plain = value.len() <= MAX_STRING && value.chars().all(|c| matches!(c, ' '..='~') && c != '\\');
    plain.then_some((value, rest))
}

/// The value of one member of a dictionary; commas in strings and lists divide nothing.
pub(super) fn member<'a>(field: &'a str, label: &str) -> Result<&'a str, BadParameters> {
    let (mut quoted, mut listed) = (false, false);
    let members = field.split(|c| {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => listed = true,
            ')' if !quoted => listed = false,
            _ => {}
        }
        c == ',' && !quoted && !listed
    });
    let value = |member: &'a str| member.trim_matches([' ', '\t']).strip_prefix(label)?.strip_prefix('=');
    let mut found = members.filter_map(value);
    match (found.next(), found.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(BadParameters::Label(label.to_owned())),
    }
}

/// A signature: 64 bytes in base64, between colons.
pub(super) fn bytes(value: &str) -> Result<[u8; 64], BadParameters> {
    const SIGNATURE: BadParameters = BadParameters::Form("64 bytes in base64 between colons");
    let text = value.strip_prefix(':').and_then(|text| text.strip_suffix(':')).ok_or(SIGNATURE)?;
    let bytes = STANDARD.decode(text).map_err(|_| SIGNATURE)?;
    bytes.try_into().map_err(|_| SIGNATURE)
}
