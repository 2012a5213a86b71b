//! What one actor tells another about an effect of that one: replies, and what became of requests and of children.
//!
//! Invariant: each has a row that is made with the entry it follows from, and removed with the entry that it leads to.

use bytes::Bytes;
use troupe_chain::{Body, Hash, Linked, Notice, Sender};
use troupe_store::{Row, StoreError};

use crate::batch::{After, Batch};
use crate::core::Core;
use crate::effects::{REPLY, TO_PARENT};
use crate::job::{Job, Letter, Own, Settle};
use crate::rows::{ANSWER, Answering, REQUEST, Record, effect_key, number, put};
use crate::trace::Trace;

impl Core {
    /// Brings the reply to whoever sent a request.
    pub(crate) fn reply_to(
        &self,
        batch: &mut Batch,
        letter: &Letter,
        linked: &Linked,
        reply: Option<&Bytes>,
        after: &mut Vec<After>,
    ) {
        let about = reply.is_none().then_some(Notice::NoReply);
        self.answer(batch, letter, linked, about, reply.cloned().unwrap_or_default(), "", after);
    }

    /// Tells whoever sent a request that it failed.
    pub(crate) fn fail_to(
        &self,
        batch: &mut Batch,
        letter: &Letter,
        linked: &Linked,
        reason: &str,
        after: &mut Vec<After>,
    ) {
        self.answer(batch, letter, linked, Some(Notice::Failed), Bytes::new(), reason, after);
    }

    #[allow(clippy::too_many_arguments, reason = "all of it is of one answer")]
    fn answer(
        &self,
        batch: &mut Batch,
        letter: &Letter,
        linked: &Linked,
        about: Option<Notice>,
        reply: Bytes,
        reason: &str,
        after: &mut Vec<After>,
    ) {
        let Settle::Delivery(delivery) = &letter.settle else { return };
        if delivery.reply_by.is_none() {
            return;
        }
        let chain = batch.append.chain;
        let answering = Answering::new(delivery.sender, delivery.of, about);
        let key = effect_key(ANSWER, &chain, linked.entry.seq, REPLY);
        batch.push_rows([put(key.clone(), &answering)]);
        let trace = self.trace_of(letter, linked);
        let (to, mut letter) = bring(key, &answering, chain, linked.name, reply, reason);
        letter.trace = trace;
        after.push(After::Post(to, Job::Letter(letter)));
    }

    /// Tells a parent what became of its child.
    pub(crate) fn tell_parent(
        &self,
        record: &Record,
        batch: &mut Batch,
        (seq, entry): (u64, Hash),
        about: Notice,
        reason: &str,
        after: &mut Vec<After>,
    ) {
        self.tell_about(record, batch, (seq, entry, TO_PARENT), about, reason, after);
    }

    /// Tells a parent what became of its child, under a number that the entry has for it.
    pub(crate) fn tell_about(
        &self,
        record: &Record,
        batch: &mut Batch,
        (seq, entry, n): (u64, Hash, u32),
        about: Notice,
        reason: &str,
        after: &mut Vec<After>,
    ) {
        let Some((parent, of)) = record.parent() else { return };
        let chain = batch.append.chain;
        let answering = Answering::new(parent, of, Some(about));
        let key = effect_key(ANSWER, &chain, seq, n);
        batch.push_rows([put(key.clone(), &answering)]);
        let (to, letter) = bring(key, &answering, chain, entry, Bytes::new(), reason);
        after.push(After::Post(to, Job::Letter(letter)));
    }

    /// Makes the letters again that a row says are under way.
    pub(crate) fn resume_answer(
        &self,
        key: &[u8],
        answering: &Answering,
    ) -> Result<Option<After>, StoreError> {
        let Some((chain, seq, _)) = crate::rows::read_effect_key(key) else { return Ok(None) };
        let Some((entry, read)) = crate::open::entry_of(&*self.store, &chain, seq)? else { return Ok(None) };
        let reply = match (&read.body, answering.about()) {
            (Body::Message(message), None) => match &message.reply {
                Some(name) => self.store.blob(&chain, name)?.unwrap_or_default(),
                None => Bytes::new(),
            },
            _ => Bytes::new(),
        };
        let (to, letter) = bring(Bytes::copy_from_slice(key), answering, chain, entry, reply, "");
        Ok(Some(After::Post(to, Job::Letter(letter))))
    }
}

/// The letter that brings a reply or a notice of another actor, and whom to.
pub(crate) fn bring(
    key: Bytes,
    answering: &Answering,
    chain: Hash,
    entry: Hash,
    reply: Bytes,
    reason: &str,
) -> (Hash, Letter) {
    let to = Hash::from_bytes(answering.to);
    let of = answering.of();
    let is_request = effect_number(&key) == Some(REPLY);
    let mut own = Own { needs: Some(key.clone()), rows: vec![Row::remove(key)] };
    if is_request {
        let open = effect_key(REQUEST, &to, of.seq, number(of.n));
        own.rows.push(Row::remove(open.clone()));
        own.needs = Some(open);
    }
    let letter = match answering.about() {
        Some(about) => Letter::notice(of, about, (Some(chain), Some(entry)), reason, own),
        None => Letter {
            from: Sender::Reply { to: of, chain, entry },
            message: reply,
            settle: Settle::Own(own),
            attempts: 0,
            trace: Trace::default(),
        },
    };
    (to, letter)
}

fn effect_number(key: &[u8]) -> Option<u32> {
    crate::rows::read_effect_key(key).map(|(_, _, n)| n)
}
