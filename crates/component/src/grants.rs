//! What a chain grants beyond its world: hosts of the web, files, arguments and an environment, by exact text.
//!
//! - `http:HOST` grants a host on the port of the scheme, `http:HOST:PORT` on that port alone.
//! - `http:*.HOST`, with or without a port, grants every name below `HOST`, and not `HOST` itself.
//! - `private:HOST:PORT` grants a host that may turn out to have a private address.
//! - `file:NAME:PATH` grants a file to read, at an absolute path, whose bytes have this name; no path comes twice.
//! - `env:NAME=VALUE` is a variable of `wasi:cli/environment`; no name comes twice.
//! - `commons:CAPABILITY` grants what [`Capability`](troupe_abi::Capability) lists of the commons, each once; `commons-for:MEMBER`, at most one,
//!   names the member for whom the chain acts there.
//! - `args:[…]`, a JSON array of strings, is what it gives as arguments, the program's name first; at most one.
//!
//! Deliberately absent: resolving. Whether an address is a private one is for the node to see as it connects.

use std::sync::Arc;

pub use troupe_abi::CommonsGrants;
use troupe_chain::{Files, GrantedFile, Text};

use crate::tree::{Missing, Tree};
use crate::url::{Url, authority_parts};

/// What a chain is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    hosts: Vec<Web>,
    /// In ascending order of names.
    env: Vec<(String, String)>,
    args: Vec<String>,
    files: Arc<Tree>,
    commons: CommonsGrants,
}

/// Hosts of the web.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Web {
    private: bool,
    /// Whether it grants what is below the host, in place of the host.
    below: bool,
    host: String,
    port: Option<u16>,
}

/// An address that is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Whether the host may have a private address.
    pub private: bool,
}

/// An address that is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is not granted on port {port}")]
pub struct Denied {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A grant that is not known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{grant}` cannot be granted: {what}")]
pub struct BadGrant {
    /// The grant.
    pub grant: Text,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Grants {
    /// Reads the grants of a chain.
    ///
    /// # Errors
    /// [`BadGrant`] for the first that is not known.
    pub fn parse(grants: &[Text]) -> Result<Self, BadGrant> {
        let mut read = Self::default();
        let mut files = Tree::default();
        for grant in grants {
            let added = match GrantedFile::of(grant) {
                Some(file) => files.add(file),
                None => read.add(grant.as_str()),
            };
            added.map_err(|what| BadGrant { grant: grant.clone(), what })?;
        }
        read.env.sort();
        read.files = Arc::new(files);
        Ok(read)
    }

    fn add(&mut self, grant: &str) -> Result<(), &'static str> {
        if let Some(variable) = grant.strip_prefix("env:") {
            let (name, value) = variable.split_once('=').ok_or("it is not `env:NAME=VALUE`")?;
            if name.is_empty() {
                return Err("the variable has no name");
            }
            if self.env.iter().any(|(known, _)| known == name) {
                return Err("the variable is granted twice");
            }
            self.env.push((name.to_owned(), value.to_owned()));
        } else if let Some(args) = grant.strip_prefix("args:") {
            if !self.args.is_empty() {
                return Err("arguments are granted twice");
            }
            const WHAT: &str =
                "it is not `args:` and a JSON array of strings that begins with the program's name";
            self.args = serde_json::from_str(args).map_err(|_| WHAT)?;
            if self.args.is_empty() {
                return Err(WHAT);
            }
        } else if let Some(added) = self.commons.add(grant) {
            return added;
        } else if grant.starts_with("file:") {
            return Err("it is not `file:NAME:PATH`, with the hash of the file's bytes as its name");
        } else {
            self.hosts.push(Web::parse(grant)?);
        }
        Ok(())
    }

    /// Takes the bytes of the files that are granted. Until then a machine can be made and looked at, and not run.
    ///
    /// # Errors
    /// [`Missing`] if one of them is not among `files`, or they are too large.
    pub fn with_files(self, files: &Files) -> Result<Self, Missing> {
        Ok(Self { files: Arc::new(self.files.with_bytes(files)?), ..self })
    }

    /// The files, as the actor finds them.
    pub(crate) fn files(&self) -> &Arc<Tree> {
        &self.files
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && self.env.is_empty()
            && self.args.is_empty()
            && self.files.is_empty()
            && self.commons.is_empty()
    }

    /// What is granted of the commons.
    pub fn commons(&self) -> &CommonsGrants {
        &self.commons
    }

    /// Whether some host of the web is granted, so that `troupe:actor/http` may be imported.
    pub fn has_http(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The variables of `wasi:cli/environment`, in ascending order of names.
    pub fn environment(&self) -> &[(String, String)] {
        &self.env
    }

    /// The arguments of `wasi:cli/environment`; none if none are granted.
    pub fn arguments(&self) -> &[String] {
        &self.args
    }

    /// Whether an address may be asked.
    ///
    /// # Errors
    /// [`Denied`] if no grant says so.
    pub fn allows(&self, url: &Url) -> Result<Allowed, Denied> {
        let mut fits = self.hosts.iter().filter(|grant| grant.fits(url)).peekable();
        if fits.peek().is_none() {
            return Err(Denied { host: url.host.clone(), port: url.port });
        }
        Ok(Allowed { private: fits.any(|grant| grant.private) })
    }
}

impl Web {
    fn parse(grant: &str) -> Result<Self, &'static str> {
        const HOST: &str = "it names no host in lower case";
        let (private, rest) = match grant.split_once(':') {
            Some(("http", rest)) => (false, rest),
            Some(("private", rest)) => (true, rest),
            _ => {
                return Err(
                    "it begins with none of `http:`, `private:`, `file:`, `env:`, `args:` and `commons:`",
                );
            }
        };
        let (below, authority) = match rest.strip_prefix("*.") {
            Some(_) if private => return Err("a private host is named in full"),
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (host, port) = authority_parts(authority).map_err(|_| HOST)?;
        if !authority.trim_start_matches('[').starts_with(&host) {
            return Err(HOST);
        }
        if below && host.parse::<std::net::IpAddr>().is_ok() {
            return Err("nothing is below an address");
        }
        if private && port.is_none() {
            return Err("a private host is granted on one port: `private:HOST:PORT`");
        }
        Ok(Self { private, below, host, port })
    }

    fn fits(&self, url: &Url) -> bool {
        let host = match self.below {
            false => url.host == self.host,
            true => url.host.strip_suffix(&self.host).is_some_and(|below| below.ends_with('.')),
        };
        host && self.port.map_or(url.has_default_port(), |port| port == url.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(grants: &[&str]) -> Result<Grants, BadGrant> {
        Grants::parse(&grants.iter().map(|grant| Text::new(*grant).unwrap()).collect::<Vec<_>>())
    }

    /// Whether a private address would be granted too; `url` is without the `//`.
    fn ask(granted: &str, url: &str) -> Option<bool> {
        let url = url.replacen(':', "://", 1);
        let allowed = grants(&[granted]).unwrap().allows(&Url::parse(&url).unwrap());
        allowed.ok().map(|allowed| allowed.private)
    }

