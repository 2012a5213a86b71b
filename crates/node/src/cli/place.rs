//! Finds the chain that STORE, BUNDLE, URL or the name of an actor means, and reads it without trusting it.
//!
//! Invariant: what is there as a file is that file, whatever else it might mean.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use troupe::manifest::Name;
use troupe_api::ClientError;
use troupe_chain::{Hash, History, Redaction, Unreadable};
use troupe_runtime::StoreHistory;
use troupe_store::bundle::{Bundle, BundleError};
use troupe_store::{DiskStore, Store};

use super::failure::{Failure, chain_of};
use super::node::{Node, NodeArgs, is_beginning, unknown};
use super::remote::Remote;
use super::screen::{Screen, short};

/// Where a chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder of a store.
    Store(PathBuf),
    /// A CAR file or a folder made by `export`.
    Bundle(PathBuf),
    /// A running node, or one of its actors.
    Url(String),
    /// An actor of the node that the arguments name.
    Actor(String),
}

/// Which of several actors, and where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Whose {
    /// Which actor of a store or a node that has several: its name, its id, or the beginning of its id
    #[arg(long, value_name = "NAME|ID")]
    pub(super) actor: Option<String>,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// A chain that can be read.
pub(super) enum Source {
    /// In a store.
    Store(Arc<dyn Store>, StoreHistory),
    /// In a bundle.
    Bundle(Box<Bundle>),
    /// At a running node.
    Remote(Box<Remote>),
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
    /// The URL, if it is one whatever else is there.
    pub(super) fn url(text: &str) -> Option<&str> {
        let is_url = text.contains("://") || is_host_and_port(text);
        is_url.then_some(text)
    }

    /// Tells a URL from a store from a bundle.
    pub(super) fn find(text: &str) -> Result<Self, Failure> {
        let path = Path::new(text);
        if text.contains("://") {
            return Ok(Self::Url(text.to_owned()));
        }
        let Ok(metadata) = path.metadata() else {
            if is_host_and_port(text) {
                return Ok(Self::Url(text.to_owned()));
            }
            if Name::new(text).is_ok() || is_beginning(text) {
                return Ok(Self::Actor(text.to_owned()));
            }
            return Err(nothing(text));
        };
        if metadata.is_dir() && path.join("format").exists() {
            return Ok(Self::Store(path.to_owned()));
        }
        let is_bundle =
            metadata.is_file() || path.join("head.json").exists() || path.join("entries.ndjson").exists();
        if is_bundle {
            return Ok(Self::Bundle(path.to_owned()));
        }
        let failure = Failure::cannot(format_args!(
            "the folder `{text}` holds neither a store nor an exported chain"
        ))
        .help("`troupe run COMPONENT --store FOLDER` makes a store, `troupe export STORE FOLDER/` a bundle");
        // A project's folder has the name of its actor.
        Err(match Name::new(text) {
            Ok(name) => failure.help(format_args!(
                "for the actor `{name}` of a node give its URL, as in http://127.0.0.1:8080/actors/{name}"
            )),
            Err(_) => failure,
        })
    }

    /// Opens what is there.
    pub(super) fn open(&self, screen: &Screen, whose: &Whose) -> Result<Source, NotOpened> {
        let remote = |client, actor: &str| -> Result<Source, NotOpened> {
            let found = Node { client }.find(actor)?;
            Ok(Source::Remote(Box::new(Remote::at(found.client, &found.info, screen)?)))
        };
        match self {
            Self::Store(path) => {
                let (store, history) = open_chain(path, whose.actor.as_deref())?;
                Ok(Source::Store(store, history))
            }
            Self::Bundle(_) if whose.actor.is_some() => {
                Err(Failure::cannot("an exported file holds one actor; leave out --actor").into())
            }
            Self::Bundle(path) => open_bundle(path).map(|bundle| Source::Bundle(Box::new(bundle))),
            Self::Url(url) => {
                let client = whose.node.client_of(url)?;
                match &whose.actor {
                    Some(actor) => remote(client, actor),
                    None => Ok(Source::Remote(Box::new(Remote::new(client, screen)?))),
                }
            }
            Self::Actor(name) => {
                let client = whose.node.client_of(&whose.node.node)?;
                match client.actor(name).info() {
                    // Perhaps a file was meant.
                    Err(error @ ClientError::Refused(_)) => {
                        let what = format!("and {error} that might know an actor of that name");
                        Err(nothing(name).and(what).help("--node URL or TROUPE_NODE names the node").into())
                    }
                    _ => remote(client, name),
                }
            }
        }
    }
}

