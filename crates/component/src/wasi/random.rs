//! `wasi:random`: streams of bytes that the entry's seed leads to.
//!
//! A stream is the output of BLAKE3, keyed with the seed, over the interface's name without its version. The same seed
//! gives the same bytes for ever; `docs/spec/wasi.md` has the vectors.

use troupe_chain::{Abort, Hash};

use super::wasi::random::{insecure, insecure_seed, random};
use crate::host::{Host, Refused};

const SECURE: &str = "wasi:random/random";
const INSECURE: &str = "wasi:random/insecure";
const INSECURE_SEED: &str = "wasi:random/insecure-seed";

/// A component that draws was run for an entry without a seed. The host's data says so.
#[derive(Debug, thiserror::Error)]
#[error("the entry has no seed")]
struct NoSeed;

/// What a message may draw.
pub(crate) struct Random {
    seed: Option<[u8; 32]>,
    secure: Option<blake3::OutputReader>,
    insecure: Option<blake3::OutputReader>,
    /// How many bytes may still be drawn.
    left: u64,
}

impl Random {
    pub(super) fn new(seed: Option<&Hash>, left: u64) -> Self {
        Self { seed: seed.map(|seed| *seed.as_bytes()), secure: None, insecure: None, left }
    }

    /// The next bytes of a stream; `None` without a seed.
    fn draw(&mut self, name: &'static str, len: u64) -> Result<Option<Vec<u8>>, Refused> {
        self.left = self.left.checked_sub(len).ok_or(Refused::Memory)?;
        // Within the limit `memory`, so it fits.
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| Refused::Memory)?];
        let Some(seed) = &self.seed else { return Ok(None) };
        let begun = if name == SECURE { &mut self.secure } else { &mut self.insecure };
        begun.get_or_insert_with(|| stream(seed, name)).fill(&mut bytes);
        Ok(Some(bytes))
    }
}

fn stream(seed: &[u8; 32], name: &str) -> blake3::OutputReader {
    blake3::Hasher::new_keyed(seed).update(name.as_bytes()).finalize_xof()
}

fn u64_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Host {
    fn draw(&mut self, name: &'static str, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.wasi.random.draw(name, len)?.ok_or_else(|| self.no_seed())
    }

    fn no_seed(&mut self) -> wasmtime::Error {
        self.aborted = Some(Abort::Host(NoSeed.to_string()));
        NoSeed.into()
    }
}

impl random::Host for Host {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.draw(SECURE, len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(u64_of(&self.draw(SECURE, 8)?))
    }
}

impl insecure::Host for Host {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.draw(INSECURE, len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(u64_of(&self.draw(INSECURE, 8)?))
    }
}

impl insecure_seed::Host for Host {
    /// The same each time within a message.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let Some(seed) = &self.wasi.random.seed else { return Err(self.no_seed()) };
        let mut bytes = [0; 16];
        stream(seed, INSECURE_SEED).fill(&mut bytes);
        Ok((u64_of(&bytes), u64_of(&bytes[8..])))
    }
}
