//! Messages, states and replies in JSON bodies.
//!
//! Bytes that are JSON stand as they are; others as `{"base64": …}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Bytes as a part of a JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a>(pub &'a [u8]);

impl Payload<'_> {
    /// Appends the bytes as one JSON value.
    pub fn write(&self, out: &mut Vec<u8>) {
        if serde_json::from_slice::<&serde_json::value::RawValue>(self.0).is_ok() {
            out.extend_from_slice(self.0);
            return;
        }
        out.extend_from_slice(b"{\"base64\":\"");
        out.extend_from_slice(STANDARD.encode(self.0).as_bytes());
        out.extend_from_slice(b"\"}");
    }

    /// The bytes as a JSON value.
    pub fn to_value(&self) -> Value {
        serde_json::from_slice(self.0)
            .unwrap_or_else(|_| serde_json::json!({ "base64": STANDARD.encode(self.0) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        let mut out = Vec::new();
        Payload(bytes).write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        assert_eq!(Payload(bytes).to_value(), serde_json::from_str::<Value>(expect).unwrap());
    }

    #[test]
    fn json_stands_as_it_is_and_other_bytes_as_base64() {
        check(b"{\"b\": 1}", "{\"b\": 1}");
        check(b"7", "7");
        check(b"", "{\"base64\":\"\"}");
        check(b"{\"a\":1", "{\"base64\":\"eyJhIjox\"}");
        check(&[0xff, 0], "{\"base64\":\"/wA=\"}");
    }
}
