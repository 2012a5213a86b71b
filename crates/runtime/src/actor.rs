//! A running actor as its users see it: send a message, read what is committed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe_chain::{Hash, Machine, Sender};
use troupe_store::Store;

use crate::sequencer::{Job, Sequencer};
use crate::shared::Shared;
use crate::{Answer, Metrics, OpenError, Options, SendError, View};

/// A running actor. Cheap to clone; it stops when [`Actor::stop`] is called or the last clone is dropped.
#[derive(Clone)]
pub struct Actor {
    mailbox: SyncSender<Job>,
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    max_message: u64,
    store: Arc<dyn Store>,
}

impl Actor {
    /// Starts the sequencer's thread of a chain that ends in `view`.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        machine: Arc<dyn Machine>,
        view: View,
        options: Options,
    ) -> Result<Self, OpenError> {
        let (mailbox, jobs) = sync_channel(options.mailbox);
        let max_message = options.max_message;
        let shared = Arc::new(Shared {
            view: RwLock::new(Arc::new(view)),
            generation: AtomicU64::new(0),
            metrics: Metrics::default(),
            waiting: AtomicU64::new(0),
        });
        let sequencer = Sequencer::new(Arc::clone(&store), machine, Arc::clone(&shared), options)?;
        let thread = std::thread::Builder::new()
            .name("troupe-actor".into())
            // The guest's stack limit is at most 1 MiB; the host's own frames need far less than the rest.
            .stack_size(4 << 20)
            .spawn(move || sequencer.run(&jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self { mailbox, shared, thread: Arc::new(Mutex::new(Some(thread))), max_message, store })
    }

    /// The actor's id: the name of its genesis.
    pub fn id(&self) -> Hash {
        self.view().tip.chain
    }

    /// What is committed now.
    pub fn view(&self) -> Arc<View> {
        self.shared.view()
    }

    /// What the actor has done since it was opened.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// How many messages wait.
    pub fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// The largest message taken, in bytes.
    pub fn max_message(&self) -> u64 {
        self.max_message
    }

    /// The store that keeps the chain.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Sends a message and waits until its outcome is durable.
    ///
    /// Dropping the future does not take the message back.
    ///
    /// # Errors
    /// [`SendError`]; only [`SendError::Failed`] left an entry, and [`SendError::OutcomeUnknown`] may have.
    pub async fn send(&self, from: Sender, message: Bytes) -> Result<Answer, SendError> {
        let answer = self.post(from, message)?;
        answer.await.unwrap_or(Err(SendError::Stopped))
    }

    /// Sends a message and blocks this thread until its outcome is durable. Not for async code.
    ///
    /// # Errors
    /// As [`Actor::send`].
    pub fn send_blocking(&self, from: Sender, message: Bytes) -> Result<Answer, SendError> {
        self.post(from, message)?.blocking_recv().unwrap_or(Err(SendError::Stopped))
    }

    fn post(
        &self,
        from: Sender,
        message: Bytes,
    ) -> Result<oneshot::Receiver<Result<Answer, SendError>>, SendError> {
        let size = message.len() as u64;
        if size > self.max_message {
            return Err(SendError::TooLarge { size, limit: self.max_message });
        }
        let (reply, answer) = oneshot::channel();
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        self.mailbox.try_send(Job::Message { from, message, reply }).map_err(|error| {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    Metrics::add(&self.shared.metrics.busy, 1);
                    SendError::Busy("the mailbox is full".into())
                }
                TrySendError::Disconnected(_) => SendError::Stopped,
            }
        })?;
        Ok(answer)
    }

    /// Handles what is already in the mailbox, commits it, and ends the sequencer's thread.
    pub fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Fails only if the thread has ended by itself.
            let _ = self.mailbox.send(Job::Stop);
            let _ = thread.join();
        }
    }
}
