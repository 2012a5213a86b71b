//! `wasi:io/streams` and `wasi:io/error`: bytes that are all there, and places for bytes that never block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::Result;
use wasmtime::component::Resource;

use super::http::Body;
use super::poll::Pollable;
use super::wasi::io::streams::StreamError;
use super::wasi::io::{error, streams};
use super::{Kept, misused};
use crate::host::Host;

/// The most bytes of one read, whatever was asked for.
pub(super) const MAX_READ: u64 = 64 << 10;
/// How many bytes `check-write` permits.
const MAX_WRITE: u64 = 64 << 10;
/// The most bytes of a write that also flushes, as the interface says.
const MAX_FLUSHED: u64 = 4096;

/// An error of a stream. Streams here end and never fail, so that there is none.
pub enum Closed {}

impl Kept for Closed {}

/// Bytes that are read from the front. Streams of the same source go on where another stopped.
#[derive(Clone, Default)]
pub struct InputStream {
    bytes: Arc<[u8]>,
    at: Arc<AtomicUsize>,
}

impl Kept for InputStream {}

impl InputStream {
    pub(crate) fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { bytes: bytes.into(), at: Arc::default() }
    }

    /// The bytes from an offset on.
    pub(crate) fn from(bytes: Arc<[u8]>, offset: u64) -> Self {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        Self { bytes, at: Arc::new(AtomicUsize::new(at)) }
    }

    /// The next bytes; none if it has ended.
    fn next(&self, len: u64) -> Option<&[u8]> {
        let at = self.at.load(Ordering::Relaxed);
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let len = usize::try_from(len.min(MAX_READ)).unwrap_or(rest.len()).min(rest.len());
        self.at.store(at + len, Ordering::Relaxed);
        Some(&rest[..len])
    }
}

/// Where bytes are written to.
pub enum OutputStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// A body of HTTP.
    Body(Body),
}

impl Kept for OutputStream {}

impl Host {
    fn write_to(&mut self, stream: &Resource<OutputStream>, bytes: &[u8]) -> Result<Result<(), StreamError>> {
        match self.kept(stream)? {
            OutputStream::Out => self.print(bytes)?,
            OutputStream::Err => self.print_error(bytes)?,
            OutputStream::Body(body) => {
                let body = body.clone();
                if !body.is_open() {
                    return Ok(Err(StreamError::Closed));
                }
                self.take_memory(bytes.len() as u64)?;
                body.write(bytes);
            }
        }
        Ok(Ok(()))
    }

    fn write_at_most(
        &mut self,
        stream: &Resource<OutputStream>,
        bytes: &[u8],
        most: u64,
    ) -> Result<Result<(), StreamError>> {
        match bytes.len() as u64 <= most {
            true => self.write_to(stream, bytes),
            false => misused("a stream was given more bytes at once than it had permitted"),
        }
    }

    fn write_zeros(
        &mut self,
        stream: &Resource<OutputStream>,
        len: u64,
        most: u64,
    ) -> Result<Result<(), StreamError>> {
        // One more than permitted is too many, however many more there are.
        let zeros = vec![0; usize::try_from(len.min(most + 1))?];
        self.write_at_most(stream, &zeros, most)
    }
}

impl error::HostError for Host {
    fn to_debug_string(&mut self, this: Resource<Closed>) -> Result<String> {
        match *self.kept(&this)? {}
    }

    fn drop(&mut self, this: Resource<Closed>) -> Result<()> {
        self.forget(this)
    }
}

impl error::Host for Host {}

impl streams::HostInputStream for Host {
    fn read(&mut self, this: Resource<InputStream>, len: u64) -> Result<Result<Vec<u8>, StreamError>> {
        let read = self.kept(&this)?.next(len).map(<[u8]>::to_vec);
        Ok(read.ok_or(StreamError::Closed))
    }

    fn blocking_read(
        &mut self,
        this: Resource<InputStream>,
        len: u64,
    ) -> Result<Result<Vec<u8>, StreamError>> {
        self.read(this, len)
    }

    fn skip(&mut self, this: Resource<InputStream>, len: u64) -> Result<Result<u64, StreamError>> {
        let skipped = self.kept(&this)?.next(len).map(|bytes| bytes.len() as u64);
        Ok(skipped.ok_or(StreamError::Closed))
    }

    fn blocking_skip(&mut self, this: Resource<InputStream>, len: u64) -> Result<Result<u64, StreamError>> {
        self.skip(this, len)
    }

    fn subscribe(&mut self, _: Resource<InputStream>) -> Result<Resource<Pollable>> {
        self.keep(Pollable::Ready)
    }

    fn drop(&mut self, this: Resource<InputStream>) -> Result<()> {
        self.forget(this)
    }
}

impl streams::HostOutputStream for Host {
    fn check_write(&mut self, this: Resource<OutputStream>) -> Result<Result<u64, StreamError>> {
        let closed = matches!(self.kept(&this)?, OutputStream::Body(body) if !body.is_open());
        Ok(if closed { Err(StreamError::Closed) } else { Ok(MAX_WRITE) })
    }

    fn write(&mut self, this: Resource<OutputStream>, bytes: Vec<u8>) -> Result<Result<(), StreamError>> {
        self.write_at_most(&this, &bytes, MAX_WRITE)
    }

    fn blocking_write_and_flush(
        &mut self,
        this: Resource<OutputStream>,
        bytes: Vec<u8>,
    ) -> Result<Result<(), StreamError>> {
        self.write_at_most(&this, &bytes, MAX_FLUSHED)
    }

    fn flush(&mut self, this: Resource<OutputStream>) -> Result<Result<(), StreamError>> {
        Ok(self.check_write(this)?.map(drop))
    }

    fn blocking_flush(&mut self, this: Resource<OutputStream>) -> Result<Result<(), StreamError>> {
        self.flush(this)
    }

    fn subscribe(&mut self, _: Resource<OutputStream>) -> Result<Resource<Pollable>> {
        self.keep(Pollable::Ready)
    }

    fn write_zeroes(&mut self, this: Resource<OutputStream>, len: u64) -> Result<Result<(), StreamError>> {
        self.write_zeros(&this, len, MAX_WRITE)
    }

    fn blocking_write_zeroes_and_flush(
        &mut self,
        this: Resource<OutputStream>,
        len: u64,
    ) -> Result<Result<(), StreamError>> {
        self.write_zeros(&this, len, MAX_FLUSHED)
    }

    fn splice(
        &mut self,
        this: Resource<OutputStream>,
        from: Resource<InputStream>,
        len: u64,
    ) -> Result<Result<u64, StreamError>> {
        let Some(bytes) = self.kept(&from)?.next(len).map(<[u8]>::to_vec) else {
            return Ok(Err(StreamError::Closed));
        };
        Ok(self.write_to(&this, &bytes)?.map(|()| bytes.len() as u64))
    }

    fn blocking_splice(
        &mut self,
        this: Resource<OutputStream>,
        from: Resource<InputStream>,
        len: u64,
    ) -> Result<Result<u64, StreamError>> {
        self.splice(this, from, len)
    }

    fn drop(&mut self, this: Resource<OutputStream>) -> Result<()> {
        self.forget(this)
    }
}

impl streams::Host for Host {}
