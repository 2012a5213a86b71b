//! A node's log as it grows: committed entries into the trees of their chains, how far those are into the node's own
//! tree, and a signature over that.
//!
//! Invariants: rounds follow one another; what a round comes to is published once it is durable, and once the witnesses
//! were asked; a round takes so many leaves and no more, so that neither memory nor one append grows with a backlog.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use troupe_chain::Hash;
use troupe_chain::note::{Checkpoint, KeyName, NodeLeaf, PublicKey, SecretKey, SignedCheckpoint};
use troupe_chain::tree::TreeHead;
use troupe_store::{Append, Row, Store};

use crate::push::Peers;
use crate::rows::{Mention, SIGNED_KEY, chain_key, leaf_key, read_mentions, write_leaf, write_mentions};
use crate::trees::{Growth, Kept};
use crate::{LogError, Submit, Tree, WitnessAt};

/// The most leaves that one round adds, of all chains together.
pub const MAX_LEAVES_A_ROUND: u64 = 65_536;
/// Rows are written once there are so many, which is about 1 MiB.
const ROWS_AT_ONCE: usize = 512;

/// The logs of a node.
pub struct NodeLog {
    pub(crate) store: Arc<dyn Store>,
    key: SecretKey,
    witnesses: Vec<PublicKey>,
    growing: Mutex<Growing>,
    published: RwLock<Option<Arc<SignedCheckpoint>>>,
    /// What the log was called when the store was signed last, if that was another log.
    formerly: Option<KeyName>,
}

/// What only the round in progress touches.
struct Growing {
    /// How many entries of each chain the node's log has.
    sizes: HashMap<Hash, u64>,
    peers: Peers,
    /// The newest checkpoint in the store; not published before the witnesses were asked.
    stored: Option<SignedCheckpoint>,
    /// Why nothing more is signed, ever.
    stopped: Option<String>,
}

/// What a round came to.
#[derive(Debug, Default)]
pub struct Round {
    /// Leaves that were added to the trees of chains.
    pub leaves: u64,
    /// Chains that have grown.
    pub chains: u64,
    /// How long the store was used, without the witnesses.
    pub time: Duration,
    /// Whether more waits for the next round.
    pub more: bool,
    /// What a person should know: chains that were left out, witnesses that did not cosign.
    pub notes: Vec<String>,
}

impl NodeLog {
    /// Opens the logs that a store has. A key of another name begins another log, of the same chains.
    ///
    /// # Errors
    /// [`LogError`] if the store cannot be read, or if its checkpoint has the key's name and not its signature.
    pub fn open(store: Arc<dyn Store>, key: SecretKey, witnesses: Vec<WitnessAt>) -> Result<Self, LogError> {
        let signed = store.row(SIGNED_KEY)?.map(|row| SignedCheckpoint::parse(&row)).transpose()?;
        let (signed, former) = match signed {
            Some(signed) if signed.checkpoint().origin == *key.public().name() => (Some(signed), None),
            Some(other) => (None, Some(other.checkpoint().origin.clone())),
            None => (None, None),
        };
        if let Some(signed) = &signed
            && !signed.is_signed_by(key.public())
        {
            let what = format!("its checkpoint is not signed by {}", key.public());
            return Err(LogError::Changed { tree: Tree::Node, size: signed.head().size, what });
        }
        let keys = witnesses.iter().map(|witness| witness.key.clone()).collect();
        let peers = Peers::new(witnesses);
        // One that no witness has cosigned may never have been handed out: the first round asks.
        let published = signed.clone().filter(|signed| peers.has_cosigned(signed)).map(Arc::new);
        let growing = Growing { sizes: HashMap::new(), peers, stored: signed, stopped: None };
        let published = RwLock::new(published);
        Ok(Self { store, key, witnesses: keys, growing: Mutex::new(growing), published, formerly: former })
    }

    /// What its signatures are checked with.
    pub fn key(&self) -> &PublicKey {
        self.key.public()
    }

    /// The keys of the witnesses that are asked. Whose they are, somebody else must say.
    pub fn witnesses(&self) -> &[PublicKey] {
        &self.witnesses
    }

    /// The origin of the node's own log.
    pub fn origin(&self) -> &KeyName {
        self.key.public().name()
    }

    /// The log that the store was signed as before, if this is another one.
    pub fn formerly(&self) -> Option<&KeyName> {
        self.formerly.as_ref()
    }

