//! Brings a text to somebody else's server and takes its answer: submissions to witnesses.
//!
//! Invariant: neither a slow server nor a large answer holds up whoever waits for it beyond the limits here.

use std::time::Duration;

use ureq::Agent;

/// How long one request may take, with everything.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const MAX_ANSWER: u64 = 64 << 10;

/// Posts texts. It follows no redirects and trusts the certificates that the web trusts.
#[derive(Clone)]
pub struct Courier(Agent);

impl Default for Courier {
    fn default() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.into())
    }
}

impl Courier {
    /// Posts `body` as text; gives the status and the bytes of the answer.
    ///
    /// # Errors
    /// What happened, if there is no answer.
    pub fn post(&self, url: &str, body: &str) -> Result<(u16, Vec<u8>), String> {
        let no_answer = |error: ureq::Error| format!("no answer from {url}: {error}");
        let request = self.0.post(url).header("content-type", "text/plain; charset=utf-8");
        let (head, mut answer) = request.send(body).map_err(no_answer)?.into_parts();
        let bytes = answer.with_config().limit(MAX_ANSWER).read_to_vec().map_err(no_answer)?;
        Ok((head.status.as_u16(), bytes))
    }
}
