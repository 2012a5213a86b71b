//! Finds the chain that STORE, BUNDLE or URL means, and reads it without trusting it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Hash, History, Unreadable};
use troupe_runtime::StoreHistory;
use troupe_store::bundle::{Bundle, BundleError};
use troupe_store::{DiskStore, Store};

use super::failure::{Failure, chain_of};
use super::remote::Remote;
use super::screen::Screen;

/// Where a chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder of a store.
    Store(PathBuf),
    /// A CAR file or a folder made by `export`.
    Bundle(PathBuf),
    /// A running node.
    Url(String),
}

/// A chain that can be read.
pub(super) enum Source {
    /// In a store.
    Store(Arc<dyn Store>, StoreHistory),
    /// In a bundle.
    Bundle(Box<Bundle>),
    /// At a running node.
    Remote(Remote),
}

/// Why a place is not opened.
pub(super) enum NotOpened {
    /// It could not be read, or there is nothing to read.
    Cannot(Failure),
    /// What it holds is false.
    False(BundleError),
}

impl From<Failure> for NotOpened {
    fn from(failure: Failure) -> Self {
        Self::Cannot(failure)
    }
}

impl Place {
    /// Tells a URL from a store from a bundle.
    pub(super) fn find(text: &str) -> Result<Self, Failure> {
        let path = Path::new(text);
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Url(text.to_owned()));
        }
        let Ok(metadata) = path.metadata() else {
            if is_host_and_port(text) {
                return Ok(Self::Url(text.to_owned()));
            }
            return Err(Failure::cannot(format_args!("there is no file or folder `{text}`")).help(
                "give the folder of a store, a file or folder made by `troupe export`, or a URL such as http://127.0.0.1:8080",
            ));
        };
        if metadata.is_dir() && path.join("format").exists() {
            return Ok(Self::Store(path.to_owned()));
        }
        let is_bundle =
            metadata.is_file() || path.join("head.json").exists() || path.join("entries.ndjson").exists();
        if is_bundle {
            return Ok(Self::Bundle(path.to_owned()));
        }
        Err(Failure::cannot(format_args!("the folder `{text}` holds neither a store nor an exported chain"))
            .help(
                "`troupe run COMPONENT --store FOLDER` makes a store, `troupe export STORE FOLDER/` a bundle",
            ))
    }

    /// Opens what is there.
    pub(super) fn open(&self, screen: &Screen) -> Result<Source, NotOpened> {
        match self {
            Self::Store(path) => {
                let (store, history) = open_chain(path)?;
                Ok(Source::Store(store, history))
            }
            Self::Bundle(path) => open_bundle(path).map(|bundle| Source::Bundle(Box::new(bundle))),
            Self::Url(url) => Ok(Source::Remote(Remote::new(url, screen)?)),
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Opens the only chain of a store that is there already.
pub(super) fn open_chain(path: &Path) -> Result<(Arc<dyn Store>, StoreHistory), Failure> {
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(path)?);
    let chains = store.chains()?;
    if chains.is_empty() {
        let what = format!("the store {} is empty: no actor was ever begun in it", path.display());
        return Err(Failure::cannot(what).help("`troupe run COMPONENT --store FOLDER` begins one"));
    }
    let [(chain, _)] = chains.as_slice() else {
        let what = format!("the store {} holds {} actors; one is expected", path.display(), chains.len());
        return Err(Failure::cannot(what));
    };
    match StoreHistory::new(Arc::clone(&store), *chain).map_err(Failure::cannot)? {
        Some(history) => Ok((store, history)),
        None => Err(Failure::cannot(format_args!("the store has no chain {chain}"))),
    }
}

/// Opens a bundle and checks everything but the outcomes.
pub(super) fn open_bundle(path: &Path) -> Result<Bundle, NotOpened> {
    Bundle::open(path).map_err(|error| {
        if error.is_false() {
            return NotOpened::False(error);
        }
        let failure = Failure::cannot(chain_of(&error));
        NotOpened::Cannot(match error {
            BundleError::NotABundle(_) => {
                failure.while_(path.display()).help("make one with `troupe export STORE FILE.car`")
            }
            _ => failure,
        })
    })
}

impl NotOpened {
    /// As a failure of a command that does not verify: whatever is wrong, it could not be read.
    pub(super) fn into_failure(self, what: &str) -> Failure {
        match self {
            Self::Cannot(failure) => failure,
            Self::False(error) => {
                Failure::cannot(format_args!("{what} is damaged or was tampered with: {error}"))
                    .help(format_args!("`troupe verify {what}` says more"))
            }
        }
    }
}

impl Source {
    /// The position of the last entry.
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Store(_, history) => history.seq(),
            Self::Bundle(bundle) => bundle.summary().size.saturating_sub(1),
            Self::Remote(remote) => remote.seq(),
        }
    }

    /// How many entries to ask for at once: a bundle is read from its beginning each time.
    pub(super) fn page(&self) -> u64 {
        match self {
            Self::Store(..) | Self::Remote(_) => 1000,
            Self::Bundle(_) => 200_000,
        }
    }

    /// Entries from a position on, up to and with another.
    pub(super) fn range(&self, from: u64, to: u64) -> Result<Vec<Bytes>, Failure> {
        let entry = |seq: u64, store: &dyn Store, chain: &Hash| -> Result<Bytes, Failure> {
            let missing = || Failure::cannot(format_args!("the store has no entry at seq {seq}"));
            store.entry(chain, seq)?.ok_or_else(missing)
        };
        match self {
            Self::Store(store, history) => {
                (from..=to).map(|seq| entry(seq, &**store, &history.chain())).collect()
            }
            Self::Bundle(bundle) => {
                let skip = usize::try_from(from).unwrap_or(usize::MAX);
                let take = usize::try_from((to + 1).saturating_sub(from)).unwrap_or(usize::MAX);
                let entries = bundle.entries().skip(skip).take(take);
                entries.map(|entry| entry.map(Bytes::from).map_err(Failure::cannot)).collect()
            }
            Self::Remote(remote) => remote.range(from, to),
        }
    }
}

impl History for Source {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        match self {
            Self::Store(_, history) => history.head(),
            Self::Bundle(bundle) => bundle.head(),
            Self::Remote(remote) => remote.head(),
        }
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        let entries: Box<dyn Iterator<Item = _> + '_> = match self {
            Self::Store(_, history) => Box::new(history.entries()),
            Self::Bundle(bundle) => Box::new(bundle.entries().map(|entry| entry.map(Bytes::from))),
            Self::Remote(remote) => Box::new(remote.entries()),
        };
        entries
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        match self {
            Self::Store(_, history) => history.blob(name),
            Self::Bundle(bundle) => Ok(bundle.blob(name)?.map(Bytes::from)),
            Self::Remote(remote) => remote.blob(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_port_is_a_url_and_a_path_is_not() {
        assert_eq!(Place::find("127.0.0.1:8080").unwrap(), Place::Url("127.0.0.1:8080".into()));
        assert!(Place::find("no/such/path.car").is_err());
        assert!(Place::find("name:port").is_err());
    }
}