    /// The newest checkpoint of the node's log, with what witnesses cosigned of it.
    pub fn checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest checkpoint of a chain that the node's log has.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn chain_checkpoint(&self, chain: &Hash) -> Result<SignedCheckpoint, LogError> {
        Ok(self.sign(Tree::Chain(*chain), self.mention(chain)?.head))
    }

    pub(crate) fn sign(&self, tree: Tree, head: TreeHead) -> SignedCheckpoint {
        let origin = match &tree {
            Tree::Node => self.origin().clone(),
            Tree::Chain(chain) => KeyName::of_chain(chain),
        };
        Checkpoint::new(origin, head).sign(&self.key)
    }

    /// The last leaf about a chain that is published.
    pub(crate) fn mention(&self, chain: &Hash) -> Result<Mention, LogError> {
        let size = self.checkpoint().map_or(0, |published| published.head().size);
        let mut mentions = mentions(&*self.store, chain)?.into_iter();
        mentions.find(|mention| mention.index < size).ok_or(LogError::NotYet(Tree::Chain(*chain)))
    }

    /// Takes up what was committed, signs it, asks the witnesses, and publishes it.
    ///
    /// # Errors
    /// [`LogError`]; then nothing new is published.
    pub fn round(&self, submit: &dyn Submit) -> Result<Round, LogError> {
        let mut growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &growing.stopped {
            return Err(LogError::Stopped(why.clone()));
        }
        let round = self.round_of(&mut growing, submit);
        if let Err(error @ (LogError::SetBack { .. } | LogError::Forked { .. })) = &round {
            growing.stopped = Some(error.to_string());
        }
        round
    }

    fn round_of(&self, growing: &mut Growing, submit: &dyn Submit) -> Result<Round, LogError> {
        let mut round = Round::default();
        let stored = growing.stored.clone();
        // A store that was set back signs nothing more: its witnesses remember.
        round.notes = growing.peers.compare(&*self.store, stored.as_ref(), submit)?;
        let begun = Instant::now();
        let new = self.grow(growing, &mut round, stored.as_ref())?;
        round.time = begun.elapsed();
        growing.stored = new.or(stored);
        let is_published = self.checkpoint().as_deref() == growing.stored.as_ref();
        let due = growing.stored.clone().filter(|stored| !is_published || growing.peers.lacks(stored));
        let Some(mut signed) = due else { return Ok(round) };
        round.notes.extend(growing.peers.push(&*self.store, &mut signed, submit)?);
        if growing.stored.as_ref() != Some(&signed) {
            commit(&*self.store, vec![Row::put(SIGNED_KEY, signed.to_string())])?;
            growing.stored = Some(signed.clone());
        }
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(signed));
        Ok(round)
    }

    /// Grows the trees, and signs the node's if it is not what is stored. That is durable on return, before any
    /// witness hears of it: so no witness ever knows more than the store.
    fn grow(
        &self,
        growing: &mut Growing,
        round: &mut Round,
        stored: Option<&SignedCheckpoint>,
    ) -> Result<Option<SignedCheckpoint>, LogError> {
        let mut node = Kept::new(&*self.store, Tree::Node).growth()?;
        let mut rows = Vec::new();
        for (chain, last) in self.store.chains()? {
            let committed = last.seq + 1;
            if growing.sizes.get(&chain).is_some_and(|known| *known >= committed) {
                continue;
            }
            if round.leaves >= MAX_LEAVES_A_ROUND {
                round.more = true;
                break;
            }
            let room = MAX_LEAVES_A_ROUND - round.leaves;
            let size = match self.grow_chain(&chain, committed, room, &mut node, &mut rows, round) {
                Ok(size) => size,
                // One chain that is not as it was signed keeps no other from being signed.
                Err(error @ (LogError::Changed { .. } | LogError::BrokenRow { .. })) => {
                    round.notes.push(format!("chain {chain} is left out: {error}"));
                    committed
                }
                Err(error) => return Err(error),
            };
            growing.sizes.insert(chain, size);
            round.more |= size < committed;
        }
        let head = node.head();
        if head.size == 0 || stored.is_some_and(|stored| *stored.head() == head) {
            return Ok(None);
        }
        let signed = self.sign(Tree::Node, head);
        node.finish(&mut rows);
        rows.push(Row::put(SIGNED_KEY, signed.to_string()));
        commit(&*self.store, rows)?;
        Ok(Some(signed))
    }

    /// Adds what a chain has committed, at most `room` leaves; returns how many entries the node's log has then.
    fn grow_chain(
        &self,
        chain: &Hash,
        committed: u64,
        room: u64,
        node: &mut Growth<'_>,
        rows: &mut Vec<Row>,
        round: &mut Round,
    ) -> Result<u64, LogError> {
        let mut mentions = mentions(&*self.store, chain)?;
        if mentions.first().is_some_and(|mention| mention.head.size == committed) {
            return Ok(committed);
        }
        let mut tree = Kept::new(&*self.store, Tree::Chain(*chain)).growth()?;
        let to = committed.min(tree.size().saturating_add(room));
        let mut own = Vec::new();
        while tree.size() < to {
            tree.push_entry(&mut own)?;
            round.leaves += 1;
            if own.len() >= ROWS_AT_ONCE {
                tree.finish(&mut own);
                commit(&*self.store, std::mem::take(&mut own))?;
            }
        }
        tree.finish(&mut own);
        let leaf = NodeLeaf { chain: *chain, head: tree.head() };
        mentions.insert(0, Mention { index: node.size(), head: leaf.head });
        mentions.truncate(2);
        own.push(Row::put(leaf_key(node.size()), write_leaf(&leaf)));
        own.push(Row::put(chain_key(chain), write_mentions(&mentions)));
        node.push(leaf.hash(), &mut own);
        rows.append(&mut own);
        if rows.len() >= ROWS_AT_ONCE {
            node.finish(rows);
            commit(&*self.store, std::mem::take(rows))?;
        }
        round.chains += 1;
        Ok(to)
    }
}

/// What the node's log says of a chain, the newest first.
fn mentions(store: &dyn Store, chain: &Hash) -> Result<Vec<Mention>, LogError> {
    let Some(row) = store.row(&chain_key(chain))? else { return Ok(Vec::new()) };
    read_mentions(&row).ok_or(LogError::BrokenRow { tree: Tree::Chain(*chain), key: "lc" })
}

/// Writes rows, all of them or none.
pub(crate) fn commit(store: &dyn Store, rows: Vec<Row>) -> Result<(), LogError> {
    let chain = Tree::Node.id();
    let append = Append { chain, expected: None, entries: Vec::new(), blobs: Vec::new(), rows };
    Ok(store.commit(&[append])?)
}
