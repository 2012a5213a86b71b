//! What must hold at the end of every simulation.

use std::collections::BTreeSet;
use std::sync::Arc;

use troupe_chain::{Entries, Entry, Hash, Origin, Unreadable, check_origin};
use troupe_runtime::{Actors, StoreHistory};
use troupe_store::Store;

use crate::account::{Balance, Bank};

/// Checks every chain, and where each of its entries comes from; returns a name for all of them together.
pub(crate) fn chains(store: &Arc<dyn Store>, bank: &Bank) -> Result<Hash, String> {
    let mut heads = Vec::new();
    for (chain, head) in store.chains().map_err(|error| error.to_string())? {
        heads.extend_from_slice(chain.as_bytes());
        heads.extend_from_slice(head.entry.as_bytes());
        let history = StoreHistory::new(Arc::clone(store), chain).map_err(|error| error.to_string())?;
        let history = history.ok_or("a chain is gone")?;
        troupe_chain::verify(&history, bank, |_| {}).map_err(|error| format!("{chain}: {error}"))?;
        for seq in 0..=head.seq {
            let (_, entry) =
                Known(&**store).at(&chain, seq).map_err(|error| error.to_string())?.ok_or("gone")?;
            match check_origin(&chain, &entry, &Known(&**store)) {
                Origin::Resolved | Origin::Nobody => {}
                other => return Err(format!("{chain} at seq {seq}: {other:?}")),
            }
        }
    }
    Ok(Hash::of(&heads))
}

/// Checks that no money was made or lost, and that each payment was taken or came back, once; returns how many were.
pub(crate) fn money(actors: &Actors, names: &[String], total: u64) -> Result<(u64, u64), String> {
    let mut balances = Vec::new();
    for name in names {
        let view = actors.find(name).and_then(|actor| actor.view()).map_err(|error| error.to_string())?;
        balances.push(Balance::read(&view.state).ok_or("no account")?);
    }
    let money: u64 = balances.iter().map(|balance| balance.money).sum();
    let mut taken = BTreeSet::new();
    for number in balances.iter().flat_map(|balance| &balance.taken) {
        if !taken.insert(*number) {
            return Err(format!("payment {number} was taken twice"));
        }
    }
    for (name, balance) in names.iter().zip(&balances) {
        for number in &balance.begun {
            let (was_taken, came_back) = (taken.contains(number), balance.returned.contains(number));
            if was_taken == came_back {
                return Err(format!("payment {number} of {name}: taken {was_taken}, back {came_back}"));
            }
        }
        if let Some(sent) = balance.sent.values().find(|sent| sent.how != "give") {
            return Err(format!("{name} still waits for {sent:?}"));
        }
    }
    if money != total {
        return Err(format!("there is {money}, but there was {total}"));
    }
    let returned = balances.iter().map(|balance| balance.returned.len() as u64).sum();
    Ok((taken.len() as u64, returned))
}

/// Checks that nothing is under way.
pub(crate) fn rows(store: &dyn Store) -> Result<(), String> {
    for kind in [b'o', b'r', b'q', b't', b'p'] {
        let rows = store.rows(&[kind], None, 10).map_err(|error| error.to_string())?;
        if let Some((key, value)) = rows.first() {
            return Err(format!("a row is left: {}: {}", key.escape_ascii(), value.escape_ascii()));
        }
    }
    Ok(())
}

struct Known<'a>(&'a dyn Store);

impl Entries for Known<'_> {
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable> {
        let seq = self.0.find(chain, name).map_err(|error| Unreadable(error.to_string()))?;
        let Some(seq) = seq else { return Ok(None) };
        Ok(self.at(chain, seq)?.map(|(_, entry)| entry))
    }

    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        let unreadable = |error: String| Unreadable(error);
        let Some(bytes) = self.0.entry(chain, seq).map_err(|error| unreadable(error.to_string()))? else {
            return Ok(None);
        };
        let entry = Entry::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some((Hash::of(&bytes), entry)))
    }
}