    #[test]
    fn a_host_is_granted_on_the_port_of_its_scheme_or_on_the_one_that_is_named() {
        assert_eq!(ask("http:example.net", "http:example.net/a"), Some(false));
        assert_eq!(ask("http:example.net", "https:EXAMPLE.net/a"), Some(false));
        for other in ["http:example.net:8080", "http:a.example.net", "http:xexample.net", "http:net"] {
            assert_eq!(ask("http:example.net", other), None, "{other}");
        }
        assert_eq!(ask("http:example.net:8080", "https:example.net:8080"), Some(false));
        assert_eq!(ask("http:example.net:8080", "http:example.net"), None);
        assert_eq!(ask("http:example.net:80", "http:example.net"), Some(false));
        assert_eq!(ask("http:[::1]:80", "http:[0::1]"), Some(false));
    }

    #[test]
    fn a_star_grants_what_is_below_a_host_and_not_the_host() {
        assert_eq!(ask("http:*.example.net", "https:a.b.example.net"), Some(false));
        for other in ["https:example.net", "https:badexample.net", "https:a.example.net:8443"] {
            assert_eq!(ask("http:*.example.net", other), None, "{other}");
        }
        assert_eq!(ask("http:*.example.net:8443", "https:a.example.net:8443"), Some(false));
    }

    #[test]
    fn only_a_private_grant_says_that_the_address_may_be_private() {
        assert_eq!(ask("private:localhost:9000", "http:localhost:9000/"), Some(true));
        assert_eq!(ask("private:localhost:9000", "http:localhost:9001/"), None);
        let both = grants(&["http:localhost:9000", "private:localhost:9000"]).unwrap();
        let url = Url::parse("http://localhost:9000").unwrap();
        assert_eq!(both.allows(&url), Ok(Allowed { private: true }));
        let denied = Grants::default().allows(&url).unwrap_err();
        assert_eq!(denied.to_string(), "`localhost` is not granted on port 9000");
    }

    #[test]
    fn a_grant_that_is_not_known_is_named() {
        for bad in [
            "http",
            "http:",
            "http:Example.net",
            "http:a/b",
            "http:*",
            "http:*.1.2.3.4",
            "http:a:0",
            "http:[0::1]",
            "file:/etc",
            "private:localhost",
            "private:*.a:80",
        ] {
            let refused = grants(&[bad]).unwrap_err();
            assert_eq!(refused.grant.as_str(), bad);
        }
        let refused = grants(&["clock"]).unwrap_err().to_string();
        assert_eq!(
            refused,
            "`clock` cannot be granted: it begins with none of `http:`, `private:`, `file:`, `env:`, `args:` and `commons:`"
        );
    }

    #[test]
    fn variables_and_arguments_are_granted_once() {
        let granted = grants(&["args:[\"tool\",\"\\u00e9\"]", "env:B=x=y", "env:A="]).unwrap();
        assert_eq!(granted.arguments(), ["tool", "é"]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(granted.environment(), [pair("A", ""), pair("B", "x=y")]);
        assert!(!granted.is_empty() && !granted.has_http());
        for bad in [
            &["env:A"] as &[&str],
            &["env:=a"],
            &["env:A=1", "env:A=2"],
            &["args:[]"],
            &["args:[1]"],
            &["args:a"],
            &["args:[\"a\"]", "args:[\"b\"]"],
        ] {
            assert!(grants(bad).is_err(), "{bad:?}");
        }
    }
}
