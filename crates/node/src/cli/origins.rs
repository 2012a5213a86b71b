//! `troupe verify` of a store with several actors: every chain, and whether each entry comes from where it says.
//!
//! Invariant: entries are looked up in chains that were verified, and in no others.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use troupe_chain::{Entries, Entry, Hash, History, NotVerified, Origin, Unreadable, check_origin};
use troupe_runtime::StoreHistory;
use troupe_store::Store;

use super::failure::{Done, Failure};
use super::place::history_of;
use super::screen::{BAD, BOLD, DIM, GOOD, Screen, WARN, count, plural, rate, short};
use super::verify::{self, Replayed};

/// The most false origins that are shown to a person.
const MAX_SHOWN: usize = 20;

/// Chains of a store that were verified, and up to where.
pub(super) struct Verified<'a> {
    store: &'a dyn Store,
    chains: BTreeMap<Hash, u64>,
}

/// What became of the question where entries come from.
#[derive(Debug, Default)]
pub(super) struct Origins {
    pub(super) resolved: u64,
    pub(super) nobody: u64,
    pub(super) not_at_hand: u64,
    /// The chain, the position, and why.
    pub(super) wrong: Vec<(Hash, u64, String)>,
}

impl Entries for Verified<'_> {
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable> {
        let found = self.store.find(chain, name).map_err(|error| Unreadable(error.to_string()))?;
        let Some(seq) = found else { return Ok(None) };
        let at = self.at(chain, seq)?;
        Ok(at.filter(|(found, _)| found == name).map(|(_, entry)| entry))
    }

    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        if self.chains.get(chain).is_none_or(|last| seq > *last) {
            return Ok(None);
        }
        let bytes = self.store.entry(chain, seq).map_err(|error| Unreadable(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let entry = Entry::decode(&bytes).map_err(|error| Unreadable(error.to_string()))?;
        Ok(Some((Hash::of(&bytes), entry)))
    }
}

impl<'a> Verified<'a> {
    pub(super) fn new(store: &'a dyn Store, chains: impl IntoIterator<Item = (Hash, u64)>) -> Self {
        Self { store, chains: chains.into_iter().collect() }
    }

    /// Asks every entry of the chains where it comes from.
    pub(super) fn origins(&self) -> Result<Origins, Failure> {
        let mut origins = Origins::default();
        for (chain, last) in &self.chains {
            for seq in 0..=*last {
                let (_, entry) = self
                    .at(chain, seq)
                    .map_err(Failure::cannot)?
                    .ok_or_else(|| Failure::cannot(format_args!("the store has no entry at seq {seq}")))?;
                match check_origin(chain, &entry, self) {
                    Origin::Resolved => origins.resolved += 1,
                    Origin::Nobody => origins.nobody += 1,
                    Origin::NotAtHand => origins.not_at_hand += 1,
                    Origin::False(why) => origins.wrong.push((*chain, seq, why)),
                }
            }
        }
        Ok(origins)
    }
}

impl Origins {
    pub(super) fn to_json(&self) -> Value {
        let wrong = self
            .wrong
            .iter()
            .map(|(chain, seq, why)| json!({ "chain": chain.to_string(), "seq": seq, "reason": why }));
        json!({
            "resolved": self.resolved, "nobody": self.nobody, "not_at_hand": self.not_at_hand,
            "false": wrong.collect::<Vec<_>>(),
        })
    }

    pub(super) fn print(&self, screen: &Screen) -> std::io::Result<()> {
        let Self { resolved, nobody, not_at_hand, wrong } = self;
        let asked = resolved + not_at_hand + wrong.len() as u64;
        screen.field(
            "origins",
            format_args!(
                "{} resolved of {}, {} from outside",
                count(*resolved),
                count(asked),
                count(*nobody)
            ),
        )?;
        if *not_at_hand > 0 {
            let text = plural(*not_at_hand, "origin");
            screen.field("", format_args!("{WARN}{text} not at hand{WARN:#}: other chains would tell"))?;
        }
        for (chain, seq, why) in wrong.iter().take(MAX_SHOWN) {
            screen.field("", format_args!("{BAD}FALSE{BAD:#} {} seq {seq}: {why}", short(chain)))?;
        }
        if wrong.len() > MAX_SHOWN {
            screen.field("", format_args!("{BAD}and {} more{BAD:#}", wrong.len() - MAX_SHOWN))?;
        }
        Ok(())
    }
}

/// What the verification of one chain of several came to.
struct One {
    history: StoreHistory,
    result: Result<Option<Replayed>, NotVerified>,
}

impl One {
    /// How many entries could not be replayed, since what they need was redacted.
    fn not_replayed(&self) -> u64 {
        self.result.as_ref().ok().and_then(Option::as_ref).map_or(0, |replayed| replayed.report.not_replayed)
    }
}

