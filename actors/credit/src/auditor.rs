//! The auditor: follows what the clearing house says it paid, and adds up for itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::{From, Incoming, Message, Paid, Step, check_amount, check_name, decode};

/// The most names that are followed; the clearing house has as many members.
const NAMES: usize = 1000;

/// The state of the auditor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auditor {
    /// The clearing house's id: whoever reported first.
    clearing: Option<String>,
    count: u64,
    volume: u64,
    /// What the reports come to, by name.
    balances: BTreeMap<String, i64>,
}

impl Auditor {
    /// Takes a message.
    pub(crate) fn step(&mut self, incoming: &Incoming<'_>) -> Result<Step, String> {
        let From::Actor(chain) = &incoming.from else { return Err("only the clearing house reports".into()) };
        if self.clearing.as_ref().is_some_and(|clearing| clearing != chain) {
            return Err("another clearing house reports here".into());
        }
        let Message::Paid(paid) = decode("a report", incoming.bytes)? else {
            return Err("the clearing house may report, and nothing else".into());
        };
        let Paid { from, to, amount, balances } = paid;
        check_name("from", &from)?;
        check_name("to", &to)?;
        check_amount("amount", amount, 1)?;
        if from == to {
            return Err("payer and receiver are the same".into());
        }
        let balance = |name: &str| self.balances.get(name).copied().unwrap_or(0);
        let found = (balance(&from).saturating_sub(amount), balance(&to).saturating_add(amount));
        if found != balances {
            return Err(format!("the balances are {found:?} here, and {balances:?} as reported"));
        }
        self.clearing = Some(chain.clone());
        self.balances.insert(from, found.0);
        self.balances.insert(to, found.1);
        if self.balances.len() > NAMES {
            return Err(format!("more than {NAMES} names"));
        }
        self.count += 1;
        self.volume = self.volume.checked_add(amount.unsigned_abs()).ok_or("the volume is too large")?;
        Ok(Step::default())
    }

    /// Whether an auditor may be like this: all of it is nothing.
    pub(crate) fn check(&self) -> Result<(), String> {
        if (self.count == 0) != (self.volume == 0) || self.volume < self.count {
            return Err("count and volume do not fit".into());
        }
        let sum: i128 = self.balances.values().map(|balance| i128::from(*balance)).sum();
        if sum == 0 { Ok(()) } else { Err(format!("the balances add up to {sum}, not to 0")) }
    }
}
