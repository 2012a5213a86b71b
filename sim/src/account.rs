//! An account of the bank: a machine that pays others, takes payments, and gets back what nobody took.
//!
//! Invariant: what leaves the balance is either kept in `sent` under the effect that carries it, until the account knows
//! what became of it, or was taken by another account, which remembers the payment's number.
//!
//! Messages are words: `pay TO AMOUNT NUMBER`, with a request; `give TO AMOUNT NUMBER`, without a reply; `later MS` and one
//! of these; `fail`. Accounts tell each other `put AMOUNT NUMBER` and `did NUMBER`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use troupe_chain::{
    Abort, Accepted, Asked, Context, EffectId, Engine, Failed, FailureCode, Files, Fuel, Machine, Machines,
    Notice, Outcome, Outside, Rejection, Rules, Sender, Step, Text,
};

/// How long an account waits for a reply, in milliseconds.
const PATIENCE: u64 = 400;

/// Finds the one machine there is.
#[derive(Debug, Clone)]
pub(crate) struct Bank(pub(crate) Engine);

impl Machines for Bank {
    type Machine = Account;

    fn engine(&self) -> &Engine {
        &self.0
    }

    fn machine(&self, _: &Rules, _: &[u8], _: &Files) -> Result<Account, String> {
        Ok(Account)
    }
}

/// Handles the messages of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account;

/// A payment on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) to: String,
    pub(crate) amount: u64,
    pub(crate) number: u64,
    /// What is asked: `pay` or `give`, or `did`, once no reply came.
    pub(crate) how: String,
}

/// What an account holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) money: u64,
    pub(crate) sent: BTreeMap<(u64, u64), Sent>,
    /// The numbers of payments that it took.
    pub(crate) taken: BTreeSet<u64>,
    /// The numbers of its own payments that it got back.
    pub(crate) returned: BTreeSet<u64>,
    /// The numbers of its own payments that were begun.
    pub(crate) begun: BTreeSet<u64>,
}

impl Balance {
    pub(crate) fn read(state: &[u8]) -> Option<Self> {
        let mut balance = Self::default();
        for line in std::str::from_utf8(state).ok()?.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words.get(at)?.parse::<u64>().ok();
            match *words.first()? {
                "money" => balance.money = number(1)?,
                "taken" => _ = balance.taken.insert(number(1)?),
                "returned" => _ = balance.returned.insert(number(1)?),
                "begun" => _ = balance.begun.insert(number(1)?),
                how => {
                    let to = (*words.get(3)?).to_owned();
                    let sent = Sent { to, amount: number(4)?, number: number(5)?, how: how.to_owned() };
                    balance.sent.insert((number(1)?, number(2)?), sent);
                }
            }
        }
        Some(balance)
    }

    fn write(&self) -> Vec<u8> {
        let mut text = format!("money {}\n", self.money);
        for ((seq, n), sent) in &self.sent {
            let Sent { to, amount, number, how } = sent;
            let _ = writeln!(text, "{how} {seq} {n} {to} {amount} {number}");
        }
        for (what, numbers) in [("taken", &self.taken), ("returned", &self.returned), ("begun", &self.begun)]
        {
            for number in numbers {
                let _ = writeln!(text, "{what} {number}");
            }
        }
        text.into_bytes()
    }
}

/// Why a message is not taken.
enum No {
    Refused(&'static str),
    Failed,
}

/// What handling a message leads to.
struct Handling<'a> {
    balance: Balance,
    context: &'a Context,
    reply: Option<Vec<u8>>,
    effects: Vec<Asked>,
}

impl Machine for Account {
    fn init(&self, _: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        let money = config.and_then(|config| std::str::from_utf8(config).ok()?.parse().ok());
        let balance = Balance { money: money.unwrap_or_default(), ..Balance::default() };
        Ok(step(Outcome::Accepted(Accepted { state: balance.write(), reply: None, effects: Vec::new() })))
    }

    fn apply(
        &self,
        context: &Context,
        _: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let host = |what: &str| Abort::Host(what.to_owned());
        let balance = Balance::read(state).ok_or_else(|| host("the state is no account"))?;
        let message = std::str::from_utf8(message).map_err(|_| host("the message is no text"))?;
        let mut handling = Handling { balance, context, reply: None, effects: Vec::new() };
        let outcome = match handling.message(message) {
            Ok(()) => {
                let Handling { balance, reply, effects, .. } = handling;
                Outcome::Accepted(Accepted { state: balance.write(), reply, effects })
            }
            Err(No::Refused(why)) => Outcome::Rejected(Rejection { reason: why.to_owned() }),
            Err(No::Failed) => {
                Outcome::Failed(Failed { code: FailureCode::Unreachable, detail: "as told".into() })
            }
        };
        Ok(step(outcome))
    }

