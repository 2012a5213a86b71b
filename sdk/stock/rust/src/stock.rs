//! The state, and what each message makes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use troupe_actor::{Actor, Context, Description, Json, Reason, bail, debug, ensure};

use crate::message::{Change, Count, Item, MOST, Message, Reply};
use crate::schema;

/// The longest name of an actor.
const MAX_NAME: usize = 256;

/// The state.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stock {
    // So that it must be there, if only as `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    alert: Option<String>,
    items: BTreeMap<Item, Count<MOST>>,
    low: u64,
    seen: u64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    alert: Option<String>,
    low: u64,
}

/// What is sent to `alert`.
#[derive(Serialize)]
struct Alert<'a> {
    item: &'a Item,
    low: u64,
}

/// The message of a reminder.
#[derive(Serialize)]
struct Reminder {
    total: Empty,
}

#[derive(Serialize)]
struct Empty {}

impl Actor for Stock {
    type Message = Message;
    type Reply = Reply;

    fn init(config: Json<'_>, _: &mut Context) -> Result<Self, Reason> {
        let read = || {
            let config: Config = if config.is_null() { Config::default() } else { config.read()? };
            let stock = Self { alert: config.alert, low: config.low, ..Self::default() };
            stock.check().map(|()| stock)
        };
        read().map_err(|_| "not a configuration".into())
    }

    fn read(message: Json<'_>, _: &Context) -> Result<Message, Reason> {
        message.read().map_err(|_| "not a message of stock".into())
    }

    fn accept(&self, message: &Message, _: &Context) -> Result<(), Reason> {
        match message {
            Message::Add(Change { item, n }) => {
                ensure!(self.count(item) + n.get() <= MOST, "no room for {} of {item}", n.get());
            }
            Message::Take(Change { item, n }) => {
                let count = self.count(item);
                ensure!(n.get() <= count, "only {count} of {item}");
            }
            _ => {}
        }
        Ok(())
    }

    fn handle(&mut self, message: Message, context: &mut Context) -> Result<Reply, Reason> {
        debug!("{}", message.key());
        self.seen += 1;
        Ok(match message {
            Message::Add(Change { item, n }) => {
                let n = self.put(item.clone(), self.count(&item) + n.get())?;
                Reply::Left { item, n }
            }
            Message::Take(Change { item, n }) => {
                let n = self.put(item.clone(), self.count(&item) - n.get())?;
                if let Some(alert) = self.alert.as_ref().filter(|_| n < self.low) {
                    context.send(alert, &Alert { item: &item, low: n });
                }
                Reply::Left { item, n }
            }
            Message::Total(_) => {
                Reply::Total { items: self.items.len(), total: self.items.values().map(|n| n.get()).sum() }
            }
            Message::Remind(remind) => {
                let after = Duration::from_millis(remind.after.get());
                Reply::Timer { timer: context.set_timer(after, &Reminder { total: Empty {} }) }
            }
            Message::Who(_) => Reply::Who { at: context.at, from: context.from.kind(), seq: context.seq },
            Message::Fail(_) => bail!("asked to fail"),
        })
    }

    fn check(&self) -> Result<(), Reason> {
        ensure!(self.low <= MOST, "`low` is at most {MOST}");
        if let Some(name) = &self.alert {
            let fits =
                (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            ensure!(fits, "`alert` is not the name of an actor");
        }
        Ok(())
    }

    fn describe() -> Description {
        schema::description()
    }
}

impl Stock {
    fn count(&self, item: &Item) -> u64 {
        self.items.get(item).map_or(0, |count| count.get())
    }

    /// Sets the count of an item, which is not listed if it is 0.
    fn put(&mut self, item: Item, count: u64) -> Result<u64, Reason> {
        match count {
            0 => self.items.remove(&item),
            _ => self.items.insert(item, count.try_into()?),
        };
        Ok(count)
    }
}
