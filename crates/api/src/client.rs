//! A blocking client of one node: how it is set up, and how it asks and reads.
//!
//! Invariant: nothing that comes back is trusted to be small, and an answer that is not what the interface promises is an
//! error that shows its beginning. Deliberately absent: retries (whoever sends knows whether a message may be sent twice),
//! a way to trust any certificate whatever, and async.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use troupe_identity::Signer;
use ureq::http::{HeaderMap, Request, Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

use crate::signing::Signing;
use crate::{Problem, roots};

/// The most bytes of one answer: the largest blob there can be, and some room.
const MAX_BYTES: u64 = (256 << 20) + (1 << 20);
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for the head of an answer; more than a node's own deadlines.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// How many connections are kept open when nobody uses them.
const KEPT_CONNECTIONS: usize = 256;

/// A client of one node. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
    signing: Option<Signing>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL cannot be used.
    #[error("`{url}` is not the URL of a node: {reason}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody listens there.
    #[error("nothing listens at {0}")]
    Refused(String),
    /// The connection failed or broke.
    #[error("no answer from {url}: {reason}")]
    Connection {
        /// The node.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The request could not be signed.
    #[error("cannot sign the request: {0}")]
    NotSigned(String),
    /// The node said no, and why.
    #[error("{}", .0.sentence())]
    Problem(Box<Problem>),
    /// Whatever answered is not a node.
    #[error("{url} answered with status {status} and what no node says: {excerpt}")]
    Unexpected {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// What was wrong, or the beginning of the body.
        excerpt: String,
    },
}

impl ClientError {
    /// The node's own explanation, where that is what it is.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// What a person might do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::BadUrl { .. } => Some("give it as http://HOST:PORT"),
            Self::Refused(_) => {
                Some("start an actor there with `troupe run COMPONENT`, or check host and port")
            }
            Self::Connection { .. } => Some("check that the node runs and can be reached"),
            Self::Unexpected { .. } => Some("check that a Troupe node listens there, and no other server"),
            Self::Problem(_) | Self::NotSigned(_) => None,
        }
    }
}

