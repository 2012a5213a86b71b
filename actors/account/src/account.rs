//! The rules of an account: what leaves it, what comes in, and what comes back.
//!
//! Invariant: money that left is on its way until the receiver's reply or a notice says what became of it; it is put back
//! only where the receiver certainly did not take it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The largest amount and balance: far from where sums of them could overflow.
const MOST: i64 = 1_000_000_000_000;
/// The longest address and id, in bytes.
const NAME_LIMIT: usize = 64;
/// How many transfers may be on their way.
const OUT: usize = 64;
/// How many ids of settled transfers and of deposits are kept for reading.
const RECENT: usize = 16;

/// What the actor is started with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    balance: i64,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    opening: i64,
    balance: i64,
    /// Transfers on their way.
    out: Vec<Out>,
    /// All that left, whatever became of it.
    sent: Sum,
    received: Sum,
    /// What left and came back.
    returned: Sum,
    /// What left, and nobody can say whether it arrived.
    doubtful: Sum,
    /// The last transfers that arrived elsewhere, and the last deposits here.
    recent: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Out {
    request: EffectId,
    amount: i64,
    id: String,
}

/// Amounts, and how many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    count: u64,
    sum: i64,
}

/// An effect of the actor itself. In JSON `[seq, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EffectId(pub(crate) u64, pub(crate) u32);

/// Who sent a message, as far as the rules look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Somebody outside.
    Outside,
    /// Another actor.
    Actor,
    /// The receiver of a request.
    Reply(EffectId),
    /// The runtime, about a request.
    Notice(EffectId, About),
    /// A timer or a parent, of which this actor makes no use.
    Other,
}

/// What a notice says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The receiver handled it.
    Taken,
    /// The receiver's state is as it was.
    NotTaken,
    /// Either.
    Unclear,
}

/// What is told to this actor, and what it tells others.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Message {
    Transfer(Transfer),
    Deposit(Deposit),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    to: String,
    amount: i64,
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deposit {
    amount: i64,
    id: String,
}

/// What a message led to beside the new state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// The address and the bytes of a request.
    pub(crate) request: Option<(String, Vec<u8>)>,
    pub(crate) reply: Option<Vec<u8>>,
}

impl Account {
    /// An account with what it is opened with.
    pub(crate) fn new(config: Option<&[u8]>) -> Result<Self, String> {
        let config = config.ok_or("a configuration says the balance: {\"balance\":100}")?;
        let Config { balance } = decode("a configuration", config)?;
        check_amount("balance", balance, 0)?;
        let [sent, received, returned, doubtful] = [Sum::default(); 4];
        let (out, recent) = (Vec::new(), Vec::new());
        Ok(Self { opening: balance, balance, out, sent, received, returned, doubtful, recent })
    }

    /// Reads a state.
    pub(crate) fn decode(state: &[u8]) -> Result<Self, String> {
        decode("a state", state)
    }

    /// Writes the state.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        encode(self)
    }

    /// Takes the message that the entry at `seq` would be, or says why it is refused; then the state is of no more use.
    pub(crate) fn step(&mut self, from: From, seq: u64, bytes: &[u8]) -> Result<Step, String> {
        match from {
            From::Outside => match decode("a transfer", bytes)? {
                Message::Transfer(transfer) => self.transfer(seq, transfer),
                Message::Deposit(_) => Err("deposits come from other accounts".into()),
            },
            From::Actor => match decode("a deposit", bytes)? {
                Message::Deposit(deposit) => self.deposit(deposit),
                Message::Transfer(_) => Err("an actor may not order a transfer".into()),
            },
            From::Reply(request) => Ok(self.settle(request, About::Taken)),
            From::Notice(request, about) => Ok(self.settle(request, about)),
            From::Other => Err("nobody who is expected".into()),
        }
    }

    fn transfer(&mut self, seq: u64, transfer: Transfer) -> Result<Step, String> {
        let Transfer { to, amount, id } = transfer;
        check_name("to", &to)?;
        check_name("id", &id)?;
        check_amount("amount", amount, 1)?;
        if amount > self.balance {
            return Err(format!("the balance is {}", self.balance));
        }
        if self.out.len() == OUT {
            return Err(format!("{OUT} transfers are on their way"));
        }
        let deposit = encode(&Message::Deposit(Deposit { amount, id: id.clone() }))?;
        self.balance -= amount;
        self.sent.add(amount)?;
        self.out.push(Out { request: EffectId(seq, 0), amount, id });
        let reply = format!("{{\"balance\":{},\"out\":{}}}", self.balance, self.out.len());
        Ok(Step { request: Some((to, deposit)), reply: Some(reply.into_bytes()) })
    }

    fn deposit(&mut self, deposit: Deposit) -> Result<Step, String> {
        let Deposit { amount, id } = deposit;
        check_name("id", &id)?;
        check_amount("amount", amount, 1)?;
        check_amount("balance", self.balance + amount, 0)?;
        self.balance += amount;
        self.received.add(amount)?;
        let reply = encode(&Taken { taken: &id })?;
        self.remember(id);
        Ok(Step { request: None, reply: Some(reply) })
    }

    /// A request that is not known any more was settled before; then there is nothing to do.
    fn settle(&mut self, request: EffectId, about: About) -> Step {
        if let Some(at) = self.out.iter().position(|out| out.request == request) {
            let Out { amount, id, .. } = self.out.remove(at);
            let known = match about {
                About::Taken => {
                    self.remember(id);
                    Ok(())
                }
                About::NotTaken => {
                    self.balance += amount;
                    self.returned.add(amount)
                }
                About::Unclear => self.doubtful.add(amount),
            };
            debug_assert!(known.is_ok(), "what left can come back");
        }
        Step::default()
    }

    fn remember(&mut self, id: String) {
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push(id);
    }

    /// Whether an account may be like this.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { opening, balance, out, sent, received, returned, doubtful, recent } = self;
        if *balance < 0 || *opening < 0 {
            return Err("the balance is below zero".into());
        }
        let sum = |amounts: &Sum| i128::from(amounts.sum);
        let expected = i128::from(*opening) - sum(sent) + sum(received) + sum(returned);
        if i128::from(*balance) != expected {
            return Err(format!("the balance is {balance}, and its history comes to {expected}"));
        }
        let on_the_way: i128 = out.iter().map(|out| i128::from(out.amount)).sum();
        let at_most = sum(sent) - sum(returned) - sum(doubtful);
        let counted = returned.count + doubtful.count + out.len() as u64;
        if on_the_way > at_most || counted > sent.count {
            return Err("more is on its way or came back than was sent".into());
        }
        if out.len() > OUT || recent.len() > RECENT {
            return Err("a list is too long".into());
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Taken<'a> {
    taken: &'a str,
}

impl Sum {
    fn add(&mut self, amount: i64) -> Result<(), String> {
        self.sum = self.sum.checked_add(amount).ok_or("the sum is too large")?;
        self.count += 1;
        Ok(())
    }
}

/// Names stand in addresses and logs: visible ASCII.
fn check_name(field: &str, name: &str) -> Result<(), String> {
    if (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("`{field}` is 1 to {NAME_LIMIT} visible ASCII characters"))
}

fn check_amount(field: &str, amount: i64, least: i64) -> Result<(), String> {
    if (least..=MOST).contains(&amount) {
        Ok(())
    } else {
        Err(format!("`{field}` is from {least} to {MOST}"))
    }
}

fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("not {what}: {error}"))
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| format!("cannot be written: {error}"))
}
