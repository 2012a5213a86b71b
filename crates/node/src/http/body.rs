//! Bodies of requests: so large, in so much time, and JSON with no key that is not known.

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use troupe_api::ErrorCode;

use super::problem::Refusal;
use super::server::Serving;

/// The most bytes of a body that is neither a message nor a component.
const MAX_BODY: u64 = 16 << 20;

/// Reads a body of at most `limit` bytes; `too_large` says what is meant to be that small.
pub(super) async fn read(
    request: Request<Body>,
    limit: u64,
    broken: ErrorCode,
    too_large: impl Fn() -> String,
) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(ErrorCode::TooLarge, too_large());
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(too_large());
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let time = Serving::of(request.extensions()).limits.body_timeout;
    match tokio::time::timeout(time, to_bytes(request.into_body(), limit)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_over_limit(&error) => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::new(broken, format!("the body broke off: {error}"))),
        Err(_) => {
            let what = format!("the body took longer than {} s to arrive", time.as_secs_f64());
            Err(Refusal::new(ErrorCode::SlowBody, what))
        }
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

/// Reads a JSON object; an empty body is one without keys.
pub(super) async fn json<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Refusal> {
    let too_large = || format!("a request has at most {MAX_BODY} bytes");
    let body = read(request, MAX_BODY, ErrorCode::BadBody, too_large).await?;
    parse(&body)
}

/// Reads a JSON object from bytes.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::new(ErrorCode::BadBody, "the body is not a JSON object"));
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(ErrorCode::BadBody, explain(&error.to_string())))
}

/// Adds the key that was meant, where one is near.
fn explain(error: &str) -> String {
    let Some((_, names)) = error.split_once("unknown field ") else { return error.to_owned() };
    // What is known stands between backticks, after what is not.
    let mut names = names.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next() else { return error.to_owned() };
    match nearest(unknown, names) {
        Some(known) => format!("{error}; `{known}` is known"),
        None => error.to_owned(),
    }
}

/// The name that was meant, if one is near.
pub(super) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.map(|name| (strsim::osa_distance(unknown, name), name));
    distances.min().filter(|(distance, name)| *distance <= name.len().max(3) / 3 + 1).map(|(_, name)| name)
}

/// Reads a value of a body, or says which is wrong.
pub(super) fn field<T, E: std::fmt::Display>(name: &str, value: Result<T, E>) -> Result<T, Refusal> {
    value.map_err(|error| Refusal::new(ErrorCode::BadBody, format!("`{name}`: {error}")))
}

#[cfg(test)]
mod tests {
    use troupe_api::{StartActor, UpgradeActor};

    use super::*;

    fn detail<T: DeserializeOwned>(body: &str) -> String {
        parse::<T>(body.as_bytes()).err().map(|refusal| refusal.problem().detail.clone()).unwrap_or_default()
    }

    #[test]
    fn a_key_that_is_not_known_is_named_with_the_one_that_was_meant() {
        let detail = detail::<StartActor>(r#"{"component":"00","confg":{}}"#);
        assert!(
            detail.contains("unknown field `confg`") && detail.ends_with("; `config` is known"),
            "{detail}"
        );
        let nested = self::detail::<StartActor>(r#"{"component":"00","supervision":{"backof":1}}"#);
        assert!(nested.ends_with("; `backoff` is known"), "{nested}");
    }

    #[test]
    fn an_empty_body_is_an_object_without_keys_and_others_are_no_objects() {
        assert_eq!(detail::<UpgradeActor>(" \n"), "");
        for other in ["[]", "1", "null", "\"\""] {
            assert_eq!(detail::<UpgradeActor>(other), "the body is not a JSON object");
        }
    }
}
