//! `POST /`: one message to the actor.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, header};
use bytes::Bytes;
use troupe_api::{ErrorCode, Payload, check_object};
use troupe_chain::{Hash, Sender};
use troupe_runtime::Answer;

use super::BODY_TIMEOUT;
use super::problem::Refusal;
use super::site::Target;

/// The most bytes of an `Idempotency-Key`.
const MAX_KEY: usize = 256;

pub(super) async fn post(Target(actor): Target, request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let minimal = prefers_minimal(request.headers());
    let key = idempotency_key(request.headers())?;
    let message = read_body(request, actor.max_message()?).await?;
    check_object(&message).map_err(|error| Refusal::new(ErrorCode::NotAnObject, error.to_string()))?;
    let answer = actor.send(Sender::Http { key }, message).await?;
    Ok(respond(&answer, minimal))
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

async fn read_body(request: Request<Body>, limit: u64) -> Result<Bytes, Refusal> {
    let too_large =
        || Refusal::new(ErrorCode::TooLarge, format!("the actor takes messages of at most {limit} bytes"));
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(too_large());
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), limit)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_over_limit(&error) => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::new(ErrorCode::NotAnObject, format!("the body broke off: {error}"))),
        Err(_) => Err(Refusal::new(ErrorCode::NotAnObject, "the body took too long to arrive")),
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
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
    let reply = answer.reply.as_deref().unwrap_or_default();
    let mut body = Vec::with_capacity(128 + answer.state.len() + reply.len());
    // Writing to a vector cannot fail.
    let _ = write!(body, "{{\"hash\":\"{}\",\"seq\":{}", answer.hash, answer.seq);
    if !minimal {
        body.extend_from_slice(b",\"state\":");
        Payload(&answer.state).write(&mut body);
        body.extend_from_slice(b",\"reply\":");
        match &answer.reply {
            Some(reply) => Payload(reply).write(&mut body),
            None => body.extend_from_slice(b"null"),
        }
    }
    body.push(b'}');
    let mut response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    if minimal {
        response = response.header("preference-applied", "return=minimal");
    }
    response.body(Body::from(body)).unwrap_or_default()
}