/// Verifies every chain of a store, and where its entries come from.
pub(super) fn verify_store(
    screen: &Screen,
    place: &Path,
    store: &Arc<dyn Store>,
    (links_only, accept_redacted): (bool, bool),
) -> Done {
    let started = Instant::now();
    let machines = verify::machines(screen);
    let mut all = Vec::new();
    for (chain, _) in store.chains()? {
        let history = history_of(store, &chain)?;
        let result = if links_only {
            troupe_chain::check_links(&history).map(|_| None)
        } else {
            verify::replay(screen, &machines, &history, history.seq()).map(Some)
        };
        all.push(One { history, result });
    }
    let fine = all.iter().filter(|one| one.result.is_ok());
    let verified = Verified::new(&**store, fine.map(|one| (one.history.chain(), one.history.seq())));
    let origins = verified.origins()?;
    let is_false = !origins.wrong.is_empty()
        || all.iter().any(|one| one.result.as_ref().is_err_and(NotVerified::is_false));
    let cannot = all.iter().any(|one| one.result.is_err() || (!accept_redacted && one.not_replayed() > 0));
    let names: BTreeMap<_, _> =
        troupe_runtime::stored_names(&**store)?.into_iter().map(|(name, chain)| (chain, name)).collect();
    if screen.json {
        print_json(screen, &all, &names, &origins, (is_false, cannot), started)?;
    } else {
        print(screen, place, &all, &names, &origins, (is_false, cannot), started)?;
    }
    match (is_false, cannot) {
        (true, _) => Err(Failure::said(1)),
        (false, true) => Err(Failure::said(2)),
        (false, false) => Ok(()),
    }
}

fn print(
    screen: &Screen,
    place: &Path,
    all: &[One],
    names: &BTreeMap<Hash, String>,
    origins: &Origins,
    (is_false, cannot): (bool, bool),
    started: Instant,
) -> Done {
    let place = place.display();
    let chains = plural(all.len() as u64, "chain");
    let (style, word) = match (is_false, cannot) {
        (true, _) => (BAD, "FALSE"),
        (false, true) => (WARN, "not checked"),
        (false, false) => (GOOD, "verified"),
    };
    screen.line(format_args!("{style}{word}{style:#} {BOLD}{place}{BOLD:#}: {chains}"))?;
    let width = names.values().map(|name| name.chars().count()).max().unwrap_or_default().max(1);
    let mut messages = 0;
    for one in all {
        let One { history, result } = one;
        let name = names.get(&history.chain()).map_or("-", String::as_str);
        let head = short(history.head());
        let what = match result {
            Ok(replayed) => {
                let report = replayed.as_ref().map(|replayed| &replayed.report);
                messages += report.map_or(0, |report| report.messages + report.failures);
                let to = format!("{} to {head}", verify::entries(history.seq() + 1));
                match one.not_replayed() {
                    0 => format!("{GOOD}ok{GOOD:#}    {to}"),
                    count => {
                        let count = verify::entries(count);
                        format!(
                            "{WARN}but{WARN:#}   {to}; {count} not replayed, since what they need was redacted"
                        )
                    }
                }
            }
            Err(error) if error.is_false() => format!("{BAD}FALSE{BAD:#} {error}"),
            Err(error) => format!("{WARN}?{WARN:#}     {error}"),
        };
        screen.line(format_args!("  {name:<width$}  {DIM}{}{DIM:#}  {what}", short(history.chain())))?;
    }
    origins.print(screen)?;
    let seconds = started.elapsed().as_secs_f64();
    let speed = rate(messages, seconds);
    Ok(screen.field("checked", format_args!("{} in {seconds:.2} s, {speed}", plural(messages, "message")))?)
}

fn print_json(
    screen: &Screen,
    all: &[One],
    names: &BTreeMap<Hash, String>,
    origins: &Origins,
    (is_false, cannot): (bool, bool),
    started: Instant,
) -> Done {
    let chains = all.iter().map(|one| {
        let One { history, result } = one;
        let verified = match result {
            Ok(_) => json!(true),
            Err(error) if error.is_false() => json!(false),
            Err(_) => Value::Null,
        };
        json!({
            "chain": history.chain().to_string(), "name": names.get(&history.chain()),
            "head": history.head().to_string(), "seq": history.seq(), "verified": verified,
            "not_replayed": one.not_replayed(), "reason": result.as_ref().err().map(ToString::to_string),
        })
    });
    let verified = match (is_false, cannot) {
        (true, _) => json!(false),
        (false, true) => Value::Null,
        (false, false) => json!(true),
    };
    Ok(screen.json(&json!({
        "verified": verified, "chains": chains.collect::<Vec<_>>(), "origins": origins.to_json(),
        "seconds": started.elapsed().as_secs_f64(),
    }))?)
}
