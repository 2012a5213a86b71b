//! Compiled code on disk, so that a component is compiled once and not again, whichever process runs it.
//!
//! Invariant: compiled code is executed as it is, so a file is loaded only if it belongs to this user, nobody else may
//! write to it or its folder, and its seal ([`seal`]) was made with the key of this folder over this component, this
//! engine and these bytes. What is checked is what is loaded: a file is read once. Anything else is compiled again.
//!
//! [`private`] reads and writes files that are this user's alone; [`room`] lists and bounds what is there.
#![allow(unsafe_code, reason = "loading compiled code is unsafe: it is executed as it is")]

mod private;
mod room;
mod seal;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use troupe_chain::Hash;
use wasmtime::Engine;
use wasmtime::component::Component;

pub use private::Distrust;
pub use room::{Cleared, CompiledCode};

use crate::{CodeEvent, CodeWatch};
use private::Read;
use seal::Subject;

/// The file that the key is in.
const KEY: &str = "key";
/// How the names of files with compiled code end.
const CODE: &str = "cwasm";
/// How the names of files end that are being written.
const TEMPORARY: &str = "tmp";

/// A folder for compiled code that the processes of one user share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCache {
    folder: PathBuf,
    max_bytes: u64,
}

impl CodeCache {
    /// How much is kept unless another bound is set.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// A cache in a folder, which is made when something is written to it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_bytes: Self::MAX_BYTES }
    }

    /// Keeps at most so many bytes; what was used last is kept.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many bytes it may have.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// What is kept, what was used last first.
    ///
    /// # Errors
    /// If the folder cannot be read. A folder that is not there is empty.
    pub fn list(&self) -> io::Result<Vec<CompiledCode>> {
        room::list(&self.folder)
    }

    /// Removes all compiled code. The key stays, since other processes may be using it.
    ///
    /// # Errors
    /// If the folder cannot be read or a file not be removed.
    pub fn clear(&self) -> io::Result<Cleared> {
        room::clear(&self.folder)
    }

    /// What an earlier process compiled, if there is any that can be trusted.
    fn find(&self, engine: &Engine, path: &Path, subject: &Subject) -> Result<Option<Component>, Refusal> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |why: Distrust| Refusal { path, why }
        };
        match private::check_folder(&self.folder).map_err(refused(&self.folder))? {
            Read::Missing => return Ok(None),
            Read::Found(()) => {}
        }
        let key = self.folder.join(KEY);
        let key = match seal::Key::read(&key).map_err(refused(&key))? {
            Read::Missing => return Ok(None),
            Read::Found(key) => key,
        };
        let (file, bytes) = match private::read(path, self.max_bytes).map_err(refused(path))? {
            Read::Missing => return Ok(None),
            Read::Found(found) => found,
        };
        let code = key.open(subject, &bytes).ok_or(Distrust::Seal).map_err(refused(path))?;
        // SAFETY: the seal says that these very bytes were written by `store` below, which had them from this engine,
        // by somebody who could read the key; and only this user can.
        let component = unsafe { Component::deserialize(engine, code) };
        let component = component.map_err(|error| Distrust::Engine(format!("{error:#}")));
        room::touch(&file);
        component.map(Some).map_err(refused(path))
    }

    /// Keeps compiled code, and makes room for it.
    fn store(&self, path: &Path, subject: &Subject, component: &Component) -> io::Result<()> {
        private::create_folder(&self.folder)?;
        if private::check_folder(&self.folder).is_err() {
            return Ok(());
        }
        let key = seal::Key::read_or_make(&self.folder.join(KEY))?;
        let code = component.serialize().map_err(io::Error::other)?;
        let sealed = key.seal(subject, &code);
        if sealed.size() > self.max_bytes {
            return Ok(());
        }
        private::replace(path, &sealed.parts())?;
        room::make_room(&self.folder, path, self.max_bytes)
    }
}

/// A folder for compiled code with the usual bound.
impl From<PathBuf> for CodeCache {
    fn from(folder: PathBuf) -> Self {
        Self::new(folder)
    }
}

/// A file that is not used, and why.
struct Refusal {
    path: PathBuf,
    why: Distrust,
}

/// Compiles `bytes`, or loads what an earlier process compiled. A cache that cannot be used costs time, nothing else.
pub(crate) fn load(
    engine: &Engine,
    cache: Option<&CodeCache>,
    watch: &CodeWatch,
    component: Hash,
    bytes: &[u8],
) -> wasmtime::Result<Component> {
    let Some(cache) = cache else { return compile(engine, watch, component, bytes) };
    let subject = Subject::new(component, engine);
    let path = cache.folder.join(format!("{subject}.{CODE}"));
    match cache.find(engine, &path, &subject) {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => {}
        Err(Refusal { path, why }) => watch.tell(&CodeEvent::Refused { path: &path, why: &why }),
    }
    let compiled = compile(engine, watch, component, bytes)?;
    if let Err(error) = cache.store(&path, &subject, &compiled) {
        watch.tell(&CodeEvent::NotKept { folder: &cache.folder, error: &error });
    }
    Ok(compiled)
}

fn compile(engine: &Engine, watch: &CodeWatch, component: Hash, bytes: &[u8]) -> wasmtime::Result<Component> {
    let began = Instant::now();
    watch.tell(&CodeEvent::Compiling { component, size: bytes.len() as u64 });
    let compiled = Component::from_binary(engine, bytes);
    watch.tell(&CodeEvent::Compiled { component, took: began.elapsed() });
    compiled
}
