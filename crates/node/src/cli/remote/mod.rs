//! The history that a node hands out over HTTP: entries fetched once, several pages at a time, and then read from memory;
//! blobs as they are asked for, by several threads at once.
//!
//! Nothing in it is trusted: it is for `verify` to say whether it is a chain.

mod blobs;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use indicatif::ProgressBar;
use troupe_api::{Client, ClientError, ErrorCode, Info};
use troupe_chain::{Hash, History, Redaction, Unreadable};

use self::blobs::Blobs;
use super::failure::Failure;
use super::node::explain;
use super::progress;
use super::screen::Screen;
use super::verify::KeptEntries;

/// Entries asked for at once.
const PAGE: u64 = 10_000;
/// Pages asked for at a time.
const PAGES_AT_ONCE: u64 = 4;
/// How often a connection may break in a row.
const MAX_BROKEN: u32 = 5;
/// How long to wait after the first time; each time it is twice as long.
const BROKEN_PAUSE: Duration = Duration::from_millis(100);
/// How often a node may say in a row that it was asked too often.
const MAX_TOO_MANY: u32 = 60;
/// How long to wait then.
const TOO_MANY_PAUSE: Duration = Duration::from_secs(1);

/// A chain at a running node, up to the head that it had when this was made.
pub(super) struct Remote {
    client: Client,
    chain: Hash,
    head: Hash,
    seq: u64,
    has_ended: bool,
    entries: Mutex<Vec<Bytes>>,
    kept: Mutex<Option<KeptEntries>>,
    blobs: Blobs,
    screen: Screen,
}

impl Remote {
    pub(super) fn new(client: Client, screen: &Screen) -> Result<Self, Failure> {
        let info = client.info().map_err(|error| explain_root(&client, &error))?;
        Self::at(client, &info, screen)
    }

