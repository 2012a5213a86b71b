//! Signs the requests of a client as a DID, so that whoever answers knows whose they are.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use troupe_identity::Signer;
use troupe_identity::http::{self as signatures, new_nonce};
use ureq::http::Uri;

/// For how many seconds a signature is good: a slow connection, and clocks that differ a little.
const LIFETIME: u64 = 60;

/// Signs requests with one key.
#[derive(Clone)]
pub(crate) struct Signing(pub(crate) Arc<dyn Signer>);

impl Signing {
    /// The header fields that sign a request, with the `Host` that is signed.
    pub(crate) fn fields(
        &self,
        method: &str,
        url: &str,
        body: &[u8],
    ) -> Result<[(&'static str, String); 4], String> {
        let uri: Uri = url.parse().map_err(|_| format!("{url} is no address"))?;
        let host = authority(&uri).ok_or_else(|| format!("{url} has no host"))?;
        let request = signatures::Request {
            method,
            authority: &host,
            path: uri.path(),
            query: uri.query(),
            fields: &[],
        };
        let nonce = new_nonce().map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let signed = signatures::sign(&*self.0, &request, body, (now, now + LIFETIME), &nonce);
        let signed = signed.map_err(|error| error.to_string())?;
        Ok([
            ("host", host),
            ("content-digest", signed.content_digest),
            ("signature-input", signed.signature_input),
            ("signature", signed.signature),
        ])
    }
}

/// The host in lower case, with the port where it is not the scheme's own.
fn authority(uri: &Uri) -> Option<String> {
    let host = uri.host()?.to_ascii_lowercase();
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(match uri.port_u16().filter(|port| *port != usual) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

#[cfg(test)]
mod tests {
    use troupe_identity::SecretKey;
    use troupe_identity::http::{NotVerified, Request, verify};

    use super::*;

    fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn what_is_signed_is_what_is_sent() {
        let key = SecretKey::from_seed(&[1; 32]);
        let did = key.did().clone();
        let signing = Signing(Arc::new(key));
        for (url, authority, path, query) in [
            ("http://A.example:80/commons?x=1", "a.example", "/commons", Some("x=1")),
            ("https://a.example:8443", "a.example:8443", "/", None),
            ("http://[::1]:8080/a/b", "[::1]:8080", "/a/b", None),
        ] {
            let signed = signing.fields("POST", url, b"body").unwrap();
            assert_eq!(signed[0], ("host", authority.to_owned()));
            let fields: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let request = Request { method: "POST", authority, path, query, fields: &fields };
            assert_eq!(verify(&request, b"body", now()).map(|verified| verified.did), Ok(did.clone()));
            assert_eq!(verify(&request, b"other", now()), Err(NotVerified::Digest));
        }
    }
}
