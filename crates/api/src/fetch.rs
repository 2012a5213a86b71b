//! Asks a host of the web on behalf of an actor: once, within limits, and only at addresses that are allowed.
//!
//! Invariant: the addresses that are checked are those that are connected to; nothing is looked up twice. Deliberately
//! absent: redirects, cookies, proxies, caches and repeated attempts.

use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::{Request, Uri};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::roots;

/// Asks hosts of the web.
pub struct Fetcher {
    agent: Agent,
    timeout: Duration,
    max_body: u64,
    allowed: Allowed,
}

/// Whether an address may be connected to.
pub type Allowed = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// What a host answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// Names in lower case and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What to ask.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The method.
    pub method: &'a str,
    /// The address, `http` or `https`.
    pub url: &'a str,
    /// Names and values.
    pub headers: &'a [(String, String)],
    /// The body; none is sent if it is empty.
    pub body: &'a [u8],
}

/// There is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFetched(String);

impl Fetcher {
    /// Asks with these limits: the time for all of it, and the bytes of a body.
    pub fn new(timeout: Duration, max_body: u64, allowed: Allowed) -> Self {
        let agent = agent(timeout, Arc::clone(&allowed), TlsConfig::default());
        Self { agent, timeout, max_body, allowed }
    }

    /// Trusts the certificates of a PEM file, and no others, to say which host it is.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn trusting(self, pem: &[u8]) -> Result<Self, String> {
        let agent = agent(self.timeout, Arc::clone(&self.allowed), roots::trusting(pem)?);
        Ok(Self { agent, ..self })
    }

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    /// [`NotFetched`] with what a person, or an actor, may know of it.
    pub fn fetch(&self, asking: &Asking<'_>) -> Result<Fetched, NotFetched> {
        let mut request = Request::builder().method(asking.method).uri(asking.url);
        for (name, value) in asking.headers {
            request = request.header(name, value);
        }
        let failed = |error: &dyn fmt::Display| NotFetched(error.to_string());
        let answer = if asking.body.is_empty() {
            self.agent.run(request.body(()).map_err(|error| failed(&error))?)
        } else {
            self.agent.run(request.body(asking.body).map_err(|error| failed(&error))?)
        };
        let mut answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(self.max_body + 1).read_to_end(&mut body);
        read.map_err(|error| failed(&error))?;
        if body.len() as u64 > self.max_body {
            return Err(NotFetched(format!("the answer has more than {} bytes", self.max_body)));
        }
        Ok(Fetched { status, headers, body })
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("max_body", &self.max_body).finish_non_exhaustive()
    }
}

fn agent(timeout: Duration, allowed: Allowed, tls: TlsConfig) -> Agent {
    let config = Config::builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(64 << 10)
        .proxy(None)
        .tls_config(tls)
        .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
        .build();
    let resolver = Checked { inner: DefaultResolver::default(), allowed };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// Leaves out the addresses that may not be connected to.
struct Checked {
    inner: DefaultResolver,
    allowed: Allowed,
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checked")
    }
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        found
            .iter()
            .filter(|address| (self.allowed)(address.ip()))
            .for_each(|address| allowed.push(*address));
        if allowed.is_empty() {
            let what = "the host's addresses are private, and that was not granted";
            return Err(ureq::Error::Other(what.into()));
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// Answers one connection with these bytes, and gives back what was asked.
    fn serve(answer: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(&answer).unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, served)
    }

    fn fetch(url: &str, max_body: u64, allowed: bool) -> Result<Fetched, NotFetched> {
        let fetcher = Fetcher::new(Duration::from_secs(20), max_body, Arc::new(move |_| allowed));
        let headers = [("x-key".to_owned(), "1".to_owned())];
        fetcher.fetch(&Asking { method: "GET", url, headers: &headers, body: b"" })
    }

    #[test]
    fn an_answer_comes_as_it_is_whatever_its_status() {
        let answer = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 2\r\n\r\nhi";
        let (url, served) = serve(answer.to_vec());
        let fetched = fetch(&url, 10, true).unwrap();
        assert_eq!((fetched.status, &fetched.body[..]), (302, &b"hi"[..]));
        assert!(fetched.headers.contains(&("location".into(), "/b".into())));
        let asked = served.join().unwrap();
        assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\n") && asked.contains("x-key: 1"), "{asked}");
    }

    #[test]
    fn an_answer_that_is_too_large_is_no_answer() {
        let (url, served) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world".to_vec());
        let error = fetch(&url, 10, true).unwrap_err();
        assert_eq!(error.to_string(), "the answer has more than 10 bytes");
        served.join().unwrap();
    }

    #[test]
    fn an_address_that_is_not_allowed_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let error = fetch(&url, 10, false).unwrap_err().to_string();
        assert!(error.contains("private"), "{error}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody came");
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        let (url, served) = serve(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec());
        assert!(fetch(&url, 10, true).is_err());
        served.join().unwrap();
        assert!(fetch("nonsense", 10, true).is_err());
    }
}
