//! A member: takes orders from people, has them paid by the clearing house, and knows its balance as last confirmed.

use serde::{Deserialize, Serialize};

use crate::wire::{
    Ask, Credit, EffectId, From, Incoming, Join, Message, Order, Standing, Step, check_amount, check_name,
    decode, encode,
};

/// How many orders may wait for the clearing house.
const PENDING: usize = 64;
/// How many ids of settled orders are remembered, so that an order sent again soon after is refused.
const RECENT: usize = 64;
/// How many declined orders are kept for reading.
const DECLINED: usize = 16;

/// The state of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    name: String,
    limit: i64,
    /// The clearing house's address.
    clearing: String,
    joining: Joining,
    standing: Standing,
    pending: Vec<Pending>,
    declined: Vec<Declined>,
    recent: Vec<String>,
    counts: Counts,
}

/// Whether the clearing house has taken this member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Joining {
    /// Asked by this effect.
    Asked(EffectId),
    /// It has, and this is its id.
    Joined(String),
    /// It has not, for this reason.
    Declined(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    request: EffectId,
    order: Order,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Declined {
    id: String,
    why: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    ordered: u64,
    paid: u64,
    declined: u64,
    received: u64,
}

impl Member {
    /// A member that asks to be one, with effect 0 of the entry at `seq`.
    pub(crate) fn new(seq: u64, join: Join, clearing: String) -> Result<(Self, Step), String> {
        check_name("name", &join.name)?;
        check_name("clearing", &clearing)?;
        check_amount("limit", join.limit, 0)?;
        let mut member = Self {
            name: join.name,
            limit: join.limit,
            clearing,
            joining: Joining::Declined("not asked yet".into()),
            standing: Standing::default(),
            pending: Vec::new(),
            declined: Vec::new(),
            recent: Vec::new(),
            counts: Counts::default(),
        };
        let step = member.join(seq)?;
        Ok((member, step))
    }

    /// Takes a message.
    pub(crate) fn step(&mut self, incoming: &Incoming<'_>) -> Result<Step, String> {
        match &incoming.from {
            From::Reply(to, chain) => self.reply(*to, chain, incoming.bytes),
            From::Notice(of, about) => {
                self.notice(*of, about);
                Ok(Step::default())
            }
            From::Outside => match decode("an order", incoming.bytes)? {
                Message::Order(order) => self.order(incoming.seq, order),
                Message::Join(Join { name, .. }) if name == self.name => self.join(incoming.seq),
                _ => Err("a person may order, or tell this member to join under its name".into()),
            },
            From::Actor(chain) => match decode("a credit", incoming.bytes)? {
                Message::Credit(credit) if self.joining == Joining::Joined(chain.clone()) => {
                    self.credit(&credit);
                    Ok(Step::default())
                }
                _ => Err("an actor may give credit, and only the clearing house".into()),
            },
            From::Other => Err("nobody who is expected".into()),
        }
    }

    fn join(&mut self, seq: u64) -> Result<Step, String> {
        if !matches!(self.joining, Joining::Declined(_)) {
            return Err("this member has asked already".into());
        }
        self.joining = Joining::Asked(EffectId(seq, 0));
        let join = Message::Join(Join { name: self.name.clone(), limit: self.limit });
        Ok(Step { asks: vec![Ask::Request(self.clearing.clone(), encode(&join)?)], reply: None })
    }

    fn order(&mut self, seq: u64, order: Order) -> Result<Step, String> {
        order.check()?;
        let Joining::Joined(clearing) = &self.joining else { return Err("not a member yet".into()) };
        if order.to == self.name {
            return Err("this is the receiver itself".into());
        }
        let known = self.pending.iter().any(|pending| pending.order.id == order.id);
        if known || self.recent.contains(&order.id) {
            return Err(format!("the order {} has been taken already", order.id));
        }
        if self.pending.len() == PENDING {
            return Err(format!("{PENDING} orders are waiting"));
        }
        let request = Ask::Request(clearing.clone(), encode(&Message::Transfer(order.clone()))?);
        let reply = format!("{{\"pending\":{}}}", self.pending.len() + 1);
        self.pending.push(Pending { request: EffectId(seq, 0), order });
        self.counts.ordered += 1;
        Ok(Step { asks: vec![request], reply: Some(reply.into_bytes()) })
    }

    fn reply(&mut self, to: EffectId, chain: &str, bytes: &[u8]) -> Result<Step, String> {
        let standing: Standing = decode("a standing", bytes)?;
        if self.joining == Joining::Asked(to) {
            self.joining = Joining::Joined(chain.to_owned());
        } else {
            let order = self.take(to).ok_or("a reply to nothing that was asked")?;
            self.remember(order.id);
            self.counts.paid += 1;
        }
        self.stand(standing);
        Ok(Step::default())
    }

    /// Only requests are of interest; a notice of anything else changes nothing.
    fn notice(&mut self, of: EffectId, about: &str) {
        if self.joining == Joining::Asked(of) {
            self.joining = Joining::Declined(about.to_owned());
        } else if let Some(order) = self.take(of) {
            self.remember(order.id.clone());
            self.counts.declined += 1;
            keep(&mut self.declined, Declined { id: order.id, why: about.to_owned() }, DECLINED);
        }
    }

    fn credit(&mut self, credit: &Credit) {
        self.counts.received += 1;
        self.stand(credit.standing);
    }

    /// Replies and credits may overtake each other; the clearing house says which is the later.
    fn stand(&mut self, standing: Standing) {
        if standing.at > self.standing.at {
            self.standing = standing;
        }
    }

    fn take(&mut self, request: EffectId) -> Option<Order> {
        let at = self.pending.iter().position(|pending| pending.request == request)?;
        Some(self.pending.remove(at).order)
    }

    fn remember(&mut self, id: String) {
        keep(&mut self.recent, id, RECENT);
    }

    /// Whether a member may be like this.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Counts { ordered, paid, declined, .. } = self.counts;
        if ordered != paid + declined + self.pending.len() as u64 {
            return Err("an order is neither waiting nor paid nor declined".into());
        }
        if self.pending.len() > PENDING || self.recent.len() > RECENT || self.declined.len() > DECLINED {
            return Err("a list is too long".into());
        }
        if self.standing.balance < -self.limit {
            return Err("the balance is below the limit".into());
        }
        self.pending.iter().try_for_each(|pending| pending.order.check())
    }
}

/// Adds to the end of a list that is kept at its length.
fn keep<T>(list: &mut Vec<T>, item: T, most: usize) {
    if list.len() == most {
        list.remove(0);
    }
    list.push(item);
}
