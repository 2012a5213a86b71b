//! Requests that act on the commons are signed by a DID (RFC 9421): whose request it is, before any handler sees it.
//!
//! Invariant: below `/commons` nothing that acts reaches a handler without a good signature over the method, the authority,
//! the path, the query and the body, which has not been seen before. A path that is added there is covered from the start.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Request, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use bytes::Bytes;
use troupe_api::ErrorCode;
use troupe_identity::DidKey;
use troupe_identity::http::{self as signatures, NonceWindow, NotVerified, Replayed};

use super::Site;
use super::body;
use super::guard::is_read;
use super::problem::Refusal;

/// The most bytes of a request that is signed.
const MAX_SIGNED: u64 = 16 << 20;
/// The most signed requests that are remembered, so that none counts twice.
const MAX_NONCES: usize = 1 << 16;

/// What a request below `/commons` that acts is signed over, and with what said of the signature.
pub(super) const ACCEPTED: &str = "troupe=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\")\
                                   ;created;expires;nonce;keyid;alg=\"ed25519\"";

/// Who signed the request: for handlers below `/commons`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedBy(pub(super) DidKey);

/// What was signed and seen lately.
pub(super) struct Seen {
    nonces: Mutex<NonceWindow>,
    /// Since when, in seconds since 1970. What was signed before may have been seen by the process before this one.
    since: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self { nonces: Mutex::new(NonceWindow::new(MAX_NONCES)), since: now() }
    }
}

impl<S: Sync> FromRequestParts<S> for SignedBy {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let unsigned =
            || Refusal::new(ErrorCode::Unsigned, "this is done by whoever signs it: sign the request");
        parts.extensions.get().cloned().ok_or_else(unsigned)
    }
}

/// Checks what acts on the commons, and leaves everything else alone.
pub(super) async fn signed(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    if !is_commons(request.uri().path()) || is_read(request.method()) {
        return next.run(request).await;
    }
    match check(&site.seen, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Whether a path is one of the commons.
pub(super) fn is_commons(path: &str) -> bool {
    path.strip_prefix("/commons").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a command to the commons says that it is signed, which is checked here. Who has a key needs no token beside it.
pub(super) fn says_so(request: &Request<Body>) -> bool {
    let to_commons = request.uri().path().trim_end_matches('/') == "/commons";
    to_commons && !is_read(request.method()) && request.headers().contains_key("signature-input")
}

async fn check(seen: &Seen, request: Request<Body>) -> Result<Request<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let (mut parts, bytes) = read(parts, body).await?;
    let by = verify(seen, &parts, &bytes)?;
    parts.extensions.insert(SignedBy(by));
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn read(parts: Parts, body: Body) -> Result<(Parts, Bytes), Refusal> {
    let too_large = || format!("a signed request has at most {MAX_SIGNED} bytes");
    let request = Request::from_parts(parts.clone(), body);
    let bytes = body::read(request, MAX_SIGNED, ErrorCode::BadBody, too_large).await?;
    Ok((parts, bytes))
}

fn verify(seen: &Seen, parts: &Parts, body: &[u8]) -> Result<DidKey, Refusal> {
    let bad = |detail: &str| Refusal::new(ErrorCode::BadSignature, detail);
    let mut fields = Vec::new();
    for (name, value) in &parts.headers {
        // A field that is no text cannot be covered; if it is, it is missed.
        fields.extend(value.to_str().ok().map(|value| (name.as_str(), value)));
    }
    let host = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(|target| target.as_str()).or_else(host);
    let request = signatures::Request {
        method: parts.method.as_str(),
        authority: authority.ok_or_else(|| bad("the request has no `Host`"))?,
        path: parts.uri.path(),
        query: parts.uri.query(),
        fields: &fields,
    };
    let now = now();
    let verified = signatures::verify(&request, body, now)?;
    if verified.created < seen.since {
        let what = "it was signed before this node started, which cannot know whether it was sent before; sign it again";
        return Err(Refusal::new(ErrorCode::StaleSignature, what));
    }
    seen.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(&verified, now)?;
    Ok(verified.did)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

impl From<NotVerified> for Refusal {
    fn from(error: NotVerified) -> Self {
        let code = match &error {
            NotVerified::Field(_) => ErrorCode::Unsigned,
            NotVerified::Time { .. } => ErrorCode::StaleSignature,
            _ => ErrorCode::BadSignature,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Replayed> for Refusal {
    fn from(error: Replayed) -> Self {
        let code = match error {
            Replayed::Seen => ErrorCode::Replayed,
            Replayed::Full => ErrorCode::Busy,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use troupe_identity::{SecretKey, Signer as _};

    use super::*;

    #[tokio::test]
    async fn a_handler_sees_the_body_and_who_signed_it() {
        let key = SecretKey::from_seed(&[5; 32]);
        let (path, body) = ("/commons", b"{\"a\":1}");
        let signed =
            signatures::Request { method: "POST", authority: "a.example", path, query: None, fields: &[] };
        let signed = signatures::sign(&key, &signed, body, (now(), now() + 60), "1").unwrap();
        let request = Request::post(path)
            .header(header::HOST, "a.example")
            .header("content-digest", signed.content_digest)
            .header("signature-input", signed.signature_input)
            .header("signature", signed.signature)
            .body(Body::from(&body[..]))
            .unwrap();
        let (mut parts, got) = check(&Seen::default(), request).await.unwrap().into_parts();
        assert_eq!(axum::body::to_bytes(got, 100).await.unwrap(), &body[..]);
        let SignedBy(did) = SignedBy::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(did, *key.did());
        parts.extensions.clear();
        let nobody = SignedBy::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(nobody.problem().code, ErrorCode::Unsigned);
    }

    #[test]
    fn only_what_is_below_the_commons_is_the_commons() {
        for (path, expect) in [
            ("/commons", true),
            ("/commons/jobs", true),
            ("/commons/", true),
            ("/commonsense", false),
            ("/actors/commons", false),
            ("/", false),
        ] {
            assert_eq!(is_commons(path), expect, "{path}");
        }
    }
}
