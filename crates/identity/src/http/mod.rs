//! Requests signed by a DID: HTTP message signatures (RFC 9421) with Content-Digest (RFC 9530), as pure functions.
//!
//! A signature here covers the method, the authority, the path, the query and the digest of the body, says by which DID
//! it is made, when, until when, and has a nonce. Invariant: what [`verify`] accepts was signed for this very request by the
//! holder of the DID's key; that it is not seen twice is the business of a [`NonceWindow`].

mod base;
mod nonce;
mod params;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use troupe_chain::DidKey;

pub use base::{Missing, Request, signature_base};
pub use nonce::{NonceWindow, Party, Replayed, WindowBounds};
pub use params::{BadParameters, Parameters};

use crate::key::{NoEntropy, NotSigned, Signer};

/// The label of our signature in `Signature-Input` and `Signature`.
pub const LABEL: &str = "troupe";
/// What a signature covers at least.
pub const COVERED: [&str; 5] = ["@method", "@authority", "@path", "@query", "content-digest"];
/// The longest time for which a signature may be good, in seconds.
pub const MAX_LIFETIME: u64 = 300;
/// How far ahead of ours the sender's clock may be, in seconds.
pub const MAX_SKEW: u64 = 30;

/// The header fields that sign a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFields {
    /// `Content-Digest`.
    pub content_digest: String,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// A request that its sender signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The sender.
    pub did: DidKey,
    /// What must not be seen again while the signature is good.
    pub nonce: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Until when it is good.
    pub expires: u64,
}

/// Why a request is not its sender's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// A field that is needed is not there, or there more than once.
    #[error("the request needs one field `{0}`")]
    Field(&'static str),
    /// The body is another than the one that was signed.
    #[error("the body has another digest than `Content-Digest` says")]
    Digest,
    /// `Signature-Input` or `Signature` cannot be read.
    #[error(transparent)]
    Parameters(#[from] BadParameters),
    /// Something is not covered.
    #[error("the signature does not cover `{0}`")]
    NotCovered(&'static str),
    /// A covered field is not in the request.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It is too old, made in the future, or good for too long.
    #[error("the signature is not good now: created {created}, expires {expires}, and it is {now}")]
    Time {
        /// When it says that it was made.
        created: u64,
        /// Until when it says that it is good.
        expires: u64,
        /// What time it is.
        now: u64,
    },
    /// The key did not sign this.
    #[error("the signature is not of `{0}`")]
    Signature(String),
}

/// The value of `Content-Digest` for a body: SHA-256.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

/// A nonce that nobody else has: 128 bits of the system's randomness, as a number.
///
/// # Errors
/// [`NoEntropy`].
pub fn new_nonce() -> Result<String, NoEntropy> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| NoEntropy::new(&error))?;
    Ok(u128::from_be_bytes(bytes).to_string())
}

/// Signs a request. Times are in seconds since 1970; the nonce is anything that the signer never uses twice, of printable
/// ASCII but `"` and `\`.
///
/// # Errors
/// [`NotSigned`] if the signer cannot.
pub fn sign(
    signer: &dyn Signer,
    request: &Request<'_>,
    body: &[u8],
    (created, expires): (u64, u64),
    nonce: &str,
) -> Result<SignedFields, NotSigned> {
    let content_digest = content_digest(body);
    let parameters = Parameters {
        covered: COVERED.map(str::to_owned).to_vec(),
        created: Some(created),
        expires: Some(expires),
        nonce: Some(nonce.to_owned()),
        keyid: Some(signer.did().to_string()),
        alg: Some("ed25519".into()),
    };
    let params = parameters.to_string();
    let fields = [("content-digest", content_digest.as_str())];
    let request = Request { fields: &fields, ..*request };
    let base = signature_base(&request, &parameters.covered, &params);
    let not_signed = |error: Missing| NotSigned { did: signer.did().to_string(), reason: error.to_string() };
    let signature = signer.sign(base.map_err(not_signed)?.as_bytes())?;
    let signature = format!("{LABEL}=:{}:", STANDARD.encode(signature));
    Ok(SignedFields { content_digest, signature_input: format!("{LABEL}={params}"), signature })
}

/// Checks that a request with this body is its sender's at this time, in seconds since 1970.
///
/// # Errors
/// [`NotVerified`], the first thing that does not hold.
pub fn verify(request: &Request<'_>, body: &[u8], now: u64) -> Result<Verified, NotVerified> {
    let digest = one(request, "content-digest", "Content-Digest")?;
    if digest != content_digest(body) {
        return Err(NotVerified::Digest);
    }
    let input = params::member(one(request, "signature-input", "Signature-Input")?, LABEL)?;
    let parameters = Parameters::parse(input)?;
    let covers = |component: &str| parameters.covered.iter().any(|covered| covered == component);
    if let Some(component) = COVERED.into_iter().find(|component| !covers(component)) {
        return Err(NotVerified::NotCovered(component));
    }
    let needed = |what| move || NotVerified::Parameters(BadParameters::Needed(what));
    let created = parameters.created.ok_or_else(needed("created"))?;
    let expires = parameters.expires.ok_or_else(needed("expires"))?;
    let nonce = parameters.nonce.clone().ok_or_else(needed("nonce"))?;
    let keyid = parameters.keyid.clone().ok_or_else(needed("keyid"))?;
    if parameters.alg.as_deref().is_some_and(|alg| alg != "ed25519") {
        return Err(BadParameters::Needed("alg=\"ed25519\"").into());
    }
    let lasts = expires.checked_sub(created).is_some_and(|lifetime| lifetime <= MAX_LIFETIME);
    if !lasts || created > now.saturating_add(MAX_SKEW) || expires < now {
        return Err(NotVerified::Time { created, expires, now });
    }
    let not_signed = || NotVerified::Signature(keyid.clone());
    let did: DidKey = keyid.parse().map_err(|_| not_signed())?;
    let signature = params::bytes(params::member(one(request, "signature", "Signature")?, LABEL)?)?;
    let base = signature_base(request, &parameters.covered, input)?;
    if !did.verify(base.as_bytes(), &signature) {
        return Err(not_signed());
    }
    Ok(Verified { did, nonce, created, expires })
}

/// The one value of a field.
fn one<'a>(request: &Request<'a>, name: &str, shown: &'static str) -> Result<&'a str, NotVerified> {
    let mut values = request.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value.trim_matches([' ', '\t'])),
        _ => Err(NotVerified::Field(shown)),
    }
}
