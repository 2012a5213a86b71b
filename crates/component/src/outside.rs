//! How a call to the web is written down: compact JSON with its keys in ascending order, bytes as base64.
//!
//! Invariant: what is written reads back as the same, and the same is always written the same. The guest's side writes
//! requests and reads answers, a node's side the other way round; a replay reads what both wrote.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
pub use troupe_abi::NotACall;

use crate::url::{BadUrl, Url};

/// The function's name, as a chain records it.
pub const FETCH: &str = "troupe:actor/http.fetch";

/// Headers that are the business of whoever connects.
pub(crate) const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What an actor asks of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// What a host answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A request that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The method is not a token, or one that makes a tunnel.
    #[error("the method {0:?} cannot be used")]
    Method(String),
    /// The address cannot be asked.
    #[error("the address {url:?} cannot be asked: {why}")]
    Url {
        /// The address.
        url: String,
        /// Why.
        why: BadUrl,
    },
    /// The header cannot be sent, or is not the actor's to set.
    #[error("the header {0:?} cannot be set")]
    Header(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    headers: Vec<(String, String)>,
    method: String,
    url: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenAnswer {
    Error(WrittenError),
    Response(WrittenResponse),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenError {
    error: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenResponse {
    body: String,
    headers: Vec<(String, String)>,
    status: u16,
}

impl Request {
    /// Checks what can be checked without asking, and reads the address.
    ///
    /// # Errors
    /// [`BadRequest`].
    pub fn check(&self) -> Result<Url, BadRequest> {
        if !is_token(&self.method) || self.method.eq_ignore_ascii_case("connect") {
            return Err(BadRequest::Method(self.method.clone()));
        }
        for (name, value) in &self.headers {
            let reserved = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
            let value = value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
            if !is_token(name) || reserved || !value {
                return Err(BadRequest::Header(name.clone()));
            }
        }
        Url::parse(&self.url).map_err(|why| BadRequest::Url { url: self.url.clone(), why })
    }

    /// The bytes that a chain records.
    pub fn encode(self) -> Vec<u8> {
        let body = self.body.map(|body| BASE64_STANDARD.encode(body));
        let Self { method, url, headers, .. } = self;
        write(&WrittenRequest { body, headers, method, url })
    }

    /// Reads the bytes that a chain records.
    ///
    /// # Errors
    /// [`NotACall`] if they are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, NotACall> {
        let WrittenRequest { body, headers, method, url } = read(bytes)?;
        Ok(Self { method, url, headers, body: body.map(|body| decode_body(&body)).transpose()? })
    }
}

impl Response {
    /// The bytes that a chain records.
    pub fn encode(self) -> Vec<u8> {
        let Self { status, headers, body } = self;
        write(&WrittenResponse { body: BASE64_STANDARD.encode(body), headers, status })
    }

    /// Reads the bytes that a chain records: a response, or why there is none.
    ///
    /// # Errors
    /// [`NotACall`] if they are something else.
    pub fn decode(bytes: &[u8]) -> Result<Result<Self, String>, NotACall> {
        match read(bytes)? {
            WrittenAnswer::Error(WrittenError { error }) => Ok(Err(error)),
            WrittenAnswer::Response(WrittenResponse { body, headers, status }) => {
                Ok(Ok(Self { status, headers, body: decode_body(&body)? }))
            }
        }
    }

    /// The bytes that a chain records where there is no response.
    pub fn encode_error(error: &str) -> Vec<u8> {
        write(&WrittenError { error: error.to_owned() })
    }
}

/// A name as HTTP has them.
pub(crate) fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=256).contains(&text.len()) && text.bytes().all(token)
}

/// Strings, numbers and lists of these can always be written.
fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, NotACall> {
    serde_json::from_slice(bytes).map_err(NotACall::new)
}

fn decode_body(body: &str) -> Result<Vec<u8>, NotACall> {
    BASE64_STANDARD.decode(body).map_err(|error| NotACall::new(format!("its body: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let headers = vec![("accept".into(), "*/*".into()), ("x-a".into(), "\"1\"".into())];
        Request { method: "POST".into(), url: "https://a/b?c".into(), headers, body: Some(b"\0\xff".into()) }
    }

    #[test]
    fn a_request_is_written_with_its_keys_in_order_and_reads_back() {
        let written = r#"{"body":"AP8=","headers":[["accept","*/*"],["x-a","\"1\""]],"method":"POST","url":"https://a/b?c"}"#;
        assert_eq!(String::from_utf8(request().encode()).unwrap(), written);
        assert_eq!(Request::decode(written.as_bytes()).unwrap(), request());
        let bare = Request { headers: Vec::new(), body: None, ..request() };
        let written = r#"{"headers":[],"method":"POST","url":"https://a/b?c"}"#;
        assert_eq!(String::from_utf8(bare.clone().encode()).unwrap(), written);
        assert_eq!(Request::decode(written.as_bytes()).unwrap(), bare);
    }

    #[test]
    fn an_answer_is_a_response_or_why_there_is_none() {
        let response = Response { status: 404, headers: vec![("a".into(), "b".into())], body: b"no".into() };
        let written = r#"{"body":"bm8=","headers":[["a","b"]],"status":404}"#;
        assert_eq!(String::from_utf8(response.clone().encode()).unwrap(), written);
        assert_eq!(Response::decode(written.as_bytes()).unwrap(), Ok(response));
        let error = Response::encode_error("refused");
        assert_eq!(error, br#"{"error":"refused"}"#);
        assert_eq!(Response::decode(&error).unwrap(), Err("refused".into()));
        for bad in [
            "",
            "{}",
            r#"{"error":"a","status":1}"#,
            r#"{"body":"?","headers":[],"status":200}"#,
            r#"{"body":"","headers":[],"status":65536}"#,
        ] {
            assert!(Response::decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_that_could_be_read_in_two_ways_is_not_made() {
        assert!(request().check().is_ok());
        for method in ["", "GET /", "connect", "caf\u{e9}"] {
            assert!(matches!(
                Request { method: method.into(), ..request() }.check(),
                Err(BadRequest::Method(_))
            ));
        }
        for (name, value) in
            [("Host", "a"), ("a b", "c"), ("a", "b\r\nc: d"), ("", ""), ("Content-Length", "1")]
        {
            let headers = vec![(name.into(), value.into())];
            let checked = Request { headers, ..request() }.check();
            assert!(matches!(checked, Err(BadRequest::Header(_))), "{name:?}");
        }
        let checked = Request { url: "file:///etc".into(), ..request() }.check().unwrap_err();
        let text =
            "the address \"file:///etc\" cannot be asked: it begins with neither `http://` nor `https://`";
        assert_eq!(checked.to_string(), text);
    }
}
