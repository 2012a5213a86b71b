//! `POST`: one message to the actor.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, header};
use troupe_api::{ErrorCode, Payload, check_object};
use troupe_chain::{Hash, Sender};
use troupe_runtime::{Actor, Answer};

use super::body;
use super::problem::Refusal;
use super::site::{Target, blocking};

/// The most bytes of an `Idempotency-Key`.
pub(super) const MAX_KEY: usize = 256;

pub(super) async fn post(Target(actor): Target, request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let minimal = prefers_minimal(request.headers());
    let key = idempotency_key(request.headers())?;
    let limit = max_message(&actor).await?;
    let too_large = || format!("the actor takes messages of at most {limit} bytes");
    let message = body::read(request, limit, ErrorCode::NotAnObject, too_large).await?;
    check_object(&message).map_err(|error| Refusal::new(ErrorCode::NotAnObject, error.to_string()))?;
    let answer = actor.send(Sender::Http { key }, message).await?;
    Ok(respond(&answer, minimal))
}

/// The largest message that an actor takes, in bytes.
pub(super) async fn max_message(actor: &Actor) -> Result<u64, Refusal> {
    if actor.view_in_memory().is_some() {
        return Ok(actor.max_message()?);
    }
    let actor = actor.clone();
    blocking(move || actor.max_message()).await
}

/// The hash of the `Idempotency-Key`, if there is one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<Hash>, Refusal> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let is_fit = (1..=MAX_KEY).contains(&key.len()) && keys.next().is_none();
    match is_fit {
        true => Ok(Some(Hash::of(key.as_bytes()))),
        false => {
            let what = format!("one `Idempotency-Key` of 1 to {MAX_KEY} bytes is expected");
            Err(Refusal::new(ErrorCode::BadQuery, what))
        }
    }
}

/// Whether the client asks for `return=minimal` (RFC 7240), which may be quoted and have parameters.
fn prefers_minimal(headers: &HeaderMap) -> bool {
    let is_minimal = |preference: &str| {
        let preference = preference.split(';').next().unwrap_or_default();
        preference.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("return")
                && value.trim().trim_matches('"').eq_ignore_ascii_case("minimal")
        })
    };
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split(',')).any(is_minimal)
}

fn respond(answer: &Answer, minimal: bool) -> Response<Body> {
    let mut body = Vec::with_capacity(128 + answer.state.len());
    body.push(b'{');
    write(&mut body, answer, minimal);
    body.push(b'}');
    let mut response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    if minimal {
        response = response.header("preference-applied", "return=minimal");
    }
    response.body(Body::from(body)).unwrap_or_default()
}

/// Writes an answer's fields.
pub(super) fn write(body: &mut Vec<u8>, answer: &Answer, minimal: bool) {
    // Writing to a vector cannot fail.
    let _ = write!(body, "\"hash\":\"{}\",\"seq\":{}", answer.hash, answer.seq);
    if !minimal {
        body.extend_from_slice(b",\"state\":");
        Payload(&answer.state).write(body);
        body.extend_from_slice(b",\"reply\":");
        match &answer.reply {
            Some(reply) => Payload(reply).write(body),
            None => body.extend_from_slice(b"null"),
        }
    }
}
