//! One actor as its users see it: send a message, read what is committed, end it, change it.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe_chain::{Fork, Genesis, Hash, Rules, Sender, Text};
use troupe_store::Store;

use crate::core::Core;
use crate::job::{Job, Letter, RewindOrder, RewindTo, StopOrder, UpgradeOrder};
use crate::lifecycle::fork_genesis;
use crate::open::{genesis_of, recover};
use crate::redact::{RedactError, RedactOrder, Redacted, redact, redact_by_name};
use crate::rows::{ACTOR, Record, actor_key, get};
use crate::{Actors, Answer, Listed, NewActor, OpenError, SendError, Trace, Upgraded, View, Watch};

/// An actor of a node. Cheap to clone; it may be in memory or not.
#[derive(Clone)]
pub struct Actor {
    actors: Actors,
    id: Hash,
}

/// What an actor has committed. It may have to be read from the store.
pub(crate) fn view(core: &Core, id: &Hash) -> Result<Arc<View>, SendError> {
    let cell = core.cell(id)?.ok_or(SendError::Unknown)?;
    if let Some(view) = cell.view() {
        return Ok(view);
    }
    let read = || -> Result<View, OpenError> {
        let store = &*core.store;
        let head = store.head(id)?.ok_or(OpenError::NoChain(*id))?;
        let genesis = genesis_of(store, id)?;
        let find = |rules: &Rules| core.machine_for(rules, None).map_err(OpenError::NoMachine);
        Ok(recover(store, id, head.seq, &genesis, &core.machines, find)?.view)
    };
    let view = read().map(Arc::new);
    if let Ok(view) = &view
        && view.held.is_some()
    {
        // Reading it again would cost all of its leaves.
        cell.offer_view(view);
    }
    view.map_err(|error| match error {
        OpenError::NoChain(_) => SendError::Busy("the actor is being begun".into()),
        error => SendError::Host(error.to_string()),
    })
}

/// What actors of a node have committed, for whoever must not keep the node: it is asked of the node's own threads.
#[derive(Clone)]
pub struct Views {
    core: Weak<Core>,
}

impl Views {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: Arc::downgrade(core) }
    }

    /// What the actor of this name or id has committed.
    ///
    /// # Errors
    /// As [`Actor::view`]; [`SendError::Stopped`] once the node is gone.
    pub fn of(&self, name_or_id: &str) -> Result<Arc<View>, SendError> {
        let core = self.core.upgrade().ok_or(SendError::Stopped)?;
        let id = core.resolve(name_or_id).ok_or(SendError::Unknown)?;
        view(&core, &id)
    }
}

impl Actor {
    pub(crate) fn new(actors: Actors, id: Hash) -> Self {
        Self { actors, id }
    }

    /// The actor's id: the name of its genesis.
    pub fn id(&self) -> Hash {
        self.id
    }

    /// The node's actors, of which this is one.
    pub fn actors(&self) -> &Actors {
        &self.actors
    }

    /// The store that keeps the chain.
    pub fn store(&self) -> &Arc<dyn Store> {
        self.actors.store()
    }

    /// What is committed now. It may have to be read from the store.
    ///
    /// # Errors
    /// [`SendError::Unknown`] if the chain is not begun, [`SendError::Host`] if it cannot be read.
    pub fn view(&self) -> Result<Arc<View>, SendError> {
        view(self.actors.core(), &self.id)
    }

    /// Redacts payloads of its entries. It blocks for as long as it takes to read all that the store holds.
    ///
    /// # Errors
    /// [`RedactError`].
    pub fn redact(&self, order: &RedactOrder) -> Result<Redacted, RedactError> {
        let now = self.actors.options().clock.now();
        redact(&**self.store(), &self.id, &|| self.settled(), order, now)
    }

    /// As [`Actor::redact`], of payloads that are known by their names.
    ///
    /// # Errors
    /// [`RedactError`].
    pub fn redact_by_name(&self, order: &RedactOrder, names: &[Hash]) -> Result<Redacted, RedactError> {
        let now = self.actors.options().clock.now();
        redact_by_name(&**self.store(), &self.id, &|| self.settled(), order, names, now)
    }

