//! Requests that act on the commons are signed by a DID (RFC 9421): whose request it is, before any handler sees it.
//!
//! Invariant: below `/commons` nothing that acts reaches a handler without a good signature over the method, the authority,
//! the path, the query and the body, which has not been seen before. A path that is added there is covered from the start.
//! What strangers send takes no room from members: neither among what is remembered, nor, before anybody knows whose a body
//! is, more memory than a command needs.

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
use troupe_identity::http::{
    self as signatures, NonceWindow, NotVerified, Party, Replayed, Verified, WindowBounds,
};

use super::Site;
use super::body;
use super::commons;
use super::guard::is_read;
use super::problem::Refusal;

/// The most bytes of a request that is signed.
const MAX_SIGNED: u64 = 16 << 20;
/// The most bytes of one that needs no token beside its signature: those of a command.
const MAX_COMMAND: u64 = troupe_commons::MAX_MESSAGE as u64;
/// The most signed requests that are remembered, so that none counts twice.
const BOUNDS: WindowBounds = WindowBounds { party: 1 << 16, key: 1 << 13 };

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
        Self { nonces: Mutex::new(NonceWindow::new(BOUNDS)), since: now() }
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
    match check(&site, request).await {
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
    is_command(request.uri().path())
        && !is_read(request.method())
        && request.headers().contains_key("signature-input")
}

/// Whether a path is the one that takes commands.
fn is_command(path: &str) -> bool {
    path.trim_end_matches('/') == "/commons"
}

async fn check(site: &Site, request: Request<Body>) -> Result<Request<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let (mut parts, bytes) = read(parts, body).await?;
    let now = now();
    let verified = verify(site.seen.since, &parts, &bytes, now)?;
    let party = match commons::is_member(site, &verified.did).await {
        true => Party::Member,
        false => Party::Stranger,
    };
    site.seen.nonces.lock().unwrap_or_else(PoisonError::into_inner).take(&verified, party, now)?;
    parts.extensions.insert(SignedBy(verified.did));
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn read(parts: Parts, body: Body) -> Result<(Parts, Bytes), Refusal> {
    let limit = if is_command(parts.uri.path()) { MAX_COMMAND } else { MAX_SIGNED };
    let too_large = || format!("a signed request to {} has at most {limit} bytes", parts.uri.path());
    let request = Request::from_parts(parts.clone(), body);
    let bytes = body::read(request, limit, ErrorCode::BadBody, too_large).await?;
    Ok((parts, bytes))
}

/// Who signed a request, and when; what was signed before `since` is not good.
fn verify(since: u64, parts: &Parts, body: &[u8], now: u64) -> Result<Verified, Refusal> {
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
    let verified = signatures::verify(&request, body, now)?;
    if verified.created < since {
        let what = "it was signed before this node started, which cannot know whether it was sent before; sign it again";
        return Err(Refusal::new(ErrorCode::StaleSignature, what));
    }
    Ok(verified)
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
            Replayed::Full | Replayed::KeyFull => ErrorCode::Busy,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use troupe_identity::{SecretKey, Signer as _};
    use troupe_store::MemoryStore;

    use super::*;
    use crate::host::Settings;

    /// A node in memory with a commons of one member, which remembers as many signed requests as `bounds` say.
    async fn site(member: &SecretKey, bounds: WindowBounds) -> Site {
        let host = Settings::new(Arc::new(MemoryStore::new())).open().unwrap();
        let charter = serde_json::json!({
            "founders": [{"did": member.did().to_string(), "mana": 0}], "name": "Harbour", "parameters": {}, "v": 1,
        });
        let new = host.prepare_commons(&serde_json::from_value(charter).unwrap()).unwrap();
        host.actors.start(new).await.unwrap();
        let mut site = Site::new(host, None);
        site.seen.nonces = Mutex::new(NonceWindow::new(bounds));
        site
    }

    fn request(key: &SecretKey, nonce: &str, body: &[u8]) -> Request<Body> {
        let path = "/commons";
        let signed =
            signatures::Request { method: "POST", authority: "a.example", path, query: None, fields: &[] };
        let signed = signatures::sign(key, &signed, body, (now(), now() + 60), nonce).unwrap();
        Request::post(path)
            .header(header::HOST, "a.example")
            .header("content-digest", signed.content_digest)
            .header("signature-input", signed.signature_input)
            .header("signature", signed.signature)
            .body(Body::from(body.to_vec()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_handler_sees_the_body_and_who_signed_it() {
        let key = SecretKey::from_seed(&[5; 32]);
        let (site, body) = (site(&key, BOUNDS).await, b"{\"a\":1}");
        let (mut parts, got) = check(&site, request(&key, "1", body)).await.unwrap().into_parts();
        assert_eq!(axum::body::to_bytes(got, 100).await.unwrap(), &body[..]);
        let SignedBy(did) = SignedBy::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(did, *key.did());
        parts.extensions.clear();
        let nobody = SignedBy::from_request_parts(&mut parts, &()).await.unwrap_err();
        assert_eq!(nobody.problem().code, ErrorCode::Unsigned);
    }

    #[tokio::test]
    async fn strangers_fill_their_own_room_and_members_go_on() {
        let member = SecretKey::from_seed(&[5; 32]);
        let site = site(&member, WindowBounds { party: 2, key: 2 }).await;
        let code = async |key: &SecretKey, nonce: &str| {
            let checked = check(&site, request(key, nonce, b"{}")).await;
            checked.err().map(|refusal| refusal.problem().code)
        };
        let stranger = |number| SecretKey::from_seed(&[number; 32]);
        assert_eq!(code(&stranger(6), "1").await, None);
        assert_eq!(code(&stranger(7), "1").await, None);
        assert_eq!(code(&stranger(8), "1").await, Some(ErrorCode::Busy));
        assert_eq!(code(&member, "1").await, None);
        assert_eq!(code(&member, "1").await, Some(ErrorCode::Replayed));
        assert_eq!(code(&member, "2").await, None);
        assert_eq!(code(&member, "3").await, Some(ErrorCode::Busy));
    }

    #[tokio::test]
    async fn what_was_not_signed_takes_no_room() {
        let member = SecretKey::from_seed(&[5; 32]);
        let site = site(&member, WindowBounds { party: 1, key: 1 }).await;
        for _ in 0..3 {
            let mut forged = request(&member, "1", b"{}");
            *forged.body_mut() = Body::from("{\"a\":1}");
            let refusal = check(&site, forged).await.unwrap_err();
            assert_eq!(refusal.problem().code, ErrorCode::BadSignature);
        }
        assert!(check(&site, request(&member, "1", b"{}")).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_larger_than_a_command_is_not_read() {
        let key = SecretKey::from_seed(&[5; 32]);
        let site = site(&key, BOUNDS).await;
        let body = vec![b' '; troupe_commons::MAX_MESSAGE + 1];
        let refusal = check(&site, request(&key, "1", &body)).await.unwrap_err();
        assert_eq!(refusal.problem().code, ErrorCode::TooLarge);
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
