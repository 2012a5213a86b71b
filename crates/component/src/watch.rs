//! What a sandbox says about compiling, for whoever waits for it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use troupe_chain::Hash;

use crate::Distrust;

/// Something that happened to compiled code. Nothing in it decides an outcome.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodeEvent<'a> {
    /// A component is being compiled.
    Compiling {
        /// Its name.
        component: Hash,
        /// How many bytes it has.
        size: u64,
    },
    /// That has ended, well or badly.
    Compiled {
        /// The component's name.
        component: Hash,
        /// How long it took.
        took: Duration,
    },
    /// A file or the folder of the cache is not used; the component is compiled instead.
    Refused {
        /// The file or folder.
        path: &'a Path,
        /// Why.
        why: &'a Distrust,
    },
    /// What was compiled could not be written to the cache.
    NotKept {
        /// The folder.
        folder: &'a Path,
        /// Why.
        error: &'a io::Error,
    },
}

type Watch = dyn Fn(&CodeEvent<'_>) + Send + Sync;

/// Whom a sandbox tells. Tells nobody by default.
#[derive(Clone, Default)]
pub struct CodeWatch(Option<Arc<Watch>>);

impl CodeWatch {
    /// Calls `watch` from whichever thread something happens on.
    pub fn new(watch: impl Fn(&CodeEvent<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    pub(crate) fn tell(&self, event: &CodeEvent<'_>) {
        if let Some(watch) = &self.0 {
            watch(event);
        }
    }
}

impl fmt::Debug for CodeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "CodeWatch(…)" } else { "CodeWatch(nobody)" })
    }
}
