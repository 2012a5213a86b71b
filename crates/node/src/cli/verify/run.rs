//! The chains of a job's run: fetched, replayed, and followed back to where the run began and beyond, to genesis.
//!
//! Invariant: no entry is believed that is not of a chain replayed here, nor a state that a chain goes on from, unless the
//! entry it names left it.

use std::collections::BTreeMap;

use bytes::Bytes;
use troupe::executor::bundle::{Brought, NotBrought};
use troupe::executor::course::{Course, Unclear, state_after};
use troupe::machines::AllMachines;
use troupe::receipt::Receipt;
use troupe_chain::{Cid, Entry, Fork, Hash, NotVerified};
use troupe_commons::Id;
use troupe_commons::jobs::JobResult;

use super::{Verify, machines, replay};
use crate::cli::failure::Failure;
use crate::cli::place::{NotOpened, Place, Source};
use crate::cli::screen::Screen;

/// How many chains a run may go back through: its own, and those that it was told to go on from.
const MAX_CHAINS: usize = 64;

/// Why a run is not told.
pub(super) enum NotTold {
    /// It could not be read.
    Cannot(Failure),
    /// A chain does not verify.
    Not(NotVerified),
    /// It is not what it should be.
    False(String),
}

/// Chains that were replayed.
pub(super) struct Chains<'a> {
    screen: &'a Screen,
    command: &'a Verify,
    machines: AllMachines,
    sources: BTreeMap<Hash, Source>,
    /// What the job brought along.
    bundle: Option<Id>,
    is_complete: bool,
}

impl<'a> Chains<'a> {
    pub(super) fn new(screen: &'a Screen, command: &'a Verify, receipt: &Receipt) -> Self {
        let (machines, sources) = (machines(screen), BTreeMap::new());
        Self { screen, command, machines, sources, bundle: receipt.spec.bundle, is_complete: true }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether every outcome was compared.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The run that a result names.
    pub(super) fn course(&mut self, receipt: &Receipt, result: &JobResult) -> Result<Course, NotTold> {
        let mut failed = None;
        let read =
            Course::read(&result.chain.0, result.size.saturating_sub(1), &receipt.spec, &mut |chain, seq| {
                match self.entry(chain, seq) {
                    Ok(bytes) => Ok(bytes),
                    Err(why) => {
                        failed = Some(why);
                        Err(Unclear("an entry is not at hand".into()))
                    }
                }
            });
        let course = match (read, failed) {
            (Ok(course), _) => course,
            (Err(_), Some(why)) => return Err(why),
            (Err(unclear), None) => return Err(NotTold::False(unclear.to_string())),
        };
        let mut next = course.parts.first().and_then(|part| part.genesis.fork);
        while let Some(fork) = next {
            next = self.origin(&fork)?;
        }
        Ok(course)
    }

    /// Checks what a chain goes on from, and says what that chain goes on from.
    fn origin(&mut self, fork: &Fork) -> Result<Option<Fork>, NotTold> {
        let bytes = self.entry(&fork.chain, fork.seq)?;
        let state = Entry::decode(&bytes).ok().and_then(|entry| state_after(&entry));
        if Hash::of(&bytes) != fork.entry || state != Some(fork.state) {
            let Fork { chain, seq, .. } = fork;
            return Err(NotTold::False(format!("the run goes on from what seq {seq} of {chain} is not")));
        }
        let genesis = self.entry(&fork.chain, 0)?;
        match Entry::decode(&genesis).map(|entry| entry.body) {
            Ok(troupe_chain::Body::Genesis(genesis)) => Ok(genesis.fork),
            _ => Err(NotTold::False(format!("the chain {} does not begin with genesis", fork.chain))),
        }
    }

    /// An entry of a chain, which is replayed when it is first asked for.
    fn entry(&mut self, chain: &Hash, seq: u64) -> Result<Bytes, NotTold> {
        if !self.sources.contains_key(chain) {
            if self.sources.len() == MAX_CHAINS {
                return Err(NotTold::False(format!(
                    "the run goes back through more than {MAX_CHAINS} chains"
                )));
            }
            let source = self.replayed(chain)?;
            self.sources.insert(*chain, source);
        }
        let missing = || NotTold::False(format!("the chain {chain} has no entry at seq {seq}"));
        let source = self.sources.get(chain).ok_or_else(missing)?;
        if seq > source.seq() {
            return Err(missing());
        }
        source.range(seq, seq).map_err(NotTold::Cannot)?.into_iter().next().ok_or_else(missing)
    }

    /// A chain that the job brought along.
    fn brought(&self, chain: &Hash) -> Result<Option<Source>, NotTold> {
        let Some(bundle) = self.bundle else { return Ok(None) };
        let node = self.command.whose.node.connect().map_err(NotTold::Cannot)?;
        let bytes = node.blob(&Cid(bundle.0)).map_err(NotTold::Cannot)?;
        let wrong = |error: NotBrought| NotTold::False(error.to_string());
        let brought = Brought::read(&bytes.into()).map_err(wrong)?;
        let (store, history) = brought.history().map_err(wrong)?;
        Ok((history.chain() == *chain).then_some(Source::Store(store, history)))
    }

    fn replayed(&mut self, chain: &Hash) -> Result<Source, NotTold> {
        let source = match Place::Actor(chain.to_string()).open(self.screen, &self.command.whose) {
            Ok(source) => source,
            Err(NotOpened::Cannot(failure)) => match self.brought(chain)? {
                Some(source) => source,
                None => return Err(NotTold::Cannot(failure)),
            },
            Err(NotOpened::False(error)) => return Err(NotTold::False(error.to_string())),
        };
        if source.chain() != *chain {
            let found = source.chain();
            return Err(NotTold::False(format!("the run is the chain {chain}, and the node has {found}")));
        }
        let replayed = replay(self.screen, &self.machines, &source, source.seq()).map_err(NotTold::Not)?;
        self.is_complete &= replayed.report.is_complete();
        Ok(source)
    }
}