    fn migrate(&self, _: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        Ok(step(Outcome::Accepted(Accepted { state: state.to_vec(), reply: None, effects: Vec::new() })))
    }
}

fn step(outcome: Outcome) -> Step {
    Step { outcome, fuel: Fuel(1), calls: Vec::new(), log: Vec::new() }
}

impl Handling<'_> {
    fn message(&mut self, message: &str) -> Result<(), No> {
        match &self.context.from {
            Sender::Reply { to, .. } => {
                self.reply_came(*to, message);
                Ok(())
            }
            Sender::Notice { of, about, .. } => {
                self.told(*of, *about);
                Ok(())
            }
            _ => self.command(message),
        }
    }

    fn command(&mut self, message: &str) -> Result<(), No> {
        let words: Vec<&str> = message.split(' ').collect();
        let number = |at: usize| {
            words.get(at).and_then(|word| word.parse::<u64>().ok()).ok_or(No::Refused("no number"))
        };
        match words[0] {
            "pay" | "give" => self.pay(words[0], words.get(1).copied().unwrap_or(""), number(2)?, number(3)?),
            "later" => {
                self.effects.push(Asked::timer(number(1)?, words[2..].join(" ").into_bytes()));
                Ok(())
            }
            "fail" => Err(No::Failed),
            "put" => {
                let (amount, payment) = (number(1)?, number(2)?);
                // Some payments are not taken, some only by failing; who gives is not told of a failure.
                match payment % 8 {
                    0 => return Err(No::Refused("not this one")),
                    1 if words.len() > 3 => return Err(No::Failed),
                    _ => {}
                }
                if !self.balance.taken.insert(payment) {
                    // The simulation finds that more money was taken than was sent.
                    self.balance.money += 1_000_000;
                }
                self.balance.money += amount;
                self.reply = (payment % 8 != 2).then(|| b"taken".to_vec());
                Ok(())
            }
            "did" => {
                let did = self.balance.taken.contains(&number(1)?);
                self.reply = Some(if did { b"taken".to_vec() } else { b"not taken".to_vec() });
                Ok(())
            }
            _ => Err(No::Refused("what is that")),
        }
    }

    fn pay(&mut self, how: &str, to: &str, amount: u64, number: u64) -> Result<(), No> {
        if self.balance.begun.contains(&number) {
            return Err(No::Refused("it was paid before"));
        }
        let Some(rest) = self.balance.money.checked_sub(amount) else {
            return Err(No::Refused("there is not so much money"));
        };
        self.balance.money = rest;
        self.balance.begun.insert(number);
        let sent = Sent { to: to.to_owned(), amount, number, how: how.to_owned() };
        self.ask(sent, |sent| match sent.how.as_str() {
            "pay" => format!("put {amount} {number} reply"),
            _ => format!("put {amount} {number}"),
        })
    }

    fn ask(&mut self, sent: Sent, message: impl Fn(&Sent) -> String) -> Result<(), No> {
        let to = Text::new(sent.to.clone()).map_err(|_| No::Refused("no name"))?;
        let message = message(&sent).into_bytes();
        let place = (self.context.seq, self.effects.len() as u64);
        self.effects.push(match sent.how.as_str() {
            "give" => Asked::send(to, message),
            _ => Asked::request(to, message, PATIENCE),
        });
        self.balance.sent.insert(place, sent);
        Ok(())
    }

    fn reply_came(&mut self, to: EffectId, reply: &str) {
        let Some(sent) = self.balance.sent.remove(&(to.seq, to.n)) else {
            // Nothing was asked, or there was an answer before: found as money that nobody has.
            self.balance.money += 1_000_000_000;
            return;
        };
        if reply == "not taken" {
            self.take_back(&sent);
        }
    }

    fn told(&mut self, of: EffectId, about: Notice) {
        let Some(mut sent) = self.balance.sent.remove(&(of.seq, of.n)) else {
            self.balance.money += 1_000_000_000;
            return;
        };
        match (about, sent.how.as_str()) {
            // It was taken, silently.
            (Notice::NoReply, "pay") => {}
            // Whether it was taken is not known: asked again, until there is an answer.
            (Notice::Late, _) | (_, "did") => {
                sent.how = "did".to_owned();
                let _ = self.ask(sent, |sent| format!("did {}", sent.number));
            }
            _ => self.take_back(&sent),
        }
    }

    fn take_back(&mut self, sent: &Sent) {
        self.balance.money += sent.amount;
        self.balance.returned.insert(sent.number);
    }
}
