//! What a message has to look like to be handed to an actor over HTTP.
//!
//! Deliberately absent: reading it. The actor gets the very bytes that came.

use serde_json::value::RawValue;

/// Why bytes are not a JSON object.
#[derive(Debug, thiserror::Error)]
pub enum NotAnObject {
    /// They are not JSON (RFC 8259).
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// They are an array.
    #[error("a message is a JSON object, not an array")]
    Array,
    /// They are a string, a number, a boolean or null.
    #[error("a message is a JSON object, such as {{\"add\":1}}")]
    Scalar,
}

/// Checks that bytes are a JSON object, whatever is in it: names may repeat, and numbers may be of any size.
///
/// # Errors
/// [`NotAnObject`].
pub fn check_object(message: &[u8]) -> Result<(), NotAnObject> {
    serde_json::from_slice::<&RawValue>(message)?;
    match message.trim_ascii_start().first() {
        Some(b'{') => Ok(()),
        Some(b'[') => Err(NotAnObject::Array),
        _ => Err(NotAnObject::Scalar),
    }
}
