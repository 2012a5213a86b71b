//! What is taken as the body of a message is a JSON object, and whatever an actor makes is answered as JSON.
//!
//! What JSON is, a second reader says, written from the grammar of RFC 8259 and nothing else. The router itself is not
//! here, because it would bring the WebAssembly engine along; these are the functions that it calls with bytes.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use troupe_api::{Payload, check_object};

fuzz_target!(|bytes: &[u8]| {
    let is_object = is_json(bytes) && bytes.trim_ascii_start().starts_with(b"{");
    assert_eq!(check_object(bytes).is_ok(), is_object);

    let mut written = Vec::new();
    Payload(bytes).write(&mut written);
    if is_json(bytes) {
        assert_eq!(written, bytes);
    } else {
        let text = written.strip_prefix(b"{\"base64\":\"").and_then(|rest| rest.strip_suffix(b"\"}"));
        assert_eq!(STANDARD.decode(text.expect("an object")).expect("base64"), bytes);
    }

    // The body of an answer, as the server writes it.
    let (state, reply) = bytes.split_at(bytes.len() / 2);
    let mut answer = b"{\"seq\":2,\"state\":".to_vec();
    Payload(state).write(&mut answer);
    answer.extend_from_slice(b",\"reply\":");
    Payload(reply).write(&mut answer);
    answer.push(b'}');
    assert!(is_json(&answer), "{}", String::from_utf8_lossy(&answer));
});

fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && value(space(bytes)).is_some_and(|rest| space(rest).is_empty())
}

/// Each reads one thing at the beginning and gives what follows it.
fn value(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.first()? {
        b'{' => members(&bytes[1..], b'}', |rest| value(space(space(string(rest)?).strip_prefix(b":")?))),
        b'[' => members(&bytes[1..], b']', value),
        b'"' => string(bytes),
        b't' => bytes.strip_prefix(b"true"),
        b'f' => bytes.strip_prefix(b"false"),
        b'n' => bytes.strip_prefix(b"null"),
        _ => number(bytes),
    }
}

fn members(bytes: &[u8], end: u8, member: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    let mut rest = space(bytes);
    if *rest.first()? == end {
        return Some(&rest[1..]);
    }
    loop {
        rest = space(member(space(rest))?);
        let (first, after) = rest.split_first()?;
        match *first {
            b',' => rest = after,
            first if first == end => return Some(after),
            _ => return None,
        }
    }
}

fn string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\"")?;
    loop {
        let (first, after) = rest.split_first()?;
        rest = match first {
            b'"' => return Some(after),
            b'\\' if *after.first()? == b'u' => {
                let digits = after.get(1..5)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(&after[5..])?
            }
            b'\\' => b"\"\\/bfnrt".contains(after.first()?).then_some(&after[1..])?,
            0..0x20 => return None,
            _ => after,
        };
    }
}

fn number(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut rest = match rest.first()? {
        b'0' => &rest[1..],
        _ => digits(rest)?,
    };
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = digits(fraction)?;
    }
    if let Some((b'e' | b'E', exponent)) = rest.split_first() {
        let sign = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-"));
        rest = digits(sign.unwrap_or(exponent))?;
    }
    Some(rest)
}

fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| &bytes[count..])
}

fn space(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    &bytes[count..]
}