fn nothing(text: &str) -> Failure {
    Failure::cannot(format_args!("there is no file or folder `{text}`")).help(
        "give the folder of a store, a file or folder made by `troupe export`, a URL such as http://127.0.0.1:8080, or the name of an actor",
    )
}

fn is_host_and_port(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Opens a store that is there already, and at least one chain in it.
pub(super) fn open_store(path: &Path) -> Result<Arc<dyn Store>, Failure> {
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(path)?);
    if store.chains()?.is_empty() {
        let what = format!("the store {} is empty: no actor was ever begun in it", path.display());
        return Err(Failure::cannot(what).help("`troupe run COMPONENT --store FOLDER` begins one"));
    }
    Ok(store)
}

/// Opens a chain of a store: the one that is asked for, or the only one.
pub(super) fn open_chain(
    path: &Path,
    actor: Option<&str>,
) -> Result<(Arc<dyn Store>, StoreHistory), Failure> {
    let store = open_store(path)?;
    let chain = match actor {
        Some(actor) => find_chain(path, &*store, actor)?,
        None => only_chain(path, &*store)?,
    };
    let history = history_of(&store, &chain)?;
    Ok((store, history))
}

/// A chain of a store as a history.
pub(super) fn history_of(store: &Arc<dyn Store>, chain: &Hash) -> Result<StoreHistory, Failure> {
    StoreHistory::new(Arc::clone(store), *chain)
        .map_err(Failure::cannot)?
        .ok_or_else(|| Failure::cannot(format_args!("the store has no chain {chain}")))
}

fn find_chain(path: &Path, store: &dyn Store, actor: &str) -> Result<Hash, Failure> {
    let names = troupe_runtime::stored_names(store)?;
    if let Some((_, chain)) = names.iter().find(|(name, _)| name == actor) {
        return Ok(*chain);
    }
    let begins = |chain: &Hash| is_beginning(actor) && chain.to_string().starts_with(actor);
    let found: Vec<_> = store.chains()?.into_iter().map(|(chain, _)| chain).filter(begins).collect();
    match found.as_slice() {
        [chain] => Ok(*chain),
        [] => Err(unknown(
            actor,
            names.iter().map(|(name, _)| name.as_str()),
            &format!("in {}", path.display()),
        )),
        several => Err(Failure::cannot(format_args!("{} actors have an id that begins so", several.len()))
            .help("give more of its digits")),
    }
}

fn only_chain(path: &Path, store: &dyn Store) -> Result<Hash, Failure> {
    /// The most that are listed.
    const MAX_SHOWN: usize = 10;
    let chains = store.chains()?;
    if let [(chain, _)] = chains.as_slice() {
        return Ok(*chain);
    }
    let names = troupe_runtime::stored_names(store)?;
    let shown = chains.iter().take(MAX_SHOWN).map(|(chain, _)| {
        let name = names.iter().find(|(_, named)| named == chain).map(|(name, _)| name.clone());
        name.unwrap_or_else(|| short(chain))
    });
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if chains.len() > MAX_SHOWN {
        shown.push_str(", …");
    }
    let what = format!("the store {} holds {} actors: {shown}", path.display(), chains.len());
    Err(Failure::cannot(what).help("--actor NAME, or the beginning of its id, says which one"))
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

    /// The chain's id.
    pub(super) fn chain(&self) -> Hash {
        match self {
            Self::Store(_, history) => history.chain(),
            Self::Bundle(bundle) => bundle.summary().chain,
            Self::Remote(remote) => remote.chain(),
        }
    }

    /// The name of the entry at a position; `None` if there is none.
    pub(super) fn name_at(&self, seq: u64) -> Result<Option<Hash>, Failure> {
        match self {
            Self::Remote(remote) => remote.name_at(seq),
            _ if seq > self.seq() => Ok(None),
            _ => Ok(self.range(seq, seq)?.first().map(|entry| Hash::of(entry))),
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

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        match self {
            Self::Store(_, history) => history.redaction(name),
            Self::Bundle(bundle) => bundle.redaction(name),
            Self::Remote(remote) => remote.redaction(name),
        }
    }

    fn has_results(&self) -> bool {
        match self {
            Self::Store(_, history) => history.has_results(),
            Self::Bundle(bundle) => bundle.has_results(),
            Self::Remote(remote) => remote.has_results(),
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
        assert_eq!(Place::find("some-actor").unwrap(), Place::Actor("some-actor".into()));
    }
}
