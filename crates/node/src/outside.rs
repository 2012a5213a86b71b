//! The web as actors reach it: live, for those that were granted hosts. A replay never comes here.
//!
//! Invariant: what an actor gets is what its chain records: an answer, or the words for why there is none. A call that the
//! node cannot make at all is an abort, of which nothing is recorded.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use troupe_api::{Asking, Fetcher};
use troupe_chain::{Abort, Hash, Outside, Text};
use troupe_component::Grants;
use troupe_component::abi::{HostError, HostFunction, ReadAnswer, ReadRequest};
use troupe_component::outside::{FETCH, Request, Response};
use troupe_runtime::{CallBase, World};

use troupe_manifest::is_private;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer's body; as base64 it fits the default limit `answer`.
const MAX_BODY: u64 = 700 << 10;

/// Answers what guests ask of the commons: a function of the host ABI, by name.
pub type ReadCommons = dyn Fn(&HostFunction, ReadRequest) -> ReadAnswer + Send + Sync;

/// Asks the web for actors, and the commons of this node.
pub struct Web {
    public: Fetcher,
    private: Fetcher,
    commons: OnceLock<Box<ReadCommons>>,
}

impl Web {
    /// Has a commons answer from now on; the first that is given stays.
    pub fn set_commons(&self, commons: Box<ReadCommons>) {
        let _ = self.commons.set(commons);
    }

    fn read(&self, name: &str, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let function = HostFunction::named(name);
        let function = function.ok_or_else(|| Abort::Host(format!("the host has no function `{name}`")))?;
        let request = ReadRequest::decode(input).map_err(|error| Abort::Host(error.to_string()))?;
        let answer = match self.commons.get() {
            Some(commons) => commons(function, request),
            None => ReadAnswer::Refused(HostError::NotAvailable),
        };
        Ok(answer.encode())
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            public: Fetcher::new(TIMEOUT, MAX_BODY, Arc::new(|address| !is_private(address))),
            private: Fetcher::new(TIMEOUT, MAX_BODY, Arc::new(|_| true)),
            commons: OnceLock::new(),
        }
    }
}

impl World for Web {
    fn open<'a>(&'a self, grants: &'a [Text], base: CallBase) -> Box<dyn Outside + 'a> {
        Box::new(Calls { web: self, grants, base, made: 0 })
    }
}

/// The calls of one transition.
struct Calls<'a> {
    web: &'a Web,
    grants: &'a [Text],
    base: CallBase,
    made: u64,
}

impl Outside for Calls<'_> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        if let Some(of) = function.as_str().strip_prefix("icn.") {
            return self.web.read(of, input);
        }
        if function.as_str() != FETCH {
            return Err(Abort::Host(format!("nothing outside answers `{function}`")));
        }
        let id = self.base.id(self.made, &Hash::of(input));
        self.made += 1;
        let host = |error: &dyn std::fmt::Display| Abort::Host(error.to_string());
        let request = Request::decode(input).map_err(|error| host(&error))?;
        let url = request.check().map_err(|error| host(&error))?;
        let grants = Grants::parse(self.grants).map_err(|error| host(&error))?;
        let allowed = grants.allows(&url).map_err(|error| host(&error))?;
        let fetcher = if allowed.private { &self.web.private } else { &self.web.public };
        let mut headers = request.headers;
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key")) {
            // Across a crash a call may be made twice: whoever cares can tell.
            headers.push(("idempotency-key".to_owned(), id.to_string()));
        }
        let body = request.body.unwrap_or_default();
        let asking = Asking { method: &request.method, url: &request.url, headers: &headers, body: &body };
        Ok(match fetcher.fetch(&asking) {
            Ok(fetched) => {
                Response { status: fetched.status, headers: fetched.headers, body: fetched.body }.encode()
            }
            Err(error) => Response::encode_error(&error.to_string()),
        })
    }
}