    fn settled(&self) -> Result<View, OpenError> {
        Ok(View::clone(&*self.view()?))
    }

    /// What is committed now, if the actor is in memory; nothing is read for it.
    pub fn view_in_memory(&self) -> Option<Arc<View>> {
        self.actors.core().cell_in_memory(&self.id)?.view()
    }

    /// The first entry of the chain.
    ///
    /// # Errors
    /// [`SendError::Host`] if it cannot be read.
    pub fn genesis(&self) -> Result<Genesis, SendError> {
        genesis_of(&**self.store(), &self.id).map_err(|error| SendError::Host(error.to_string()))
    }

    /// What the node knows of the actor beside its chain.
    ///
    /// # Errors
    /// [`SendError::Host`] if it cannot be read.
    pub fn record(&self) -> Result<Record, SendError> {
        let record = get::<Record>(&**self.store(), &actor_key(ACTOR, &self.id));
        Ok(record.map_err(|error| SendError::Host(crate::error::chain_of(&error)))?.unwrap_or_default())
    }

    /// The actor as a list shows it.
    ///
    /// # Errors
    /// [`SendError::Host`] if it cannot be read.
    pub fn listed(&self) -> Result<Listed, SendError> {
        let head = self.store().head(&self.id);
        let head = head.map_err(|error| SendError::Host(crate::error::chain_of(&error)))?;
        Ok(self.actors.listed(self.id, head.map_or(0, |head| head.seq), self.record()?))
    }

    /// The largest message taken, in bytes.
    ///
    /// # Errors
    /// As [`Actor::view`].
    pub fn max_message(&self) -> Result<u64, SendError> {
        match self.view() {
            Ok(view) => Ok(self.actors.core().max_message(&view.tip.rules)),
            // Its machine looks at the limit in any case.
            Err(SendError::Busy(_)) => Ok(self.actors.options().max_message),
            Err(error) => Err(error),
        }
    }

    /// How many messages wait.
    pub fn waiting(&self) -> u64 {
        self.actors.core().cell_in_memory(&self.id).map_or(0, |cell| cell.waiting() as u64)
    }

    /// Sees when the chain grows.
    pub fn watch(&self, seq: u64) -> Watch {
        self.actors.watch(self.id, seq)
    }

    /// Sends a message and waits until its outcome is durable.
    ///
    /// Dropping the future does not take the message back.
    ///
    /// # Errors
    /// [`SendError`]; only [`SendError::Failed`] left an entry, and [`SendError::OutcomeUnknown`] may have.
    pub async fn send(&self, from: Sender, message: Bytes) -> Result<Answer, SendError> {
        self.post(from, message)?.await.unwrap_or(Err(SendError::Stopped))
    }

    /// Sends a message and blocks this thread until its outcome is durable. Not for async code.
    ///
    /// # Errors
    /// As [`Actor::send`].
    pub fn send_blocking(&self, from: Sender, message: Bytes) -> Result<Answer, SendError> {
        let answer = self.post(from, message)?;
        self.actors.wait(answer)
    }

    /// As [`Actor::send`], as a part of a trace that began elsewhere.
    ///
    /// # Errors
    /// As [`Actor::send`].
    pub async fn send_traced(&self, from: Sender, message: Bytes, trace: Trace) -> Result<Answer, SendError> {
        self.post_traced(from, message, trace)?.await.unwrap_or(Err(SendError::Stopped))
    }

    /// Puts a message into the mailbox; its outcome comes through what is returned.
    ///
    /// # Errors
    /// [`SendError`] if it is not in.
    pub fn post(
        &self,
        from: Sender,
        message: Bytes,
    ) -> Result<oneshot::Receiver<Result<Answer, SendError>>, SendError> {
        self.post_traced(from, message, Trace::default())
    }

    fn post_traced(
        &self,
        from: Sender,
        message: Bytes,
        trace: Trace,
    ) -> Result<oneshot::Receiver<Result<Answer, SendError>>, SendError> {
        let core = self.actors.core();
        let size = message.len() as u64;
        // The common case needs no look at the actor's limits; the machine looks at them in any case.
        if size > core.options.max_message {
            let limit = self.max_message()?;
            if size > limit {
                return Err(SendError::TooLarge { size, limit });
            }
        }
        let (reply, answer) = oneshot::channel();
        let mut letter = Letter::from_caller(from, message, Some(reply));
        letter.trace = trace;
        core.post(&self.id, Job::Letter(letter))?;
        Ok(answer)
    }