impl Client {
    /// Sets up a client; nothing is connected yet.
    ///
    /// # Errors
    /// [`ClientError::BadUrl`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let bad = |reason| Err(ClientError::BadUrl { url: url.to_owned(), reason });
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
            Some(_) => return bad("it must begin with http:// or https://"),
            None => ("http", url),
        };
        let host = rest.trim_end_matches('/');
        if host.is_empty() || host.starts_with([':', '/']) {
            return bad("it has no host");
        }
        if host.contains(['?', '#', ' ']) {
            return bad("it has more than host, port and path");
        }
        let agent = agent(TlsConfig::default());
        Ok(Self { agent, base: format!("{scheme}://{host}"), token: None, signing: None })
    }

    /// Trusts the certificates of a PEM file, and no others, to say which node it is.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn trusting(self, pem: &[u8]) -> Result<Self, String> {
        Ok(Self { agent: agent(roots::trusting(pem)?), ..self })
    }

    /// Shows a token with every request.
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// Signs every request that changes something, as the DID of this key.
    pub fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signing = Some(Signing(signer));
        self
    }

    /// The client of one of the node's actors, by name or id.
    pub fn actor(&self, actor: &str) -> Self {
        Self { base: format!("{}/actors/{}", self.base, escaped(actor)), ..self.clone() }
    }

    /// The client of the node that has this actor.
    pub fn of_node(&self) -> Self {
        let base = self.base.split_once("/actors/").map_or(self.base.as_str(), |(node, _)| node);
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The node's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.base
    }

    pub(crate) fn get(&self, path: &str) -> Result<(HeaderMap, Vec<u8>), ClientError> {
        self.read(path, self.run("GET", path, &[], None))
    }

    /// Any request of the interface; its answer may have any status of success. `body` is its content type and bytes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<Vec<u8>, ClientError> {
        let headers: Vec<_> = body.iter().map(|(kind, _)| ("content-type", *kind)).collect();
        Ok(self.read(path, self.run(method, path, &headers, body.map(|(_, bytes)| bytes)))?.1)
    }

    /// Reads an answer as it comes, for as long as it takes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn stream(&self, path: &str) -> Result<impl io::Read + use<>, ClientError> {
        let response = self.run("GET", path, &[("accept", "text/event-stream")], None);
        let response = response?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body().into_reader());
        }
        match self.read(path, Ok(response)) {
            Ok(_) => Err(self.unexpected(path, 200, b"")),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn run(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Response<Body>, ClientError> {
        let url = format!("{}{path}", self.base);
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        // What only reads is nobody's in particular.
        if let Some(signing) = self.signing.as_ref().filter(|_| method != "GET") {
            let fields = signing.fields(method, &url, body.unwrap_or_default());
            for (name, value) in fields.map_err(ClientError::NotSigned)? {
                request = request.header(name, value);
            }
        }
        let failed = |error: ureq::Error| self.connection(&error);
        let response = match body {
            Some(body) => self.agent.run(request.body(body).map_err(|error| failed(error.into()))?),
            None if method == "POST" => {
                self.agent.run(request.body(&b""[..]).map_err(|error| failed(error.into()))?)
            }
            None => self.agent.run(request.body(()).map_err(|error| failed(error.into()))?),
        };
        response.map_err(failed)
    }

    pub(crate) fn read(
        &self,
        path: &str,
        response: Result<Response<Body>, ClientError>,
    ) -> Result<(HeaderMap, Vec<u8>), ClientError> {
        let (head, mut body) = response?.into_parts();
        let body = body.with_config().limit(MAX_BYTES).read_to_vec();
        let body = body.map_err(|error| self.connection(&error))?;
        if head.status.is_success() {
            return Ok((head.headers, body));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(ClientError::Problem(Box::new(problem))),
            Err(_) => Err(self.unexpected(path, head.status.as_u16(), &body)),
        }
    }

    fn connection(&self, error: &ureq::Error) -> ClientError {
        let url = self.base.clone();
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ClientError::Refused(url)
            }
            ureq::Error::ConnectionFailed => ClientError::Refused(url),
            ureq::Error::HostNotFound => {
                ClientError::Connection { url, reason: "there is no such host".into() }
            }
            ureq::Error::BodyExceedsLimit(_) => {
                let reason = format!("the answer has more than {MAX_BYTES} bytes");
                ClientError::Connection { url, reason }
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                ClientError::BadUrl { url, reason: "it has no host and port that can be read" }
            }
            other => ClientError::Connection { url, reason: other.to_string() },
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|_| self.unexpected(path, 200, body))
    }

    pub(crate) fn header<T: std::str::FromStr>(
        &self,
        headers: &HeaderMap,
        name: &str,
        path: &str,
    ) -> Result<T, ClientError> {
        let value = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        value.ok_or_else(|| ClientError::Unexpected {
            url: format!("{}{path}", self.base),
            status: 200,
            excerpt: format!("no header `{name}` that can be read"),
        })
    }

    pub(crate) fn unexpected(&self, path: &str, status: u16, body: &[u8]) -> ClientError {
        let text: String = String::from_utf8_lossy(body).chars().take(120).collect();
        let excerpt = if text.trim().is_empty() { "nothing".into() } else { format!("{text:?}") };
        ClientError::Unexpected { url: format!("{}{path}", self.base), status, excerpt }
    }
}

/// A name or id as one part of a path.
fn escaped(actor: &str) -> String {
    let mut part = String::new();
    for byte in actor.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

fn agent(tls: TlsConfig) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .no_delay(true)
        .tls_config(tls)
        .max_idle_connections(KEPT_CONNECTIONS)
        .max_idle_connections_per_host(KEPT_CONNECTIONS)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(ANSWER_TIMEOUT))
        .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
        .build();
    config.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_leave_out_the_scheme_and_end_in_a_slash() {
        assert_eq!(Client::new("https://a.example/").unwrap().url(), "https://a.example");
        for url in ["127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            assert_eq!(Client::new(url).unwrap().url(), "http://127.0.0.1:8080");
        }
    }

    #[test]
    fn a_url_of_another_kind_is_refused_with_the_reason() {
        for (url, reason) in
            [("ftp://x", "http://"), ("http://", "host"), (":8080", "host"), ("x/?a=1", "more than")]
        {
            let error = Client::new(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }

    #[test]
    fn a_port_where_nothing_listens_is_refused_and_says_what_to_do() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Client::new(&free.to_string()).unwrap().info().unwrap_err();
        assert!(matches!(error, ClientError::Refused(_)), "{error}");
        assert!(error.help().unwrap().contains("troupe run"));
    }
}