    /// The chain of an actor that was looked up already.
    pub(super) fn at(client: Client, info: &Info, screen: &Screen) -> Result<Self, Failure> {
        let (chain, head) = (info.actor.parse(), info.head.parse());
        Ok(Self {
            client,
            chain: chain.map_err(Failure::cannot)?,
            head: head.map_err(Failure::cannot)?,
            seq: info.seq,
            has_ended: has_ended(info),
            entries: Mutex::default(),
            kept: Mutex::default(),
            blobs: Blobs::default(),
            screen: *screen,
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// The chain's id.
    pub(super) fn chain(&self) -> Hash {
        self.chain
    }

    /// The client of the chain's own log: at the root of a node with one actor stands the node's.
    pub(super) fn log(&self) -> Client {
        match self.client.url().contains("/actors/") {
            true => self.client.clone(),
            false => self.client.actor(&self.chain.to_string()),
        }
    }

    /// Whether the node says that it takes no more messages for good.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Asks where the chain ends now.
    pub(super) fn refresh(&mut self) -> Result<(), Failure> {
        let info = self.client.info().map_err(|error| explain(&error))?;
        self.head = info.head.parse().map_err(Failure::cannot)?;
        (self.seq, self.has_ended) = (info.seq, has_ended(&info));
        Ok(())
    }

    /// The name of the entry that the node has at a position; `None` if it has none.
    pub(super) fn name_at(&self, seq: u64) -> Result<Option<Hash>, Failure> {
        let entry = self.client.entry(&seq.to_string()).map_err(|error| explain(&error))?;
        Ok(entry.map(|bytes| Hash::of(&bytes)))
    }

    /// Goes on from entries that were fetched before, and adds to them, if the node still has the last of them.
    pub(super) fn go_on(&self, mut kept: KeptEntries, mut entries: Vec<Bytes>) -> Result<(), Failure> {
        if let Some(last) = entries.last() {
            let seq = (entries.len() as u64 - 1).min(self.seq);
            let ours = if seq == entries.len() as u64 - 1 { Some(Hash::of(last)) } else { None };
            if ours.is_none() || self.name_at(seq)? != ours {
                entries.clear();
                kept.clear().map_err(Failure::cannot)?;
            }
        }
        *lock(&self.entries) = entries;
        *lock(&self.kept) = Some(kept);
        Ok(())
    }

    /// Entries from a position on, up to and with another.
    pub(super) fn range(&self, from: u64, to: u64) -> Result<Vec<Bytes>, Failure> {
        let mut all = Vec::new();
        self.fetch(from, to, |page| all.extend(page))?;
        Ok(all)
    }

    /// Fetches entries, and hands them out in order.
    fn fetch(&self, from: u64, to: u64, mut took: impl FnMut(Vec<Bytes>)) -> Result<(), Failure> {
        let bar = progress::bar(&self.screen, "fetching", Some((to + 1).saturating_sub(from)));
        let mut next = from;
        while next <= to {
            let pages = (0..PAGES_AT_ONCE).map(|page| next + page * PAGE).take_while(|first| *first <= to);
            let ranges: Vec<_> = pages.map(|first| (first, to.min(first + PAGE - 1))).collect();
            let fetched: Vec<_> = std::thread::scope(|scope| {
                let (bar, ranges) = (&bar, &ranges);
                let fetch = |range: &(u64, u64)| {
                    let (first, last) = *range;
                    scope.spawn(move || self.page(first, last, bar))
                };
                let threads: Vec<_> = ranges.iter().map(fetch).collect();
                let failed = |_| Err(Failure::cannot("a thread that fetched entries panicked"));
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
            });
            for page in fetched {
                let page = page?;
                next += page.len() as u64;
                took(page);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// All entries of a range; a node may give fewer at once.
    fn page(&self, from: u64, to: u64, bar: &ProgressBar) -> Result<Vec<Bytes>, Failure> {
        let mut all: Vec<Bytes> = Vec::new();
        while from + (all.len() as u64) <= to {
            let next = from + all.len() as u64;
            let page = patiently(|| self.client.entries(next, to - next + 1))?.entries;
            if page.is_empty() {
                let what = format!(
                    "{} says that its last entry is at {}, but gave none at {next}",
                    self.client.url(),
                    self.seq
                );
                return Err(Failure::cannot(what));
            }
            bar.inc(page.len() as u64);
            let wanted = usize::try_from(to - next + 1).unwrap_or(usize::MAX);
            all.extend(page.into_iter().take(wanted).map(Bytes::from));
        }
        Ok(all)
    }

    /// All entries, fetched the first time.
    fn all(&self) -> Result<Vec<Bytes>, Unreadable> {
        let mut entries = lock(&self.entries);
        let next = entries.len() as u64;
        if next <= self.seq {
            let mut kept = lock(&self.kept);
            let fetched = self.fetch(next, self.seq, |page| {
                // A disk that is full costs the next run its time, and nothing else.
                if kept.as_mut().is_some_and(|kept| kept.append(&page).is_err()) {
                    *kept = None;
                }
                entries.extend(page);
            });
            fetched.map_err(|failure| Unreadable(failure.to_string()))?;
        }
        Ok(entries.clone())
    }
}

/// Asks again where a connection broke, or the node says that it was asked too often.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, ClientError>) -> Result<T, ClientError> {
    let mut tries = 0;
    loop {
        let error = match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let pause = match &error {
            ClientError::Connection { .. } if tries < MAX_BROKEN => BROKEN_PAUSE * (1 << tries),
            ClientError::Problem(problem)
                if problem.code == ErrorCode::TooManyRequests && tries < MAX_TOO_MANY =>
            {
                TOO_MANY_PAUSE
            }
            _ => return Err(error),
        };
        std::thread::sleep(pause);
        tries += 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has_ended(info: &Info) -> bool {
    matches!(info.status.as_str(), "stopped" | "removed")
}

/// A node may have actors and none at its root.
fn explain_root(client: &Client, error: &ClientError) -> Failure {
    if let ClientError::Refused(_) = error {
        // Here an actor is wanted, by its URL: the client knows what to do.
        return match error.help() {
            Some(help) => Failure::cannot(error).help(help),
            None => Failure::cannot(error),
        };
    }
    let failure = explain(error);
    match error.problem() {
        Some(problem) if problem.code == ErrorCode::NotFound => {
            failure.help(format_args!("name an actor: --actor NAME, or {}/actors/NAME", client.url()))
        }
        _ => failure,
    }
}

impl History for Remote {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.head
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        let (entries, error) = match self.all() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        entries.into_iter().map(Ok).chain(error.map(Err))
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        self.blobs.get(&self.client, name, self.seq, || lock(&self.entries).clone())
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        Ok(if self.blob(name)?.is_some() { None } else { self.blobs.redaction(name) })
    }

    fn has_results(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_tried_again_and_a_refusal_is_not() {
        let broken = || ClientError::Connection { url: "u".into(), reason: "it broke".into() };
        let mut tries = 0;
        let answer = patiently(|| {
            tries += 1;
            if tries < 3 { Err(broken()) } else { Ok(tries) }
        });
        assert_eq!(answer.unwrap(), 3);
        let mut tries = 0;
        let refused = patiently(|| {
            tries += 1;
            Err::<(), _>(ClientError::Refused("u".into()))
        });
        assert!(refused.is_err());
        assert_eq!(tries, 1);
    }
}
