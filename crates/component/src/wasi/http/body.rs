//! A body that a guest writes, shared by its handle, its stream and what it belongs to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A body that is being written.
#[derive(Clone, Default)]
pub struct Body(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    end: End,
}

/// How far a body is.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// More may come.
    #[default]
    Open,
    /// It is whole.
    Finished,
    /// It was dropped before it was finished.
    Dropped,
}

impl Body {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::wasi) fn is_open(&self) -> bool {
        self.end() == End::Open
    }

    pub(in crate::wasi) fn write(&self, bytes: &[u8]) {
        self.written().bytes.extend_from_slice(bytes);
    }

    pub(super) fn end(&self) -> End {
        self.written().end
    }

    /// Ends it, unless it has ended.
    pub(super) fn close(&self, end: End) {
        let mut written = self.written();
        if written.end == End::Open {
            written.end = end;
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.written().bytes.len() as u64
    }

    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.written().bytes)
    }
}
