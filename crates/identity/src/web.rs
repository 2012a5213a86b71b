//! Names that are web addresses: `did:web`, as far as a key is looked for behind them.
//!
//! Invariant: two readers of a name see the same host and path: there are no escapes but the `%3A` before a port, no
//! addresses of numbers, no empty parts, no `.` and no `..`. Nothing is fetched here.

use std::fmt;
use std::str::FromStr;

/// What every such name begins with.
const PREFIX: &str = "did:web:";
/// The most characters of a name.
const MAX_LENGTH: usize = 256;

/// A DID that names a document on the web: `did:web:coop.example`, `did:web:coop.example%3A8443:members:anna`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebDid {
    did: String,
    host: String,
    port: Option<u16>,
    path: Vec<String>,
}

/// A text is no such name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{did:?} is no did:web that can be resolved: {reason}")]
pub struct BadWebDid {
    /// The text, or its beginning.
    pub did: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl WebDid {
    /// Where its document is.
    pub fn url(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = match self.path.is_empty() {
            true => ".well-known".to_owned(),
            false => self.path.join("/"),
        };
        format!("https://{}{port}/{path}/did.json", self.host)
    }
}

impl FromStr for WebDid {
    type Err = BadWebDid;

    fn from_str(text: &str) -> Result<Self, BadWebDid> {
        let bad = |reason| BadWebDid { did: text.chars().take(MAX_LENGTH).collect(), reason };
        if text.len() > MAX_LENGTH {
            return Err(bad("it has more than 256 characters"));
        }
        let rest = text.strip_prefix(PREFIX).ok_or_else(|| bad("it does not begin with `did:web:`"))?;
        let mut parts = rest.split(':');
        let authority = parts.next().unwrap_or_default();
        let (host, port) = match authority.split_once("%3A").or_else(|| authority.split_once("%3a")) {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if !is_host(host) {
            return Err(bad("its host is no name in lower case, such as coop.example"));
        }
        let port = match port {
            Some(port) if port.starts_with(['0', '+']) => None,
            Some(port) => Some(port.parse().map_err(|_| bad("its port is not a number from 1 to 65535"))?),
            None => None,
        };
        if port.is_none() && authority.len() != host.len() {
            return Err(bad("its port is not a number from 1 to 65535"));
        }
        let path: Vec<_> = parts.map(str::to_owned).collect();
        if !path.iter().all(|part| is_path_part(part)) {
            return Err(bad(
                "a part of its path is empty, `.` or `..`, or has other than letters, digits, `.`, `-` and `_`",
            ));
        }
        Ok(Self { did: text.to_owned(), host: host.to_owned(), port, path })
    }
}

impl fmt::Display for WebDid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.did)
    }
}

/// A name of labels with dots between them, whose last label begins with a letter: no address of numbers.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.split('.').all(label) && last.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_path_part(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !matches!(part, "" | "." | "..") && part.bytes().all(plain)
}
