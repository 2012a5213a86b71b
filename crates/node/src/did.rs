//! Documents of DIDs, over the web: HTTPS alone, from public addresses alone, small and soon or not at all.

use std::sync::Arc;
use std::time::Duration;

use troupe_api::{Allowed, Asking, Fetcher};
use troupe_identity::{Fetch, MAX_DOCUMENT_BYTES};
use troupe_manifest::is_private;

/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Brings documents of DIDs. It follows no redirects.
#[derive(Debug)]
pub struct Documents(Fetcher);

impl Default for Documents {
    fn default() -> Self {
        Self(Fetcher::new(TIMEOUT, MAX_DOCUMENT_BYTES, Arc::new(|address| !is_private(address))))
    }
}

impl Documents {
    /// Trusts the certificates of a PEM file and no others, and asks the addresses that are allowed: for a network of
    /// one's own, and for tests.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn within(pem: &[u8], allowed: Allowed) -> Result<Self, String> {
        Fetcher::new(TIMEOUT, MAX_DOCUMENT_BYTES, allowed).trusting(pem).map(Self)
    }
}

impl Fetch for Documents {
    fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        if !url.starts_with("https://") {
            return Err("only https is asked".to_owned());
        }
        let accept = [(
            "accept".to_owned(),
            "application/did+json, application/did+ld+json, application/json".to_owned(),
        )];
        let asking = Asking { method: "GET", url, headers: &accept, body: b"" };
        let fetched = self.0.fetch(&asking).map_err(|error| error.to_string())?;
        match fetched.status {
            200 => Ok(fetched.body),
            301 | 302 | 303 | 307 | 308 => {
                Err(format!("it answered with status {}: redirects are not followed", fetched.status))
            }
            status => Err(format!("it answered with status {status}")),
        }
    }
}
