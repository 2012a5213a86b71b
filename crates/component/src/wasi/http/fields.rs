//! `wasi:http/types.fields`: names and values in the order in which they were given.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::host::Host;
use crate::outside::{RESERVED, is_token};
use crate::wasi::Kept;
use crate::wasi::wasi::http::types::{self, HeaderError};

/// Headers or trailers.
#[derive(Clone, Default)]
pub struct Fields {
    entries: Vec<(String, Vec<u8>)>,
    immutable: bool,
}

impl Kept for Fields {
    fn bytes(&self) -> u64 {
        self.entries.iter().map(|(name, value)| entry_bytes(name, value)).sum()
    }
}

/// What an entry takes beside its bytes.
const ENTRY: u64 = 48;

fn entry_bytes(name: &str, value: &[u8]) -> u64 {
    (name.len() + value.len()) as u64 + ENTRY
}

/// Whether a guest may set it. The length of a body is known here, so that saying it does no harm.
fn check(name: &str, value: &[u8]) -> Result<(), HeaderError> {
    if !is_token(name) || !value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Err(HeaderError::InvalidSyntax);
    }
    let reserved = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    if reserved && !name.eq_ignore_ascii_case(CONTENT_LENGTH) { Err(HeaderError::Forbidden) } else { Ok(()) }
}

/// The one reserved header that is taken, and compared with the body.
pub(super) const CONTENT_LENGTH: &str = "content-length";

impl Fields {
    /// What came from outside, which nobody may change.
    pub(crate) fn received(entries: Vec<(String, Vec<u8>)>) -> Self {
        Self { entries, immutable: true }
    }

    /// The same, for looking at.
    pub(super) fn shown(&self) -> Self {
        Self { immutable: true, ..self.clone() }
    }

    pub(super) fn into_entries(self) -> Vec<(String, Vec<u8>)> {
        self.entries
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.entries.iter().filter(move |(of, _)| of.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }

    /// Puts values in place of those that a name has.
    fn put(&mut self, name: &str, values: Vec<Vec<u8>>) {
        self.entries.retain(|(of, _)| !of.eq_ignore_ascii_case(name));
        self.entries.extend(values.into_iter().map(|value| (name.to_owned(), value)));
    }
}

impl Host {
    /// Changes fields, and what they count in memory.
    fn change_fields(
        &mut self,
        this: &Resource<Fields>,
        name: &str,
        values: &[Vec<u8>],
        change: impl FnOnce(&mut Fields),
    ) -> Result<Result<(), HeaderError>> {
        let fields = self.kept(this)?;
        if fields.immutable {
            return Ok(Err(HeaderError::Immutable));
        }
        let before = fields.bytes();
        if let Err(error) =
            check(name, b"").and_then(|()| values.iter().try_for_each(|value| check(name, value)))
        {
            return Ok(Err(error));
        }
        self.take_memory(values.iter().map(|value| entry_bytes(name, value)).sum())?;
        let fields = self.kept_mut(this)?;
        change(fields);
        let added: u64 = values.iter().map(|value| entry_bytes(name, value)).sum();
        let gone = (before + added).saturating_sub(fields.bytes());
        self.give_memory(gone);
        Ok(Ok(()))
    }
}

impl types::HostFields for Host {
    fn new(&mut self) -> Result<Resource<Fields>> {
        self.keep(Fields::default())
    }

    fn from_list(
        &mut self,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Result<Result<Resource<Fields>, HeaderError>> {
        match entries.iter().try_for_each(|(name, value)| check(name, value)) {
            Ok(()) => Ok(Ok(self.keep(Fields { entries, immutable: false })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn get(&mut self, this: Resource<Fields>, name: String) -> Result<Vec<Vec<u8>>> {
        Ok(self.kept(&this)?.named(&name).map(<[u8]>::to_vec).collect())
    }

    fn has(&mut self, this: Resource<Fields>, name: String) -> Result<bool> {
        Ok(self.kept(&this)?.named(&name).next().is_some())
    }

    fn set(
        &mut self,
        this: Resource<Fields>,
        name: String,
        values: Vec<Vec<u8>>,
    ) -> Result<Result<(), HeaderError>> {
        let copy = values.clone();
        self.change_fields(&this, &name, &values, |fields| fields.put(&name, copy))
    }

    fn delete(&mut self, this: Resource<Fields>, name: String) -> Result<Result<(), HeaderError>> {
        self.change_fields(&this, &name, &[], |fields| fields.put(&name, Vec::new()))
    }

    fn append(
        &mut self,
        this: Resource<Fields>,
        name: String,
        value: Vec<u8>,
    ) -> Result<Result<(), HeaderError>> {
        let added = (name.clone(), value.clone());
        self.change_fields(&this, &name, &[value], |fields| fields.entries.push(added))
    }

    fn entries(&mut self, this: Resource<Fields>) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(self.kept(&this)?.entries.clone())
    }

    fn clone(&mut self, this: Resource<Fields>) -> Result<Resource<Fields>> {
        let copy = Fields { immutable: false, ..self.kept(&this)?.clone() };
        self.keep(copy)
    }

    fn drop(&mut self, this: Resource<Fields>) -> Result<()> {
        self.forget(this)
    }
}
