//! `POST`: one message to the actor.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, header};
use troupe_api::{ErrorCode, Payload, check_object};
use troupe_chain::{Hash, Sender};
use troupe_runtime::{Actor, Answer, Trace};

use super::body;
use super::problem::Refusal;
use super::schema;
use super::site::{Site, Target, blocking};

/// The most bytes of an `Idempotency-Key`.
pub(super) const MAX_KEY: usize = 256;

pub(super) async fn post(
    State(site): State<Arc<Site>>,
    Target(actor): Target,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    send(&site, &actor, request).await
}

/// Brings the message of a request to an actor, and answers with what it came to.
pub(super) async fn send(
    site: &Arc<Site>,
    actor: &Actor,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let minimal = prefers_minimal(request.headers());
    let key = idempotency_key(request.headers())?;
    let trace = trace_parent(request.headers()).unwrap_or_default();
    let limit = max_message(actor).await?;
    let too_large = || format!("the actor takes messages of at most {limit} bytes");
    let message = body::read(request, limit, ErrorCode::NotAnObject, too_large).await?;
    check_object(&message).map_err(|error| Refusal::new(ErrorCode::NotAnObject, error.to_string()))?;
    match actor.send_traced(Sender::Http { key }, message.clone(), trace).await {
        Ok(answer) => Ok(respond(&answer, minimal)),
        Err(error) => Err(schema::refusal(site, actor, message, error).await),
    }
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

/// The trace that a request is a part of, if its `traceparent` (W3C Trace Context, version 00) says one.
fn trace_parent(headers: &HeaderMap) -> Option<Trace> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, id, parent) = (parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || id.len() != 32 || parent.len() != 16 {
        return None;
    }
    let trace =
        Trace { id: u128::from_str_radix(id, 16).ok()?, parent: u64::from_str_radix(parent, 16).ok()? };
    (trace.id != 0 && trace.parent != 0).then_some(trace)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(value: &str) -> Option<Trace> {
        trace_parent(&HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("traceparent"),
            value.parse().ok()?,
        )]))
    }

    #[test]
    fn a_trace_parent_is_read_and_what_is_none_is_left_alone() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let whole = trace(&format!("00-{id}-b7ad6b7169203331-01"));
        assert_eq!(whole, Some(Trace { id: 0x0af7651916cd43dd8448eb211c80319c, parent: 0xb7ad6b7169203331 }));
        for value in ["", "00", &format!("00-{id}-0000000000000000-01"), &format!("00-{id}-zz-01"), "a-b-c-d"]
        {
            assert_eq!(trace(value), None, "{value}");
        }
    }
}
