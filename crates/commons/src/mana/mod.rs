//! Mana: accounts in double entry, regeneration, fees, and transfers.
//!
//! Every change takes an amount from one account and adds it to another. Where mana comes from is an account too,
//! [`Owner::Issuance`], whose balance is the negative of what it has issued; so the sum of all is zero, always.
//! Invariant: no account but issuance is below zero, and nothing outside of this folder writes one.

mod hold;
mod regeneration;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use troupe_chain::{Hash, MAX_INTEGER};

pub use hold::{Arbiter, Hold};
pub(crate) use hold::{lapse, place, settle, void};
pub use regeneration::{DAY, Rates, Segment, regenerate};

use crate::canonical::Id;
use crate::parameters::{Parameter, REPUTATION_DISCOUNT};
use crate::refusal::{Code, Refusal, refuse};
use crate::reputation;
use crate::state::{Mana, Millionths, Millis, Record, State, WHOLE, key};

/// The largest discount for reputation.
pub const MAX_DISCOUNT: Millionths = 300_000;

/// Not the name of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account is `member-ID`, `budget-ID`, `fees`, `escrow` or `issuance`")]
pub struct NotAnOwner;

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A member's.
    Member(Id),
    /// What governance granted to a member to credit to others.
    Budget(Id),
    /// What was paid to the commons itself.
    Fees,
    /// What is held.
    Escrow,
    /// Where mana comes from.
    Issuance,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => write!(f, "member-{id}"),
            Self::Budget(id) => write!(f, "budget-{id}"),
            Self::Fees => f.write_str("fees"),
            Self::Escrow => f.write_str("escrow"),
            Self::Issuance => f.write_str("issuance"),
        }
    }
}

impl FromStr for Owner {
    type Err = NotAnOwner;

    fn from_str(text: &str) -> Result<Self, NotAnOwner> {
        let id = |id: &str| Hash::from_hex(id.as_bytes()).map(Id).ok_or(NotAnOwner);
        match (text, text.split_once('-')) {
            ("fees", _) => Ok(Self::Fees),
            ("escrow", _) => Ok(Self::Escrow),
            ("issuance", _) => Ok(Self::Issuance),
            (_, Some(("member", member))) => id(member).map(Self::Member),
            (_, Some(("budget", member))) => id(member).map(Self::Budget),
            _ => Err(NotAnOwner),
        }
    }
}

/// An account as it was when something last touched it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What is on it; of issuance, what it has given.
    pub balance: Mana,
    /// What has regenerated beyond whole mana, in parts of which a whole has [`DAY`].
    pub rest: u64,
    /// Until when it has regenerated; absent while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
}

impl Record for Account {
    const SECTION: &'static str = "account";
}

impl Account {
    /// The key of an account in the map.
    pub fn key(owner: Owner) -> String {
        key::<Self>(owner)
    }
}

/// The account as it was when something last touched it; `None` if nothing ever did.
pub fn record(state: &State, owner: Owner) -> Option<Account> {
    state.get(owner)
}

/// The account as it is at a time.
pub fn account(state: &State, owner: Owner, at: Millis) -> Account {
    let account: Account = state.get(owner).unwrap_or_default();
    match account.since {
        Some(since) if since < at => regenerate(account, at, &Rates::of(state, since, at)),
        _ => account,
    }
}

/// Every account as it was last touched, with the rest of its key: for views and for checking the sum.
pub fn accounts(state: &State) -> Vec<(String, Account)> {
    state.all()
}

/// The first accounts after one, as they were last touched, in the order of the rest of their keys.
pub fn page(state: &State, after: Option<&str>, limit: usize) -> Vec<(String, Account)> {
    state.page("", after, limit)
}

/// A hold.
pub fn hold(state: &State, id: Id) -> Option<Hold> {
    state.get(id)
}

/// The first holds after an id, in the order of their ids.
pub fn page_of_holds(state: &State, after: Option<&str>, limit: usize) -> Vec<(String, Hold)> {
    state.page("", after, limit)
}

/// The account at a time, with what has regenerated moved from issuance.
fn touched(state: &mut State, owner: Owner, at: Millis) -> Account {
    let before: Account = state.get(owner).unwrap_or_default();
    let mut now = account(state, owner, at);
    let mut issuance: Account = state.get(Owner::Issuance).unwrap_or_default();
    let gained = (now.balance - before.balance).min(MAX_INTEGER - issuance.balance);
    now.balance = before.balance + gained;
    if gained > 0 {
        issuance.balance += gained;
        state.put(Owner::Issuance, &issuance);
    }
    now
}

/// Moves an amount from one account to another.
pub(crate) fn transfer(
    state: &mut State,
    at: Millis,
    (from, to): (Owner, Owner),
    amount: Mana,
) -> Result<(), Refusal> {
    if from == to || amount == 0 {
        return Ok(());
    }
    let mut source =
        if from == Owner::Issuance { state.get(from).unwrap_or_default() } else { touched(state, from, at) };
    if from == Owner::Issuance {
        match source.balance.checked_add(amount).filter(|issued| *issued <= MAX_INTEGER) {
            Some(issued) => source.balance = issued,
            None => return refuse(Code::Bounds, "there cannot be as much mana as that"),
        }
    } else {
        match source.balance.checked_sub(amount) {
            Some(left) => source.balance = left,
            None => {
                return refuse(
                    Code::Mana,
                    format!("{amount} mana is needed, and there is {}", source.balance),
                );
            }
        }
    }
    state.put(from, &source);
    let mut target = touched(state, to, at);
    // No more is on all accounts together than was issued, and that fits.
    target.balance = target.balance.saturating_add(amount);
    state.put(to, &target);
    Ok(())
}

/// Lets a member's account regenerate from now on, or no longer.
pub(crate) fn set_regenerating(state: &mut State, member: Id, at: Millis, on: bool) {
    let owner = Owner::Member(member);
    let mut account = touched(state, owner, at);
    account.since = on.then_some(at);
    state.put(owner, &account);
}

/// Takes a fee from a member, less the discount for their reputation.
pub(crate) fn charge(state: &mut State, member: Id, at: Millis, fee: &Parameter) -> Result<(), Refusal> {
    let cost = fee.at(state, at);
    if cost == 0 {
        return Ok(());
    }
    let each = REPUTATION_DISCOUNT.at(state, at);
    let price = price_by_reputation(cost, reputation::score(state, member, at), each);
    transfer(state, at, (Owner::Member(member), Owner::Fees), price)
}

/// What something costs whoever has a reputation: `each` millionths less for a point, at most [`MAX_DISCOUNT`], rounded up,
/// and never below 1.
pub fn price_by_reputation(cost: Mana, reputation: u64, each: Millionths) -> Mana {
    let discount = reputation.saturating_mul(each).min(MAX_DISCOUNT);
    let price = (u128::from(cost) * u128::from(WHOLE - discount)).div_ceil(u128::from(WHOLE));
    u64::try_from(price).unwrap_or(u64::MAX).max(1)
}
