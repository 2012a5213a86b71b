//! The clearing house: balances and limits of the members, who are known by the ids of their chains.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::{
    Ask, Credit, From, Incoming, Join, MOST, Message, Order, Paid, Standing, Step, check_amount, check_name,
    decode, encode,
};

/// The most members.
const MEMBERS: usize = 1000;

/// The state of the clearing house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clearing {
    /// The auditor's address.
    auditor: String,
    /// The highest limit that a member may have.
    most: i64,
    transfers: u64,
    /// Messages that did not arrive.
    undelivered: u64,
    /// By name.
    members: BTreeMap<String, Account>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    chain: String,
    limit: i64,
    balance: i64,
}

impl Clearing {
    /// A clearing house without members.
    pub(crate) fn new(auditor: String, most: i64) -> Result<Self, String> {
        check_name("auditor", &auditor)?;
        check_amount("most", most, 0)?;
        Ok(Self { auditor, most, transfers: 0, undelivered: 0, members: BTreeMap::new() })
    }

    /// Takes a message.
    pub(crate) fn step(&mut self, incoming: &Incoming<'_>) -> Result<Step, String> {
        match &incoming.from {
            From::Actor(chain) => match decode("what a member asks", incoming.bytes)? {
                Message::Join(join) => self.join(incoming.seq, chain, join),
                Message::Transfer(order) => self.transfer(incoming.seq, chain, &order),
                _ => Err("a member may join, and transfer".into()),
            },
            From::Notice(..) => {
                self.undelivered += 1;
                Ok(Step::default())
            }
            _ => Err("only members are served".into()),
        }
    }

    fn join(&mut self, seq: u64, chain: &str, Join { name, limit }: Join) -> Result<Step, String> {
        check_name("name", &name)?;
        check_amount("limit", limit, 0)?;
        if limit > self.most {
            return Err(format!("the limit {limit} is above {}", self.most));
        }
        if self.members.len() == MEMBERS {
            return Err(format!("there are {MEMBERS} members already"));
        }
        if self.members.contains_key(&name) || self.name(chain).is_some() {
            return Err("the name is taken, or the member is one already".into());
        }
        self.members.insert(name, Account { chain: chain.to_owned(), limit, balance: 0 });
        Ok(Step { asks: Vec::new(), reply: Some(encode(&Standing { balance: 0, at: seq })?) })
    }

    fn transfer(&mut self, seq: u64, chain: &str, order: &Order) -> Result<Step, String> {
        order.check()?;
        let payer = self.name(chain).ok_or("the payer is not a member")?.to_owned();
        let left = self.members.get(&payer).map_or(0, |account| account.balance + account.limit);
        let (to, amount) = (&order.to, order.amount);
        let receiver = self.members.get(to).ok_or_else(|| format!("{to} is not a member"))?;
        if *to == payer {
            return Err("payer and receiver are the same".into());
        }
        if amount > left {
            return Err(format!("{amount} is beyond the limit, of which {left} is left"));
        }
        if receiver.balance + amount > MOST {
            return Err(format!("{to} has as much as anybody may have"));
        }
        let receiver = receiver.chain.clone();
        let (from, to) = (self.pay(&payer, -amount, seq), self.pay(to, amount, seq));
        self.transfers += 1;
        let what = order.what.clone();
        let credit = Message::Credit(Credit { from: payer.clone(), amount, what, standing: to });
        let balances = (from.balance, to.balance);
        let paid = Message::Paid(Paid { from: payer, to: order.to.clone(), amount, balances });
        let asks =
            vec![Ask::Send(receiver, encode(&credit)?), Ask::Send(self.auditor.clone(), encode(&paid)?)];
        Ok(Step { asks, reply: Some(encode(&from)?) })
    }

    fn pay(&mut self, name: &str, amount: i64, at: u64) -> Standing {
        let balance = self.members.get_mut(name).map_or(0, |account| {
            account.balance += amount;
            account.balance
        });
        Standing { balance, at }
    }

    /// The name of the member whose chain this is.
    fn name(&self, chain: &str) -> Option<&str> {
        self.members.iter().find(|(_, account)| account.chain == chain).map(|(name, _)| name.as_str())
    }

    /// Whether a clearing house may be like this: nobody is below the limit, and all of it is nothing.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.members.len() > MEMBERS {
            return Err("there are too many members".into());
        }
        if let Some((name, _)) = self.members.iter().find(|(_, account)| account.balance < -account.limit) {
            return Err(format!("{name} is below the limit"));
        }
        match self.members.values().map(|account| account.balance).sum::<i64>() {
            0 => Ok(()),
            sum => Err(format!("the balances add up to {sum}, not to 0")),
        }
    }
}