    /// Ends the chain with a last entry.
    ///
    /// # Errors
    /// [`SendError`]; then it goes on.
    pub async fn stop(&self, reason: Text) -> Result<(), SendError> {
        self.order(|done| {
            let from = Sender::Http { key: None };
            Job::Stop(Box::new(StopOrder { from, reason, row: None, remove: false }), Some(done))
        })
        .await
    }

    /// Ends the chain if it goes on, gives up its name, and lists it no longer. Its history stays in the store.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn remove(&self, reason: Text) -> Result<(), SendError> {
        self.order(|done| {
            let from = Sender::Http { key: None };
            Job::Stop(Box::new(StopOrder { from, reason, row: None, remove: true }), Some(done))
        })
        .await
    }

    /// Keeps messages back from now on: other actors' wait, callers are turned away.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn pause(&self) -> Result<(), SendError> {
        self.order(|done| Job::Pause { pause: true, done: Some(done) }).await
    }

    /// Takes messages again.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn resume(&self) -> Result<(), SendError> {
        self.order(|done| Job::Pause { pause: false, done: Some(done) }).await
    }

    /// Goes on with other code or other rules; `code` is the component that `rules` name.
    ///
    /// # Errors
    /// [`SendError::NotCarriedOver`] if the state does not fit; then nothing is changed.
    pub async fn upgrade(&self, rules: Rules, code: Bytes) -> Result<Upgraded, SendError> {
        if let troupe_chain::Code::Component(name) = &rules.code {
            let kept = self.store().put_shared(name, &code);
            kept.map_err(|error| SendError::Host(crate::error::chain_of(&error)))?;
        }
        self.order(|done| Job::Upgrade(Box::new(UpgradeOrder { rules, code, done }))).await
    }

    /// Ends the chain, and lets a fork from its state at `seq` take its place and its name. Returns the fork's id.
    ///
    /// # Errors
    /// [`SendError::NoSuchSeq`] if there is no such state.
    pub async fn rewind(&self, seq: u64, reason: Text) -> Result<Hash, SendError> {
        self.order(|done| {
            let from = Sender::Http { key: None };
            let order = RewindOrder { to: RewindTo::Seq(seq), from, reason, failure: None };
            Job::Rewind(Box::new(order), Some(done))
        })
        .await
    }

    /// Begins another actor from this one's state at `seq`. This one goes on.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn fork(&self, seq: u64, nonce: Hash, name: Option<Text>) -> Result<Actor, SendError> {
        let core = self.actors.core();
        let host = |error: OpenError| SendError::Host(error.to_string());
        let last = self.view()?.tip.seq;
        let mut at = seq;
        let (entry, state) = loop {
            if at == 0 || seq > last {
                return Err(SendError::NoSuchSeq { seq, last });
            }
            let found =
                crate::open::entry_of(&*core.store, &self.id, at).map_err(|error| host(error.into()))?;
            let Some((entry, read)) = found else { return Err(SendError::NoSuchSeq { seq, last }) };
            match read.state() {
                Some(state) => break (entry, state),
                None => at -= 1,
            }
        };
        let genesis = genesis_of(&*core.store, &self.id).map_err(host)?;
        let rules = crate::open::rules_at(&*core.store, &self.id, at, &genesis).map_err(host)?;
        let from = Fork { chain: self.id, entry, seq: at, state };
        let mut fork = fork_genesis(&rules, from, entry, &genesis);
        fork.nonce = nonce;
        // Nobody's spawn asked for this one.
        fork.started_by = None;
        let supervision = self.record()?.supervision();
        self.actors.start(NewActor { genesis: fork, code: None, config: None, name, supervision }).await
    }

    async fn order<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, SendError>>) -> Job,
    ) -> Result<T, SendError> {
        let (done, answer) = oneshot::channel();
        self.actors.core().post(&self.id, job(done))?;
        answer.await.unwrap_or(Err(SendError::Stopped))
    }
}
