//! Addresses of the web, read strictly, so that whoever checks one and whoever follows it see the same host.
//!
//! Deliberately absent: user names, fragments, characters that need escapes, and anything relative.

use std::fmt;

/// An `http` or `https` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether it is `https`.
    pub tls: bool,
    /// The host in lower case; an IPv6 address without its brackets.
    pub host: String,
    /// The port, that of the scheme if none is given.
    pub port: u16,
    /// Path and query, from the first `/` on.
    pub path: String,
}

/// Not an address that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Another scheme, or none.
    #[error("it begins with neither `http://` nor `https://`")]
    Scheme,
    /// The host is not a name or an address.
    #[error("its host is neither a name nor an address")]
    Host,
    /// The port is not from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// A user name, a fragment, or a character that has to be escaped.
    #[error("it has a character that may not stand there")]
    Character,
    /// More than [`Url::MAX_LENGTH`] bytes.
    #[error("it has more than {} bytes", Url::MAX_LENGTH)]
    Length,
}

impl Url {
    /// The most bytes of an address.
    pub const MAX_LENGTH: usize = 8192;

    /// Reads an address.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        if url.len() > Self::MAX_LENGTH {
            return Err(BadUrl::Length);
        }
        let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(BadUrl::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let escaped = |c: char| !matches!(c, '!'..='~') || "\"#<>\\^`{|}".contains(c);
        if path.contains(escaped) || authority.contains('@') {
            return Err(BadUrl::Character);
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (host, port) = authority_parts(authority)?;
        Ok(Self { tls, host, port: port.unwrap_or(if tls { 443 } else { 80 }), path })
    }

    /// Whether the port is that of the scheme.
    pub fn has_default_port(&self) -> bool {
        self.port == if self.tls { 443 } else { 80 }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, host) = (if self.tls { "https" } else { "http" }, &self.host);
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{}{}", self.port, self.path),
            false => write!(f, "{scheme}://{host}:{}{}", self.port, self.path),
        }
    }
}

/// Host and port of `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`; the host in lower case.
pub(crate) fn authority_parts(authority: &str) -> Result<(String, Option<u16>), BadUrl> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or(BadUrl::Host)?;
            let address: std::net::Ipv6Addr = address.parse().map_err(|_| BadUrl::Host)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(port),
                None if rest.is_empty() => None,
                None => return Err(BadUrl::Host),
            };
            (address.to_string(), port)
        }
        None => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            if !is_name(host) {
                return Err(BadUrl::Host);
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    Ok((host, port.map(read_port).transpose()?))
}

fn read_port(port: &str) -> Result<u16, BadUrl> {
    if port.starts_with(['0', '+']) {
        return Err(BadUrl::Port);
    }
    port.parse().map_err(|_| BadUrl::Port)
}

/// Labels of letters, digits, `-` and `_`, with dots between them. An address of four numbers is one too, and the only
/// name whose last label begins with a digit: what else resolvers take for an address (`127.1`, `0x7f.1`) is none.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with(|c: char| c.is_ascii_digit());
    host.len() <= 253
        && host.split('.').all(label)
        && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_port_and_path() {
        let shouted = ["http", "Example.NET"].join("://");
        let parts = |url| Url::parse(url).map(|u| (u.tls, u.host, u.port, u.path));
        let is = |tls, host: &str, port, path: &str| Ok((tls, host.to_owned(), port, path.to_owned()));
        assert_eq!(parts(&shouted), is(false, "example.net", 80, "/"));
        assert_eq!(parts("https://a.example.net:8443/x?y=1"), is(true, "a.example.net", 8443, "/x?y=1"));
        assert_eq!(parts("https://a?y"), is(true, "a", 443, "/?y"));
        assert_eq!(parts("http://127.0.0.1:9/"), is(false, "127.0.0.1", 9, "/"));
        assert_eq!(parts("http://[0::1]:9/"), is(false, "::1", 9, "/"));
        assert_eq!(parts("http://[::1]"), is(false, "::1", 80, "/"));
        assert_eq!(Url::parse("http://[::1]/a").map(|u| u.to_string()), Ok("http://[::1]:80/a".into()));
    }

    #[test]
    fn whatever_two_readers_might_take_for_two_hosts_is_refused() {
        use BadUrl::{Character, Host, Port, Scheme};
        let cases = [
            ("ftp://a", Scheme),
            ("HTTP://a", Scheme),
            ("//a", Scheme),
            ("http://", Host),
            ("http://-a", Host),
            ("http://a%2eb", Host),
            ("http://caf\u{e9}", Host),
            ("http://a\\@b", Character),
            ("http://a\\b", Host),
            ("http://u@a", Character),
            ("http://2130706433", Host),
            ("http://[::1]x", Host),
            ("http://[a]", Host),
            ("http://a:", Port),
            ("http://a:0", Port),
            ("http://a:+80", Port),
            ("http://a:65536", Port),
            ("http://a/ b", Character),
            ("http://a/#b", Character),
            ("http://a/\r\nb", Character),
            ("http://a.", Host),
        ];
        for (url, expected) in cases {
            assert_eq!(Url::parse(url), Err(expected), "{url:?}");
        }
        for host in ["a..b", "127.1", "0x7f.0.0.0x1", "010.0.0.1", "1.2.3.4.5"] {
            assert_eq!(Url::parse(&["http", host].join("://")), Err(Host), "{host}");
        }
        assert_eq!(Url::parse(&format!("http://a/{}", "b".repeat(9000))), Err(BadUrl::Length));
    }
}
