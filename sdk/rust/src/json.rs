//! Payloads: compact JSON, read and written by serde.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Reason;
use crate::object::Strict;

/// JSON that is not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a [u8]);

impl<'a> Json<'a> {
    /// What may be JSON.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes as they came.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is `null`, as what was not given is.
    pub fn is_null(self) -> bool {
        self.0.trim_ascii() == b"null"
    }

    /// Reads it. A struct is read from an object and not, as serde has it, from an array, too; for a struct within it
    /// there is [`object`](crate::object).
    ///
    /// # Errors
    /// What serde says, with the place: the field (with the feature `path`), line and column.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Reason> {
        let mut reader = serde_json::Deserializer::from_slice(self.0);
        let read = T::deserialize(Strict(&mut reader)).and_then(|value| reader.end().map(|()| value));
        read.map_err(|error| self.explain::<T>(&error))
    }

    /// Reads once more, slower, to know the field.
    #[cfg(feature = "path")]
    #[cold]
    fn explain<T: DeserializeOwned>(self, error: &serde_json::Error) -> Reason {
        let mut reader = serde_json::Deserializer::from_slice(self.0);
        match serde_path_to_error::deserialize::<_, T>(Strict(&mut reader)) {
            Err(placed) if placed.path().iter().len() > 0 => Reason::from(placed),
            _ => Reason::from(error),
        }
    }

    #[cfg(not(feature = "path"))]
    #[cold]
    fn explain<T>(self, error: &serde_json::Error) -> Reason {
        Reason::from(error)
    }
}

/// Writes a state or a reply.
pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, Reason> {
    serde_json::to_vec(value).map_err(|error| unwritable(&error).into())
}

/// Writes the payload of an effect.
///
/// # Panics
/// If serde cannot write it as JSON: a map whose keys are not text, or a `Serialize` that says no.
pub(crate) fn payload(value: &impl Serialize) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes,
        Err(error) => {
            // A panic in a component says nothing. Only here, so that an actor without effects needs no import.
            crate::error!("{}", unwritable(&error));
            panic!("{}", unwritable(&error))
        }
    }
}

#[cold]
fn unwritable(error: &serde_json::Error) -> String {
    format!("cannot be written as JSON: {error}")
}
